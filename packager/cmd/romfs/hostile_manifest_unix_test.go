//go:build !windows

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A hostileManifest is one input that nobody means well with, or that is a slip:
// its exit code, and what the user reads.
type hostileManifest struct {
	name  string
	yaml  string            // the manifest; text before "version" is kept, head is put before what has none
	files map[string]string // beside it, besides a.txt
	links map[string]string
	args  []string // after "build romfs.yaml --no-mpy"; what begins with a verb is the whole line
	exit  int
	want  string // part of what is printed
}

const hostileHead = "version: 1\nname: app\n"

// hostileYAML are texts that are no manifest, or hardly one.
func hostileYAML() []hostileManifest {
	const files = "files: [{src: a.txt}]\n"
	big := func(unit string) string { return strings.Repeat(unit, (8<<20-1)/len(unit)) }
	rows := []hostileManifest{
		{name: "alias of files as images", yaml: "files: &f [{src: a.txt}]\nimages: *f\n", exit: 3, want: "romfs.yaml:3:8: files: a manifest with images has no files at the top"},
		{name: "anchor under an unknown key", yaml: "x: &a [{src: a.txt}]\nfiles: *a\n", exit: 3, want: "romfs.yaml:3:1: x: unknown key"},
		{name: "merge key", yaml: "files: [&a {src: a.txt}, {<<: *a}]\n", exit: 3, want: "merge keys (<<) are not supported; write the keys out"},
		{name: "string tag", yaml: "files: [{src: !!str a.txt}]\n"},
		{name: "custom tag", yaml: "files: [{src: !foo a.txt}]\n", exit: 3, want: "romfs.yaml:3:15: files[0].src: has the tag !foo"},
		{name: "binary tag", yaml: "files: [{src: !!binary YQ==}]\n", exit: 3, want: "has the tag !!binary"},
		{name: "two documents", yaml: files + "---\na: b\n", exit: 3, want: "romfs.yaml:4:1: a second YAML document begins here"},
		{name: "directive", yaml: "%YAML 1.2\n---\n" + hostileHead + files},
		{name: "old directive", yaml: "# c\n%YAML 1.1\n---\n" + hostileHead + files},
		{name: "directive of another YAML", yaml: "%YAML 2.0\n---\n" + hostileHead + files, exit: 3, want: "romfs.yaml:1:"},
		{name: "BOM", yaml: "\ufeff" + hostileHead + "fles: []\n", exit: 3, want: "romfs.yaml:3:1: fles: unknown key"},
		{name: "UTF-16", yaml: "\xff\xfev\x00e\x00", exit: 3, want: "romfs.yaml:1:1: byte 0xff is no UTF-8; save the file as UTF-8"},
		{name: "CRLF", yaml: strings.ReplaceAll(hostileHead+files+"fles: []\n", "\n", "\r\n"), exit: 3, want: "romfs.yaml:4:1: fles: unknown key"},
		{name: "CR alone", yaml: strings.ReplaceAll(hostileHead+files, "\n", "\r"), exit: 3, want: "romfs.yaml:1:11: a carriage return without a line feed"},
		{name: "dedup: yes", yaml: "dedup: yes\n" + files, exit: 3, want: `romfs.yaml:3:8: dedup: is a string ("yes"), and takes true or false`},
		{name: "Norway", yaml: "board: NO\n" + files, exit: 9, want: `romfs.yaml:3:8: board: no board is called "NO"`},
		{name: "on", yaml: "on: 1\n" + files, exit: 3, want: "romfs.yaml:3:1: on: unknown key"},
		{name: "huge number", yaml: "files: [{src: a.txt, align: 99999999999999999999}]\n", exit: 3, want: "romfs.yaml:3:29: files[0].align: is a decimal number"},
		{name: "exponent", yaml: "files: [{src: a.txt, align: 1e3}]\n", exit: 3, want: "files[0].align: is a decimal number"},
		{name: "infinity", yaml: "files: [{src: a.txt, align: .inf}]\n", exit: 3, want: "files[0].align: is a decimal number"},
		{name: "null", yaml: "files: [{src: a.txt, align: ~}]\n", exit: 3, want: "files[0].align: has no value"},
		{name: "duplicate key", yaml: files + "\"files\": []\n", exit: 3, want: "romfs.yaml:4:1: files: the key is given twice, first in line 3"},
		{name: "date as name", yaml: "version: 1\nname: 2026-11-26\n" + files, want: "2026-11-26.romfs"},
		{name: "time as src", yaml: "files: [{src: 12:30:45}]\n", exit: 3, want: `there is no file "12:30:45"`},
		{name: "complex key", yaml: "? [a]\n: b\n" + files, exit: 3, want: "romfs.yaml:3:3: a key is not a string"},
		{name: "number as key", yaml: "1: b\n" + files, exit: 3, want: "romfs.yaml:3:1: a key is not a string"},
		{name: "null as key", yaml: "~: b\n" + files, exit: 3, want: "romfs.yaml:3:1: a key is not a string"},
		{name: "truth as key", yaml: "true: b\n" + files, exit: 3, want: "romfs.yaml:3:1: a key is not a string"},
		{name: "brackets", yaml: hostileHead + strings.Repeat("[", 9000), exit: 3, want: "romfs.yaml:3:1: "},
		{name: "items in one line", yaml: hostileHead + strings.Repeat("- ", 4_000_000), exit: 3, want: "romfs.yaml:3:"},
		{name: "8 MiB of CR", yaml: big("-\r"), exit: 3, want: "romfs.yaml:1:2: a carriage return"},
		{name: "8 MiB of NEL", yaml: big("-\u0085"), exit: 3, want: "romfs.yaml:1:2: the line separator U+0085"},
		{name: "8 MiB of LS", yaml: big("-\u2028"), exit: 3, want: "romfs.yaml:1:2: the line separator U+2028"},
		{name: "8 MiB of LF", yaml: big("-\n"), exit: 3, want: "more than 600000 lines"},
		{name: "more than 8 MiB", yaml: hostileHead + files + "#" + strings.Repeat("x", 8<<20), exit: 3, want: "the file has more than 8 MiB"},
		{name: "alias bomb", yaml: hostileBomb(), exit: 3, want: "aliases expand to more than 100000 values"},
		{name: "alias of itself", yaml: "files: &f [*f]\n", exit: 3, want: "files[0]"},
		{name: "long string", yaml: "files: [{src: " + strings.Repeat("x", 7<<20) + "}]\n", exit: 3, want: "has more than 32768 bytes"},
		{name: "long key", yaml: files + "? " + strings.Repeat("k", 3<<20) + "\n: b\n", exit: 3, want: "(3145728 bytes): unknown key"},
		{name: "many unknown keys", yaml: hostileKeys(20_000) + files, exit: 3, want: "more than 100 errors; the rest was not checked"},
		{name: "bad indentation", yaml: "files:\n  - src: a.txt\n dest: x\n", exit: 3, want: "romfs.yaml:5:2: did not find expected key; check the indentation"},
		{name: "quotes in quotes", yaml: "files:\n  - src: a.txt\n    dest: 'it's'\n", exit: 3, want: "romfs.yaml:5:15: did not find expected key"},
		{name: "empty", yaml: " ", exit: 3, want: "romfs.yaml: the file is empty"},
	}
	for _, v := range []string{"1.0", `"1"`, "0x1", "01", "2", "-1", "~", "[1]"} {
		rows = append(rows, hostileManifest{name: "version " + v, yaml: "version: " + v + "\nname: app\n" + files, exit: 3, want: "romfs.yaml:1:10: version"})
	}
	for _, n := range []string{"010", "08", "0o10", "1_6", "0b1000"} {
		rows = append(rows, hostileManifest{name: "align " + n, yaml: "files: [{src: a.txt, align: " + n + "}]\n", exit: 3, want: "romfs.yaml:3:29: files[0].align: \"" + n + "\" is written in a way that not everybody reads alike"})
	}
	return append(rows,
		hostileManifest{name: "octal budget", yaml: "budget: {max: 01000}\n" + files, exit: 3, want: "romfs.yaml:3:15: budget.max: \"01000\" is written in a way"},
		hostileManifest{name: "octal size of a partition", yaml: files, args: []string{"--partition-size", "08"}, exit: 2, want: `"08" is written in a way that not everybody reads alike`},
		hostileManifest{name: "budget that rounds to nothing", yaml: "budget: {max: 1%}\n" + files, args: []string{"--partition-size", "50"}, exit: 5, want: "17 more than budget.max of the manifest holds (1)"},
	)
}

func hostileBomb() string {
	var b strings.Builder
	b.WriteString("files:\n- &a0 {src: [a.txt]}\n")
	for i := 1; i <= 9; i++ {
		fmt.Fprintf(&b, "- &a%d {src: [%s]}\n", i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	return "images: [{partition: 0, files: [{src: &s [" + strings.TrimSuffix(strings.Repeat("a.txt, ", 400), ", ") + "]}" + strings.Repeat(", {src: *s}", 300) + "]}]\n"
}

func hostileKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "k%d: 1\n", i)
	}
	return b.String()
}

// hostilePatterns are patterns and destinations at the edge of their language.
func hostilePatterns() []hostileManifest {
	rule := func(text string) string { return "files: [{src: " + text + "}]\n" }
	dest := func(text string) string { return "files: [{src: a.txt, dest: " + text + "}]\n" }
	var misspelt strings.Builder
	misspelt.WriteString("files:\n")
	many := map[string]string{}
	for i := range 500 {
		fmt.Fprintf(&misspelt, "- src: src/modul%04d.py\n", i)
		many[fmt.Sprintf("src/module%04d.py", i)] = ""
	}
	excludes := "exclude: [" + strings.TrimSuffix(strings.Repeat("\"x*/**/*.py\", ", 5000), ", ") + "]\n"
	return []hostileManifest{
		{name: "alternatives", yaml: rule(`"{a,b}.txt"`), want: "1 file"},
		{name: "empty alternative", yaml: rule(`"{,b}a.txt"`), want: "1 file"},
		{name: "no alternative", yaml: rule(`"{}a.txt"`), want: "1 file"},
		{name: "nested alternatives", yaml: rule(`"{a,{b,c}}.txt"`), want: "1 file"},
		{name: "512 patterns in one", yaml: rule(`"` + strings.Repeat("{a,b}", 9) + `"`), exit: 3, want: "stands for more than 256 patterns"},
		{name: "5000 braces", yaml: rule(`"` + strings.Repeat("{", 5000) + "a" + strings.Repeat("}", 5000) + `"`), exit: 3, want: "romfs.yaml:3:15: files[0].src: "},
		{name: "everything", yaml: rule(`"**"`) + "exclude: [romfs.yaml, app.*]\n", want: "1 file"},
		{name: "a directory", yaml: rule(`"**/"`), exit: 3, want: `names a directory, and patterns match files; write "**/**"`},
		{name: "three stars", yaml: rule(`"***"`) + "exclude: [romfs.yaml, app.*]\n", want: "1 file"},
		{name: "two slashes", yaml: rule("x//a.txt"), exit: 3, want: "has an empty path segment; write single slashes"},
		{name: "up", yaml: rule("../a.txt"), exit: 3, want: `leaves root through ".."`},
		{name: "absolute", yaml: rule("/etc/passwd"), exit: 3, want: "is an absolute path"},
		{name: "unclosed bracket", yaml: rule(`"[a"`), exit: 3, want: "is no pattern; close every [ and {"},
		{name: "bracket that begins with one", yaml: rule(`"[]a].txt"`), exit: 3, want: "files[0].src: "},
		{name: "bracket without a member", yaml: rule(`"[!].txt"`), exit: 3, want: "files[0].src: "},
		{name: "5000 stars", yaml: rule(`"` + strings.Repeat("*a", 5000) + `"`), exit: 3, want: "matches no file"},
		{name: "60 directories", yaml: rule(`"` + strings.Repeat("**/", 60) + `a.txt"`), want: "1 file"},
		{name: "63 directories", yaml: rule(`"` + strings.Repeat("**/", 63) + `a.txt"`), exit: 3, want: "has more than 62 path segments"},
		{name: "5000 excludes", yaml: excludes + rule("a.txt"), want: "1 file"},
		{name: "NUL in a pattern", yaml: rule(`"a\0"`), exit: 3, want: "holds a NUL character"},
		{name: "optional", yaml: "files: [{src: '*.none', optional: true}]\n", want: "0 files"},
		{name: "500 misspelt names", yaml: misspelt.String(), files: many, exit: 3, want: "more than 100 errors; the rest was not checked"},

		{name: "NUL in dest", yaml: dest(`"a\0b"`), exit: 3, want: "it holds a NUL character"},
		{name: "dest goes up", yaml: dest("../a"), exit: 3, want: `cannot be a destination`},
		{name: "empty name in dest", yaml: dest("a//b"), exit: 3, want: "it has an empty name between two slashes"},
		{name: "longest name", yaml: dest(strings.Repeat("n", 32767)), want: "[long-name]"},
		{name: "name that is too long", yaml: dest(strings.Repeat("n", 32768)), exit: 3, want: "is longer than the 32767 of MicroPython's driver"},
		{name: "names that people see alike", yaml: rule(`"x/*"`), files: map[string]string{"x/\u00e4": "", "x/a\u0308": ""}, want: "[normalization]"},
		{name: "names that differ in case", yaml: rule(`"x/*"`), files: map[string]string{"x/A": "", "x/a": ""}, want: "[case]"},
		{name: "odd names", yaml: rule(`"x/*"`), files: map[string]string{"x/\x1b[2J": "", "x/\u202e": "", "x/-rf": "", "x/\n": "", "x/\\": ""}, want: "5 files"},
		{name: "models below a name with a dot", yaml: "board: openmv-n6\nfiles: [{src: .m/*.tflite, dest: /.m/}]\n", files: map[string]string{".m/x.tflite": "TFL3"}, want: "1 file"},

		{name: "broken link", yaml: rule("gone"), links: map[string]string{"gone": "nowhere"}, exit: 3, want: `the symbolic link "gone" is broken; remove or exclude it`},
		{name: "optional broken link", yaml: "files: [{src: gone, optional: true}]\n", links: map[string]string{"gone": "nowhere"}, exit: 3, want: `the symbolic link "gone" is broken`},
		{name: "link out", yaml: rule("out"), links: map[string]string{"out": "/etc/passwd"}, exit: 3, want: `the symbolic link "out" leads out of root`},
		{name: "link loop", yaml: rule("loop"), links: map[string]string{"loop": "loop"}, exit: 3, want: `the symbolic link "loop" leads back to itself`},
		{name: "output is the manifest", yaml: rule("a.txt"), args: []string{"-o", "romfs.yaml"}, exit: 3, want: "the build would overwrite its manifest"},
		{name: "output is a source", yaml: rule("a.txt"), args: []string{"-o", "a.txt"}, exit: 3, want: `"a.txt" matches "a.txt", which this build writes`},
	}
}

// hostileImports are sources of import and init.
func hostileImports() []hostileManifest {
	py := func(text string) map[string]string { return map[string]string{"manifest.py": text} }
	json := func(text string) map[string]string { return map[string]string{"x.json": text} }
	// Links that lead to one directory twice, many times over.
	fan, links := map[string]string{}, map[string]string{}
	for i := range 20 {
		fan[fmt.Sprintf("d%02d/x.py", i)] = ""
		for _, l := range []string{"1", "2"} {
			links[fmt.Sprintf("d%02d/%s", i, l)] = fmt.Sprintf("../d%02d", i+1)
		}
	}
	fan["d20/x.py"] = ""
	fan["manifest.py"] = "freeze('d00')\n"
	fan["x.json"] = `{"0": {"size": "0x1000", "entries": [{"type": "data", "path": "d00` + strings.Repeat("/*", 21) + `"}]}}`
	return []hostileManifest{
		{name: "text that doubles", files: py("x = 'a'\nfor i in range(60):\n    x = x + x\n"), args: []string{"import", "manifest.py", "-o", "-"}, exit: 3, want: "manifest.py:3:"},
		{name: "loop without end", files: py("def f():\n    for a in range(100000):\n        for b in range(100000):\n            pass\nf()\n"), args: []string{"import", "manifest.py", "-o", "-"}, exit: 3, want: "too many steps"},
		{name: "includes itself", files: py("include('manifest.py')\nmodule('a.txt')\n"), args: []string{"import", "manifest.py", "-o", "-"}, exit: 3, want: "manifest.py:2:7: cannot be evaluated: module(\"a.txt\"): a module must be a .py file"},
		{name: "walks a fan of links", files: fan, links: links, args: []string{"import", "manifest.py", "-o", "-"}, exit: 3, want: "manifest.py:1:7: cannot be evaluated: freeze(\"d00\"): "},
		{name: "brackets in a manifest.py", files: py(strings.Repeat("[", 100_000)), args: []string{"import", "manifest.py", "-o", "-"}, exit: 3, want: "manifest.py:1:"},
		{name: "not UTF-8", files: py("module('\xff')\n"), args: []string{"import", "manifest.py", "-o", "-"}, exit: 3, want: "manifest.py"},
		{name: "JSON without end", files: json(`{"0": `), args: []string{"import", "x.json", "-o", "-"}, exit: 3, want: "is no JSON here: it ends in the middle"},
		{name: "deep JSON", files: json(strings.Repeat("[", 9_999) + strings.Repeat("]", 9_999)), args: []string{"import", "x.json", "-o", "-"}, exit: 3, want: "more than 32 levels deep"},
		{name: "large JSON", files: json(`{"0": "` + strings.Repeat("x", 8<<20) + `"}`), args: []string{"import", "x.json", "-o", "-"}, exit: 3, want: "no configuration that somebody wrote"},
		{name: "stars through a fan of links", files: fan, links: links, args: []string{"import", "x.json", "-o", "-"}, exit: 3, want: "x.json:1:63: cannot be read: more than 200000 files and directories looked at"},
		{name: "package of mip that is none", files: json(`{"urls": {"a": 1}}`), args: []string{"import", "x.json", "-o", "-"}, exit: 3, want: "x.json:1:10: is an object, not a list"},
		{name: "init of a file", args: []string{"init", "a.txt"}, exit: 3, want: "a.txt: is no directory"},
		{name: "init with a broken link", links: map[string]string{"x.py": "nowhere"}, args: []string{"init", "."}, want: "a link that leads nowhere: x.py"},
	}
}

// TestHostileManifests: each row ends with its exit code and a message that a
// user can act on, whatever it is made of: no stack trace, no endless message.
func TestHostileManifests(t *testing.T) {
	for _, row := range append(append(hostileYAML(), hostilePatterns()...), hostileImports()...) {
		t.Run(row.name, func(t *testing.T) {
			dir := t.TempDir()
			t.Chdir(dir)
			put := func(name, text string) {
				if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			put("a.txt", "text")
			for name, text := range row.files {
				put(name, text)
			}
			for name, target := range row.links {
				if err := os.Symlink(target, name); err != nil {
					t.Fatal(err)
				}
			}
			args := row.args
			if row.yaml != "" {
				text := row.yaml
				if !strings.Contains(text[:min(len(text), 40)], "version") && strings.TrimSpace(text) != "" && text[0] < 0x80 && text[0] != '-' {
					text = hostileHead + text
				}
				put("romfs.yaml", text)
				args = append([]string{"build", "romfs.yaml", "--no-mpy"}, args...)
			}
			var out bytes.Buffer
			code := run(t.Context(), args, strings.NewReader(""), &out, &out, func(string) string { return "" })
			if code != row.exit || !strings.Contains(out.String(), row.want) {
				t.Errorf("exit %d, want %d and %q:\n%.2000s", code, row.exit, row.want, out.String())
			}
			if out.Len() > 100_000 || strings.Contains(out.String(), "goroutine ") {
				t.Errorf("%d bytes:\n%.500s", out.Len(), out.String())
			}
		})
	}
}
