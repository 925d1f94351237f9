//go:build !windows

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// project is a small one.
var project = map[string]string{"app/a.txt": "a", "app/lib/m.py": "x = 1\n"}

// one is a manifest of version 1 with those files.
func one(files string) map[string]string {
	return map[string]string{"romfs.yaml": "version: 1\nname: x\nmpy: {compile: false}\nfiles:\n" + files, "a": "a"}
}

func symlink(to, name string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
}

// sparse makes a file of that size, which takes no room.
func sparse(name string, size int64) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		putFile(t, filepath.Join(dir, name), "")
		if err := os.Truncate(filepath.Join(dir, name), size); err != nil {
			t.Fatal(err)
		}
		old := time.Now().Add(-time.Hour) // what has just been written is read
		if err := os.Chtimes(filepath.Join(dir, name), old, old); err != nil {
			t.Fatal(err)
		}
	}
}

// only tells if the directory has these names and no other.
func only(names string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		if got := list(t, dir); got != names {
			t.Errorf("there is %q, want %q", got, names)
		}
	}
}

func holds(name, content string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(b) != content {
			t.Errorf("%s holds %q, %v", name, b, err)
		}
	}
}

// built makes img.romfs, without a sidecar, of files below folder.
func built(names ...string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		for _, n := range names {
			putFile(t, filepath.Join(dir, "folder", n), "content of "+n)
		}
		code, out, errs := runHere(t, nil, "build", filepath.Join(dir, "folder"), "--no-mpy", "-o", "-")
		if code != 0 {
			t.Fatal(errs)
		}
		putFile(t, filepath.Join(dir, "img.romfs"), out)
	}
}

// extracted tells if what is in a directory is what built has put into folder.
func extracted(to string, names ...string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		for _, n := range names {
			holds(filepath.Join(to, n), "content of "+n)(t, dir)
		}
	}
}

// flipped is an image of two files in which the second is marked as unused.
var flipped = string(imageOf(entry(5, "a", record(2, []byte("x"))), record(0, []byte("??")), entry(5, "b", record(2, []byte("y")))))

var odd = []string{"e\u0301", "\u00e9", "A", "a", "esc\x1b[31m", "rlo\u202eabc", "line\nbreak", "-rf", "back\\slash", " ", "q\"uote"}

// imageEdges are about what is in an image, and what an image is.
var imageEdges = []edge{
	{name: "odd names are quoted", make: built(odd...), args: "ls img.romfs", stdout: `"line\\nbreak"`},
	{name: "odd names, no escapes reach the terminal", make: built(odd...), args: "ls img.romfs --long", stdout: `"esc\\x1b\[31m"`},
	{name: "odd names come out as they went in", make: built(odd...), args: "extract img.romfs -o out", stdout: "11 files", check: extracted("out", odd...)},
	{name: "all of it, twice", make: built(odd...), args: "extract img.romfs -o out . .", stdout: "11 files", check: extracted("out", odd...)},
	{name: "a probe that a killed run left", make: func(t *testing.T, dir string) {
		built("a")(t, dir)
		putFile(t, filepath.Join(dir, "out/.romfs-case-probe"), "")
	}, args: "extract img.romfs -o out", stdout: "1 file", check: extracted("out", "a")},
	{name: "a file that a killed run left goes with the next build", files: project, make: func(t *testing.T, dir string) {
		putFile(t, filepath.Join(dir, ".romfs-ABCDEFGHIJKL"), "half of an image")
	}, args: "build app --no-mpy", stdout: "2 files", check: only("app app.romfs app.romfs.json")},
	{name: "damage in silence: ls", files: map[string]string{"img.romfs": flipped}, args: "ls img.romfs", stdout: `-- a\n$`, stderr: `^warning: img.romfs: it is damaged, so files are missing: at offset \d+: .* \[unused-record\]`},
	{name: "damage in silence: extract", files: map[string]string{"img.romfs": flipped}, args: "extract img.romfs -o out", exit: 5, stderr: `nothing was extracted`, check: only("img.romfs")},
	{name: "damage in silence: what is whole", files: map[string]string{"img.romfs": flipped}, args: "extract img.romfs a -o out", stdout: "1 file", check: holds("out/a", "x")},
	{name: "damage in silence: cat", files: map[string]string{"img.romfs": flipped}, args: "cat img.romfs b", exit: 3, stderr: "b: file does not exist, and the image is damaged: `romfs verify` says more"},
	{name: "damage in silence: diff", files: map[string]string{"img.romfs": flipped}, args: "diff img.romfs img.romfs", stdout: "the images are equal", stderr: "^warning: img.romfs: it is damaged, so files are missing"},
	{name: "damage in silence: verify", files: map[string]string{"img.romfs": flipped}, args: "verify img.romfs", exit: 5, stdout: `\[unused-record\]`, stderr: "1 error"},
	{name: "damage in silence: align", files: map[string]string{"img.romfs": flipped}, args: "align img.romfs --board openmv-n6", exit: 5, stderr: "it is damaged.*nothing was written", check: only("img.romfs")},
	{name: "no image", files: map[string]string{"img.romfs": "text"}, args: "ls img.romfs", exit: 5, stderr: "not a ROMFS image"},
	{name: "an empty file", files: map[string]string{"img.romfs": ""}, args: "extract img.romfs", exit: 5, stderr: "less than the shortest image", check: only("img.romfs")},
	{name: "/dev/null as image", args: "ls /dev/null", exit: 5, stderr: "not a ROMFS image"},
	{name: "nothing on stdin", args: "ls -", exit: 5, stderr: "^error: standard input: .*not a ROMFS image"},
	{name: "a directory as image", files: project, args: "verify app", exit: 3, stderr: "app is a directory, not an image; build it first"},
	{name: "an image as manifest", make: built("a"), args: "build img.romfs", exit: 3, stderr: "img.romfs is an image"},
	{name: "a name beyond the driver's", files: one("  - {src: a, dest: " + strings.Repeat("n", 32768) + "}\n"), args: "build", exit: 3, stderr: `romfs.yaml:5:\d+: .*32767`},
	{name: "1,500 levels", files: one("  - {src: a, dest: " + strings.Repeat("d/", 1500) + "a}\n"), args: "build", exit: 3, stderr: `^error: romfs.yaml:5:\d+: files\[0\]: "d/d/.{1,150}": directories nest deeper than 1000; put it elsewhere`, check: only("a romfs.yaml")},
	{name: "180 directories of 900 levels", files: one(mkdirs(180, 900)), args: "build", exit: 3, stderr: `^error: romfs.yaml:\d+:\d+: files\[\d+\]: ".{1,200}": with it the paths .* add up to more than 64 MiB`, check: only("a romfs.yaml")},
	{name: "a byte that is no UTF-8 in a name", make: func(t *testing.T, dir string) { putFile(t, filepath.Join(dir, "app/a\xff"), "") }, args: "build app", exit: 3, stderr: "the name is no UTF-8"},
	{name: "dest with ..", files: one("  - {src: a, dest: ../a}\n"), args: "build", exit: 3, stderr: `romfs.yaml:5:\d+`},
	{name: "dest with //", files: one("  - {src: a, dest: b//a}\n"), args: "build", exit: 3, stderr: `romfs.yaml:5:\d+`},
	{name: "a device", make: func(t *testing.T, dir string) {
		putFile(t, filepath.Join(dir, "app/a"), "x")
		if err := os.Symlink("/dev/zero", filepath.Join(dir, "app/zero")); err != nil {
			t.Fatal(err)
		}
	}, args: "build app --no-mpy", exit: 3, stderr: "^error: app/zero: it is a FIFO, socket or device, and cannot be packed; remove it\n$", check: only("app")},
	{name: "a file that says it is empty", make: func(t *testing.T, dir string) {
		putFile(t, filepath.Join(dir, "app/a"), "x")
		if err := os.Symlink("/proc/version", filepath.Join(dir, "app/version")); err != nil {
			t.Fatal(err)
		}
	}, args: "build app --no-mpy", stdout: `^app.romfs: 2 files, [1-9]\d\d B`},
	{name: "a file of 0 bytes", files: map[string]string{"app/a": ""}, args: "build app --no-mpy", stdout: "1 file"},
	{name: "a file of 5 GiB", make: sparse("app/a", 5<<30), args: "build app --no-mpy", exit: 3, stderr: `^error: "a": 5368709120 bytes do not fit into an image: the limit is 4294967295$`, check: only("app")},
	{name: "5 GiB to transform", files: one(`  - {src: m, transform: {run: [cp, "{in}", "{out}"]}}` + "\n"), make: sparse("m", 5<<30), args: "build", exit: 3, stderr: `^error: romfs.yaml:5:\d+: files\[0\].transform: m: it has more than 256 MiB, the most that a transform takes\n$`, check: only(".cache a m romfs.yaml")},
	{name: "5 GiB beside what is to transform", files: one(`  - {src: a, transform: {run: [cp, "{in}", "{out}"], inputs: [m]}}` + "\n"), make: sparse("m", 5<<30), args: "build", exit: 3, stderr: `a: its input m: it has more than 256 MiB`, check: only(".cache a m romfs.yaml")},
	{name: "5 GiB to transform, and no tool", files: one(`  - {src: m, transform: {run: [no-such-tool, "{in}", "{out}"]}}` + "\n"), make: sparse("m", 5<<30), args: "build", exit: 4, stderr: "there is no usable no-such-tool", check: only("a m romfs.yaml")},
	{name: "5 GiB to transform, and no preset's tool", files: one("  - {src: m, transform: stedgeai}\n"), make: sparse("m", 5<<30), args: "build --board openmv-n6", exit: 4, stderr: "there is no usable stedgeai", check: only("a m romfs.yaml")},
	{name: "an image of 5 GiB", make: func(t *testing.T, dir string) {
		sparse("app/a", 3<<30)(t, dir)
		sparse("app/b", 2<<30)(t, dir)
	}, args: "build app --no-mpy", exit: 5, stderr: "^error: the image would have 5368709[0-9]+ bytes, and boards address at most 4294967295", check: only("app")},
	{name: "alignment makes 5 GiB", files: one(aligned16M(300)), args: "build", exit: 5, stderr: "^error: the image would have [0-9]+ bytes, and boards address at most", check: only("a romfs.yaml")},
}

func mkdirs(n, depth int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "  - mkdir: %d%s\n", i, strings.Repeat("/d", depth))
	}
	return b.String()
}

func aligned16M(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "  - {src: a, dest: f%d, align: 16777216}\n", i)
	}
	return b.String()
}

// outputEdges are about where results go.
var outputEdges = []edge{
	{name: "the output is a directory", files: project, args: "build app/lib --no-mpy -o app", exit: 1, stderr: "app is a directory"},
	{name: "the output is a link to a directory", files: project, make: symlink("app", "link"), args: "build app/lib --no-mpy -o link", exit: 1, stderr: "is a directory"},
	{name: "the output is a link to nothing", files: project, make: symlink("real.romfs", "link"), args: "build app --no-mpy -o link", stdout: "2 files", check: only("app link link.json real.romfs")},
	{name: "the output is a link to nowhere", files: project, make: symlink("no/real.romfs", "link"), args: "build app --no-mpy -o link", exit: 1, stderr: "cannot write link", check: only("app link")},
	{name: "the output is a link to itself", files: project, make: symlink("link", "link"), args: "build app --no-mpy -o link", exit: 1, stderr: "cannot write link", check: only("app link")},
	{name: "the output cannot be written", files: project, make: func(t *testing.T, dir string) {
		putFile(t, filepath.Join(dir, "out"), "old")
		if err := os.Chmod(filepath.Join(dir, "out"), 0o444); err != nil {
			t.Fatal(err)
		}
	}, args: "build app --no-mpy -o out", stdout: "2 files", check: func(t *testing.T, dir string) {
		if info, err := os.Stat(filepath.Join(dir, "out")); err != nil || info.Mode().Perm() != 0o444 {
			t.Errorf("%v, %v", info.Mode(), err)
		}
	}},
	{name: "the output is a source", files: project, args: "build app --no-mpy -o app/a.txt", exit: 3, stderr: "app/a.txt", check: holds("app/a.txt", "a")},
	{name: "the output is the manifest", files: one("  - {src: a, dest: a}\n"), args: "build -o romfs.yaml", exit: 3, stderr: "romfs.yaml"},
	{name: "the output's folder is missing", files: project, args: "build app --no-mpy -o no/out", exit: 1, stderr: "cannot write no/out: the folder no does not exist", check: only("app")},
	{name: "no room for the image", files: project, args: "build app --no-mpy -o /dev/full", exit: 1, stderr: "cannot write /dev/full: no space left on device"},
	{name: "align into a directory", files: project, make: built("a.tflite"), args: "align img.romfs --board openmv-n6 -o app", exit: 1, stderr: "app"},
	{name: "align over a link to nothing", make: func(t *testing.T, dir string) {
		built("a.tflite")(t, dir)
		symlink("real.romfs", "link")(t, dir)
	}, args: "align img.romfs --board openmv-n6 -o link", stdout: "moved", check: only("folder img.romfs link real.romfs")},
	{name: "extract over a file", make: func(t *testing.T, dir string) {
		built("a")(t, dir)
		putFile(t, filepath.Join(dir, "out/a"), "kept")
	}, args: "extract img.romfs -o out", exit: 1, stderr: "cannot write out/a: it is there already; say --force", check: holds("out/a", "kept")},
	{name: "extract into a file", make: built("a"), args: "extract img.romfs -o img.romfs", exit: 1, stderr: "img.romfs"},
	{name: "extract with --force sweeps what a killed one left", make: func(t *testing.T, dir string) {
		built("a")(t, dir)
		putFile(t, filepath.Join(dir, "out/a"), "old")
		putFile(t, filepath.Join(dir, "out/.romfs-ABCDEFGHIJKL"), "half")
	}, args: "extract img.romfs -o out --force", stdout: "1 file", check: func(t *testing.T, dir string) {
		only("a")(t, filepath.Join(dir, "out"))
		extracted("out", "a")(t, dir)
	}},
	{name: "export to a link to nothing", make: func(t *testing.T, dir string) {
		built("a")(t, dir)
		symlink("real.img", "link.img")(t, dir)
	}, args: "export img.romfs --pad none -o link.img", stdout: "link.img", check: only("folder img.romfs link.img real.img")},
	{name: "export over the image", make: built("a"), args: "export img.romfs --format img -o img.romfs", exit: 2, stderr: "would replace the image itself"},
}

// verbEdges are about command lines.
var verbEdges = []edge{
	{name: "an empty argument", args: "ls ", exit: 2, stderr: "argument 1 is empty"},
	{name: "an empty flag", files: project, args: "build app -o ", exit: 2, stderr: "--out is empty"},
	{name: "no such verb", args: "extrat img.romfs", exit: 2, stderr: "did you mean extract"},
	{name: "no such image", args: "verify none.romfs", exit: 3, stderr: "^error: none.romfs: no such file or directory"},
	{name: "no such file in the image", make: built("a"), args: "cat img.romfs b", exit: 3, stderr: "b: file does not exist; `romfs ls img.romfs` shows what is there"},
	{name: "no such path to extract", make: built("a"), args: "extract img.romfs a b -o out", exit: 3, stderr: "b: file does not exist", check: only("folder img.romfs")},
	{name: "no such board", make: built("a"), args: "verify img.romfs --board none", exit: 2, stderr: "none"},
	{name: "a partition without a board", make: built("a"), args: "ls img.romfs -p romfs0", exit: 2, stderr: "--partition romfs0 is of no use without a board"},
	{name: "align without a board", make: built("a"), args: "align img.romfs", exit: 2, stderr: "say for which board"},
	{name: "two images from stdin", args: "diff - -", exit: 2, stderr: "only one of the two images"},
	{name: "a block of nothing", make: built("a"), args: "diff img.romfs img.romfs --erase 0", exit: 2, stderr: `^error: --erase: "0" is out of range`},
	{name: "a block of much", make: built("a"), args: "diff img.romfs img.romfs --erase 1GiB", stdout: "the images are equal"},
	{name: "address in RAM", make: built("a"), args: "export img.romfs --board rp2 --address 0x20000000 --uf2-family RP2040 -o x.uf2", exit: 9, stderr: "are not in the flash of rp2", check: only("folder img.romfs")},
	{name: "address inside an erase block", make: built("a"), args: "export img.romfs --board rp2 --address 0x10100100 --uf2-family RP2040 -o x.uf2", exit: 9, stderr: "no multiple of the erase unit, 4096 bytes"},
	{name: "no such UF2 family", make: built("a"), args: "export img.romfs --uf2-family PIC --address 0x10100000 -o x.uf2", exit: 2, stderr: `"PIC" is no UF2 family: it is ESP32, .*, RP2040, `},
	{name: "a negative address", make: built("a"), args: "export img.romfs --address -1 -o x.hex", exit: 2, stderr: "--address takes a number"},
	{name: "beyond 4 GiB", make: built("a"), args: "export img.romfs --address 0xffffffff -o x.hex", exit: 9, stderr: "do not end below 4 GiB"},
}
