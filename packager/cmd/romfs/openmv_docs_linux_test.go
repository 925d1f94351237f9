package main

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rules_romfs/internal/peer"
)

var blocks = regexp.MustCompile("(?ms)(?:^<!-- (file|by hand): ([^\n]*) -->\n)?^```(\\w+)\n(.*?)^```$")

// TestOpenMVPage does what docs/openmv.md says, and compares what it prints:
// files are written that a comment names, and console sessions run in one
// directory, in the page's order. With -update the page gets what was printed.
func TestOpenMVPage(t *testing.T) {
	const name = "docs/openmv.md"
	page, err := os.ReadFile(filepath.Join(peer.Root(t), name))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(path, content string) {
		t.Helper()
		path = filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	const tfliteMark = "\x1c\x00\x00\x00TFL3" // what models begin with; the rest is noise
	// The folders that the page begins with.
	model, cascade := tfliteMark+noise(57040)[len(tfliteMark):], minimalCascade
	for path, content := range map[string]string{
		"camera/main.py": "import detector\n", "camera/detector.py": "MODEL = \"/rom/person.tflite\"\n",
		"camera/person.tflite": model, "camera/person.txt": "person\nno person\n", "camera/face.xml": cascade,
		"openmv/lib/models/person.tflite": model, "openmv/lib/models/person.txt": "person\nno person\n",
		"openmv/lib/models/audio.tflite": tfliteMark + noise(7760)[len(tfliteMark):], "openmv/lib/haar/face.xml": cascade,
		"ae3/main.py": "print(\"HP\")\n", "ae3/person.tflite": model,
	} {
		write(path, content)
	}

	var got bytes.Buffer
	at := 0
	for _, m := range blocks.FindAllSubmatchIndex(page, -1) {
		group := func(i int) string {
			if m[2*i] < 0 {
				return ""
			}
			return string(page[m[2*i]:m[2*i+1]])
		}
		got.Write(page[at:m[8]])
		at = m[9]
		switch body := group(4); {
		case group(1) == "file":
			write(group(2), body)
			got.WriteString(body)
		case group(3) != "console" || group(1) == "by hand":
			got.WriteString(body)
		default:
			for line := range strings.Lines(body) {
				if command, ok := strings.CutPrefix(line, "$ "); ok {
					got.WriteString(line)
					got.WriteString(session(t, dir, command))
				}
			}
		}
	}
	got.Write(page[at:])
	if bytes.Equal(got.Bytes(), page) {
		return
	}
	if !*update {
		t.Fatalf("%s does not show what is printed; run `go test ./packager/cmd/romfs -run TestOpenMVPage -update` (-want +got)\n%s", name, cmp.Diff(string(page), got.String()))
	}
	if err := os.WriteFile(filepath.Join(peer.Root(t), name), got.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
}

// session runs one line of a console session and returns what it prints.
func session(t *testing.T, dir, command string) string {
	t.Helper()
	cmd := exec.Command("sh", "-c", command)
	cmd.Dir = dir
	cmd.Env = []string{"HOME=" + dir, "ROMFS_CACHE=" + filepath.Join(dir, ".cache"), "MPY_CROSS=" + peer.MpyCross(t), "ROMFS_MICROPYTHON=" + peer.MicroPython(t)}
	// romfs is found where testscript has put it; of the rest only what every system has.
	for _, path := range filepath.SplitList(os.Getenv("PATH")) {
		if _, err := os.Stat(filepath.Join(path, "romfs")); err == nil {
			cmd.Env = append(cmd.Env, "PATH="+path+":/usr/bin:/bin")
			break
		}
	}
	out, err := cmd.CombinedOutput()
	if _, failed := err.(*exec.ExitError); err != nil && !failed {
		t.Fatalf("%s: %v", command, err)
	}
	return strings.ReplaceAll(string(out), dir+"/", "")
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
