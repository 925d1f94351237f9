package device

import (
	"fmt"
	"io/fs"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"rules_romfs/internal/peer"
	"rules_romfs/internal/pyshrink"
	"rules_romfs/packager/repl"
)

// A fragment is one file of program/ and what its first line says.
type fragment struct {
	needs, gives []string
}

func fragments(t *testing.T) map[string]fragment {
	t.Helper()
	list, err := fs.Glob(programFiles, "program/*.py")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]fragment{}
	for _, name := range list {
		name = strings.TrimSuffix(path.Base(name), ".py")
		first, _, _ := strings.Cut(source(name), "\n")
		needs, gives, ok := strings.Cut(strings.TrimPrefix(first, "# needs:"), "; gives:")
		if !ok || !strings.HasPrefix(first, "# needs:") {
			t.Errorf("%s begins with %q", name, first)
		}
		all[name] = fragment{strings.Fields(needs), strings.Fields(gives)}
	}
	return all
}

// inOrder returns name behind what it needs, directly or not.
func inOrder(t *testing.T, all map[string]fragment, name string) []string {
	t.Helper()
	var order []string
	have := map[string]bool{"_sum": true} // the loader's
	var add func(name string)
	add = func(name string) {
		for _, need := range all[name].needs {
			if have[need] {
				continue
			}
			giver := ""
			for _, other := range names(all) {
				if slices.Contains(all[other].gives, need) && other != name && (giver == "" || preferred[other]) {
					giver = other
				}
			}
			if giver == "" {
				t.Fatalf("nothing gives %s, which %s needs", need, name)
			}
			add(giver)
		}
		order = append(order, name)
		for _, given := range all[name].gives {
			have[given] = true
		}
	}
	add(name)
	return order
}

// preferred are those of several that give a name that the test takes.
var preferred = map[string]bool{"built_in": true, "buffer": true, "crc32": true, "check_sum32": true, "inflate": true, "link": true,
	"hash_sha256": true, "text_base64": true, "read_memory": true, "write_memory": true}

func names(all map[string]fragment) []string {
	var list []string
	for name := range all {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// stage is what a board has that the interpreter lacks.
const stage = `
import sys, vfs as _vfs, uctypes
class _Rom:
    VfsRom = _vfs.VfsRom
    def rom_ioctl(self, op, *a):
        return 1 if op == 1 else _flash if op == 2 else 4096
    def umount(self, at):
        raise OSError(22)
_flash = memoryview(bytearray(65536))
_rom = _Rom()
sys.modules["vfs"] = _rom
_names = {}
`

// TestProgramFilesSayWhatTheyNeedAndGive runs each file in a real interpreter behind what it
// says that it needs, and looks at which names it uses and leaves behind.
func TestProgramFilesSayWhatTheyNeedAndGive(t *testing.T) {
	t.Parallel()
	all := fragments(t)
	for _, name := range names(all) {
		order := inOrder(t, all, name)
		var script strings.Builder
		script.WriteString("import builtins\n" + repl.Loader() + stage)
		for i, part := range order {
			if i == len(order)-1 {
				script.WriteString("_before = set(_own)\n")
			}
			fmt.Fprintf(&script, "exec(%s, _own)\n", repl.Literal([]byte(source(part))))
		}
		script.WriteString("print('\\n!' + ' '.join(sorted(set(_own) - _before)))\nprint('!' + ' '.join(dir(builtins)))\n")
		cmd := exec.Command(peer.MicroPython(t), "-c", script.String())
		cmd.Stdin = strings.NewReader("")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%s (behind %v): %v\n%s", name, order, err, out)
			continue
		}
		lines := strings.Split(string(out), "\n!")
		bound, builtins := strings.Fields(lines[1]), strings.Fields(lines[2])
		for _, given := range all[name].gives {
			if slices.Contains(all[name].needs, given) || !slices.Contains(bound, given) {
				t.Errorf("%s says that it gives %s, and does not", name, given)
			}
		}
		for _, b := range bound {
			if slices.Contains(builtins, b) {
				t.Errorf("%s has its own %s", name, b)
			}
		}
		checkNames(t, name, all[name], bound, builtins)
	}
}

// checkNames compares the names that a file uses with those that it binds or needs.
func checkNames(t *testing.T, name string, f fragment, bound, builtins []string) {
	t.Helper()
	used := map[string]bool{}
	for _, word := range freeNames(source(name)) {
		used[word] = true
		if !slices.Contains(f.needs, word) && !slices.Contains(bound, word) && !slices.Contains(builtins, word) && !slices.Contains(f.gives, word) {
			t.Errorf("%s uses %s, and does not say that it needs it", name, word)
		}
	}
	for _, need := range f.needs {
		if !used[need] && need != "sys" {
			t.Errorf("%s says that it needs %s, and does not use it", name, need)
		}
	}
}

var (
	pythonText = regexp.MustCompile(`b?"(?:[^"\\]|\\.)*"`)
	pythonName = regexp.MustCompile(`(?:^|[^.\w])([A-Za-z_]\w+)`)
	ofClass    = regexp.MustCompile(`(?m)^ (def [a-z]\w+\(|[a-z]\w+=)`)
	keywords   = strings.Fields("and as break class def del elif else except finally for False from global if import in is None not or pass raise return try while with")
)

// freeNames returns the names that a program uses and does not bind: shrinking leaves those as they are.
func freeNames(program string) []string {
	short := pythonText.ReplaceAllString(pyshrink.NamesOf(program).Shrink(program), `""`)
	short = strings.NewReplacer("import sys", "", "import vfs", "", "import gc", "", "import uctypes", "").Replace(short)
	short = ofClass.ReplaceAllString(short, "(")
	var list []string
	for _, m := range pythonName.FindAllStringSubmatch(short, -1) {
		if !slices.Contains(keywords, m[1]) {
			list = append(list, m[1])
		}
	}
	return list
}
