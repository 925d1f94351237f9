package main

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rules_romfs/internal/peer"
)

// TestConsole runs the console blocks of README and docs, each page in a folder of
// its own with a copy of the examples, and compares what they print. With -update a
// page gets what was printed. What differs between machines is apart: paths, times,
// versions of tools.
//
// Comments before a block say what it needs:
//
//	<!-- in: FOLDER -->         the folder for what follows, made if it is not there
//	<!-- first: COMMAND -->     is run first, unseen
//	<!-- file: PATH -->         the block is no session, but the content of this file
//	<!-- not run: REASON -->    the block has commands, and this is why they are not run
//
// A block with commands ("$ …") that is neither run nor says why not is an error, and
// so is one that is called console and has none.
func TestConsole(t *testing.T) {
	for _, name := range consolePages(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(peer.Root(t), name)
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			p := &consolePage{t: t, name: name}
			got := p.run(string(text))
			if got == string(text) || t.Failed() {
				return
			}
			if !*update {
				t.Fatalf("%s does not show what is printed; run `go test ./packager/cmd/romfs -run TestConsole -update` (-want +got)\n%s", name, cmp.Diff(string(text), got))
			}
			if err := os.WriteFile(path, []byte(got), 0o666); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// consolePages are the pages that users read.
func consolePages(t *testing.T) []string {
	var names []string
	for _, pattern := range []string{"*.md", "docs/*.md", "examples/*/*.md"} {
		paths, err := filepath.Glob(filepath.Join(peer.Root(t), pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			name, err := filepath.Rel(peer.Root(t), path)
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, name)
		}
	}
	if len(names) < 10 {
		t.Fatalf("only the pages %q", names)
	}
	return names
}

// A consolePage is one page while it is run.
type consolePage struct {
	t    *testing.T
	name string
	root string // where it happens; empty: nothing has yet
	dir  string // the current folder, relative to root
	why  string // what follows is not run
	file string // that the next block is
}

var (
	pageComment = regexp.MustCompile(`^<!-- (in|first|file|not run): (.*) -->$`)
	pageFence   = regexp.MustCompile("^(```+)(\\w*)$")
)

// run returns the page with what its commands print.
func (p *consolePage) run(text string) string {
	var out strings.Builder
	lines := slices.Collect(strings.Lines(text))
	for i := 0; i < len(lines); i++ {
		line := strings.TrimSuffix(lines[i], "\n")
		out.WriteString(lines[i])
		if m := pageComment.FindStringSubmatch(line); m != nil {
			p.comment(m[1], m[2])
			continue
		}
		fence := pageFence.FindStringSubmatch(line)
		if fence == nil {
			continue
		}
		end := i + 1
		for end < len(lines) && strings.TrimSuffix(lines[end], "\n") != fence[1] {
			end++
		}
		out.WriteString(p.block(fence[2], strings.Join(lines[i+1:end], ""), i+1))
		p.why, p.file = "", ""
		i = end - 1
		if end < len(lines) {
			out.WriteString(lines[end])
			i = end
		}
	}
	return out.String()
}

func (p *consolePage) comment(what, value string) {
	switch what {
	case "in":
		p.dir = value
		if err := os.MkdirAll(filepath.Join(p.scratch(), p.dir), 0o777); err != nil {
			p.t.Fatal(err)
		}
	case "first":
		p.session(value)
	case "file":
		p.file = value
	case "not run":
		p.why = value
	}
}

// block returns what a block is to hold.
func (p *consolePage) block(kind, body string, line int) string {
	commands := strings.HasPrefix(body, "$ ") || strings.Contains(body, "\n$ ")
	switch {
	case p.file != "":
		p.write(filepath.Join(p.dir, p.file), body)
		return body
	case kind == "console" && p.why != "":
		p.t.Errorf("%s:%d: what is not run is no console; call it text", p.name, line)
		return body
	case kind == "console" && !strings.HasPrefix(body, "$ "):
		p.t.Errorf("%s:%d: a console begins with a command", p.name, line)
		return body
	case kind != "console":
		if commands && p.why == "" {
			p.t.Errorf("%s:%d: these commands are not run, and nothing says why: make it a console, or write <!-- not run: REASON --> before it", p.name, line)
		}
		return body
	}
	var out strings.Builder
	for _, step := range strings.SplitAfter("\n"+body, "\n$ ")[1:] {
		step = strings.TrimSuffix(step, "$ ")
		command, printed, _ := strings.Cut(step, "\n")
		got := p.session(command)
		if same(got) == same(printed) {
			got = printed
		}
		out.WriteString("$ " + command + "\n" + got)
	}
	return out.String()
}

// anyMachine matches what differs from one machine, or one run, to the next.
var anyMachine = []struct {
	what *regexp.Regexp
	to   string
}{
	{regexp.MustCompile(`\b\d+\.\d+ (m?s)\b`), "0.00 $1"},
	{regexp.MustCompile(`/dev/pts/\d+`), "/dev/pts/0"},
	{regexp.MustCompile(`(?m)^romfs \S+$`), "romfs VERSION"},
	{regexp.MustCompile(`MicroPython [\d.]+ with words of (\d\d) bits \(.*\)`), "MicroPython with words of $1 bits"},
	// What the file system takes of a heap depends on the names of folders.
	{regexp.MustCompile(`(?m)^( +\d+(?: +\d+)? +)\d+ +\d+( +\d+ +\d+  \S+: | +all together)`), "${1}N N$2"},
	{regexp.MustCompile(`(: a report on .*), [\d.]+ [KM]iB`), "$1"},
	{regexp.MustCompile(`[\d.]+ KiB on the link`), "some KiB on the link"},
	{regexp.MustCompile(`(the link cut in the middle, and resumed): .*`), "$1"},
}

func same(printed string) string {
	for _, d := range anyMachine {
		printed = d.what.ReplaceAllString(printed, d.to)
	}
	// Boards that are deployed to at once say this in any order.
	lines := strings.Split(printed, "\n")
	for i := range lines {
		end := i
		for end < len(lines) && strings.HasSuffix(lines[end], " blocks changed") {
			end++
		}
		slices.Sort(lines[i:end])
	}
	return strings.Join(lines, "\n")
}

// scratch is the folder in which all of the page happens.
func (p *consolePage) scratch() string {
	if p.root != "" {
		return p.root
	}
	p.root = p.t.TempDir()
	if err := os.CopyFS(filepath.Join(p.root, "examples"), os.DirFS(filepath.Join(peer.Root(p.t), "examples"))); err != nil {
		p.t.Fatal(err)
	}
	for path, content := range pageFiles[p.name] {
		p.write(path, content)
	}
	return p.root
}

func (p *consolePage) write(name, content string) {
	p.t.Helper()
	path := filepath.Join(p.scratch(), filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
		p.t.Fatal(err)
	}
}

// session runs one line of a console and returns what it prints.
func (p *consolePage) session(command string) string {
	p.t.Helper()
	root := p.scratch()
	if dir, ok := strings.CutPrefix(command, "cd "); ok {
		p.dir = filepath.Join(p.dir, dir)
		return ""
	}
	cmd := exec.Command("sh", "-c", command)
	cmd.Dir = filepath.Join(root, p.dir)
	cmd.Env = []string{"HOME=" + root, "ROMFS_CACHE=" + filepath.Join(root, ".cache"), "MPY_CROSS=" + peer.MpyCross(p.t), "ROMFS_MICROPYTHON=" + p.interpreter(), "PATH=" + p.path(), race + "=" + os.Getenv(race)}
	out, err := cmd.CombinedOutput()
	if _, failed := err.(*exec.ExitError); err != nil && !failed {
		p.t.Fatalf("%s: %v", command, err)
	}
	if len(out) > 0 && out[len(out)-1] != '\n' {
		out = append(out, '\n')
	}
	printed := strings.ReplaceAll(string(out), filepath.Join(root, p.dir)+"/", "")
	return strings.ReplaceAll(printed, root+"/", "")
}

// path has romfs, where testscript has put it, and else only what every system has.
func (p *consolePage) path() string {
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if _, err := os.Stat(filepath.Join(dir, "romfs")); err == nil {
			return dir + ":/usr/bin:/bin"
		}
	}
	p.t.Fatal("no romfs on PATH")
	return ""
}

// interpreter is the MicroPython of simulated boards, and by which RAM is measured:
// there one that is like a board's.
func (p *consolePage) interpreter() string {
	if p.name == "docs/ram.md" {
		return peer.MicroPython32(p.t)
	}
	return peer.MicroPython(p.t)
}

// pageFiles are what pages begin with, besides the examples.
var pageFiles = map[string]map[string]string{"docs/openmv.md": openMVFiles()}

// openMVFiles are the folders of somebody who uses OpenMV's tools so far.
func openMVFiles() map[string]string {
	const tfliteMark = "\x1c\x00\x00\x00TFL3" // what models begin with; the rest is noise
	model := tfliteMark + noise(57040)[len(tfliteMark):]
	return map[string]string{
		"camera/main.py": "import detector\n", "camera/detector.py": "MODEL = \"/rom/person.tflite\"\n",
		"camera/person.tflite": model, "camera/person.txt": "person\nno person\n", "camera/face.xml": minimalCascade,
		"openmv/lib/models/person.tflite": model, "openmv/lib/models/person.txt": "person\nno person\n",
		"openmv/lib/models/audio.tflite": tfliteMark + noise(7760)[len(tfliteMark):], "openmv/lib/haar/face.xml": minimalCascade,
		"ae3/main.py": "print(\"HP\")\n", "ae3/person.tflite": model,
	}
}

// noise is the content of a model as far as images go.
func noise(size int) string {
	r := rand.New(rand.NewPCG(uint64(size), 5))
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return string(b)
}

// minimalCascade has one stage of one classifier.
const minimalCascade = `<opencv_storage><face type_id="opencv-haar-classifier"><size>20 20</size><stages><_><trees><_><_>
<feature><rects><_>0 0 12 9 -1.</_><_>0 3 12 3 3.</_></rects><tilted>0</tilted></feature>
<threshold>-0.03</threshold><left_val>2.08</left_val><right_val>-2.21</right_val></_></_></trees>
<stage_threshold>-5.04</stage_threshold><parent>-1</parent><next>-1</next></_></stages></face></opencv_storage>
`

// TestConsoleRules: no block escapes.
func TestConsoleRules(t *testing.T) {
	t.Parallel()
	for page, want := range map[string]string{
		"```console\n$ echo 1\n2\n$ echo 3 && echo 4\n3\n4\n```\n":                                "```console\n$ echo 1\n1\n$ echo 3 && echo 4\n3\n4\n```\n",
		"<!-- file: a -->\n```yaml\nx\n```\n```console\n$ cat a\n```\n":                           "<!-- file: a -->\n```yaml\nx\n```\n```console\n$ cat a\nx\n```\n",
		"<!-- in: new -->\n<!-- first: echo 1 >b -->\n```console\n$ cat b\n$ ls -A ../new\n```\n": "<!-- in: new -->\n<!-- first: echo 1 >b -->\n```console\n$ cat b\n1\n$ ls -A ../new\nb\n```\n",
		"```console\n$ echo 1.25 s\n7.00 s\n```\n":                                                "```console\n$ echo 1.25 s\n7.00 s\n```\n",
		"<!-- not run: no board -->\n```text\n$ false\n```\n":                                     "<!-- not run: no board -->\n```text\n$ false\n```\n",
	} {
		if got := (&consolePage{t: t}).run(page); got != want {
			t.Errorf("(-want +got)\n%s", cmp.Diff(want, got))
		}
	}
	for _, escapes := range []string{"```text\n$ true\n```\n", "```\nfirst\n$ true\n```\n", "```console\ntrue\n```\n", "<!-- not run: why -->\n```console\n$ true\n```\n"} {
		inner := new(testing.T)
		(&consolePage{t: inner}).run(escapes)
		if !inner.Failed() {
			t.Errorf("%q escapes", escapes)
		}
	}
}
