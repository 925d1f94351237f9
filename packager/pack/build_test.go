package pack

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rules_romfs/manifest"
	"rules_romfs/packager/artifact"
	"rules_romfs/packager/board"
	"rules_romfs/packager/mpy"
	"rules_romfs/packager/report"
	"rules_romfs/packager/romfs"
)

// project writes a manifest and files, and returns the manifest's path.
func project(t testing.TB, text string, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		write(t, filepath.Join(dir, filepath.FromSlash(name)), content)
	}
	path := filepath.Join(dir, "romfs.yaml")
	write(t, path, "version: 1\nname: app\n"+text)
	return path
}

// nativeMPY is the header of a .mpy file with native code for an architecture
// (py/persistentcode.h: version 6.3, arch in bits 2 to 5 of the third byte).
func nativeMPY(arch byte) string { return string([]byte{'M', 6, arch<<2 | 3, 31, 0, 0, 0}) }

func TestErrors(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("x", 200_000)
	for name, tc := range map[string]struct {
		text   string
		files  map[string]string
		change func(*Options)
		as     any // what errors.As must find, in a variable of its own
		want   []string
	}{
		"no such manifest": {
			change: func(o *Options) { o.Path += "x" },
			as:     new(*SourceError), want: []string{"romfs.yamlx: no such file"},
		},
		"bad manifest": {
			text: "files: 3\nfile: []\n",
			as:   new(manifest.Errors), want: []string{"romfs.yaml:3:", "romfs.yaml:4:1"},
		},
		"unknown board": {
			text: "files: [{src: a}]\n", files: map[string]string{"a": ""},
			change: func(o *Options) { o.Board = "openmv-n7" },
			as:     new(*BoardError), want: []string{`"openmv-n7"`, "romfs boards"},
		},
		"board without ROM": {
			text: "board: arduino-nano-33-ble-sense\nfiles: [{src: a}]\n", files: map[string]string{"a": ""},
			as: new(*board.NoROMError), want: []string{"arduino-nano-33-ble-sense", "no ROM partition"},
		},
		"unknown partition": {
			text: "board: openmv-n6\npartition: romfs7\nfiles: [{src: a}]\n", files: map[string]string{"a": ""},
			as: new(*BoardError), want: []string{`no partition "romfs7"`, "romfs0"},
		},
		"partition without a board": {
			text: "files: [{src: a}]\n", files: map[string]string{"a": ""},
			change: func(o *Options) { o.Partition = "1" },
			as:     new(*BoardError), want: []string{"--board"},
		},
		"every syntax error": {
			text:  "files: [{src: '**/*.py'}]\n",
			files: map[string]string{"lib/a.py": "x = 1\ny = (\n", "b.py": "def f(:\n", "c.py": "ok = 1\n"},
			as:    new(*mpy.CompileError), want: []string{filepath.Join("lib", "a.py") + ":", "b.py:1: SyntaxError"},
		},
		"no compiler": {
			text: "mpy: {version: '1.2.3'}\nfiles: [{src: '*.py'}]\n", files: map[string]string{"a.py": ""},
			change: func(o *Options) { o.MPYCross = "" },
			as:     new(*mpy.NotFoundError), want: []string{"release 1.2.3", "--no-mpy"},
		},
		"native code for another board": {
			text: "board: rp2\nfiles: [{src: '*.mpy'}]\n", files: map[string]string{"a.mpy": nativeMPY(8), "b.mpy": nativeMPY(10)},
			change: func(o *Options) { o.PartitionSize = 1 << 20 },
			as:     new(*mpy.IncompatibleError), want: []string{"a.mpy (files[0], a.mpy): board rp2 cannot load it", "armv7emdp", "b.mpy", "xtensawin"},
		},
		"no .mpy file": {
			text: "board: openmv-n6\nfiles: [{src: '*.mpy'}]\n", files: map[string]string{"a.mpy": "import x"},
			as: new(*MPYError), want: []string{"a.mpy", "not a .mpy file"},
		},
		"larger than the partition": {
			text: "board: openmv-m4\nfiles: [{src: [big, small]}]\n", files: map[string]string{"big": big, "small": "x"},
			as: new(*FitError), want: []string{"partition romfs0 of openmv-m4 holds (131072)", "big (195.3 KiB), small (1 B)"},
		},
		"larger than --partition-size": {
			text: "files: [{src: big}]\n", files: map[string]string{"big": big},
			change: func(o *Options) { o.PartitionSize = 1000 },
			as:     new(*FitError), want: []string{"the partition holds (1000)"},
		},
		"over budget": {
			text: "budget: {max: 100KiB}\nfiles: [{src: big}]\n", files: map[string]string{"big": big},
			as: new(*FitError), want: []string{"budget.max of the manifest holds (102400)"},
		},
		"arch of no board": {
			text: "mpy: {emit: native, arch: board}\nfiles: [{src: '*.py'}]\n", files: map[string]string{"a.py": ""},
			want: []string{"arch: board", "board"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(t, project(t, tc.text, tc.files))
			if tc.change != nil {
				tc.change(&o)
			}
			_, err := Build(t.Context(), o)
			if err == nil {
				t.Fatal("no error")
			}
			if tc.as != nil && !errors.As(err, tc.as) {
				t.Errorf("%T (%v) is no %T", err, err, tc.as)
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q lacks %q", err, want)
				}
			}
		})
	}
}

// TestBoardDecides: what a manifest leaves open is the board's to say.
func TestBoardDecides(t *testing.T) {
	t.Parallel()
	files := map[string]string{"a.tflite": strings.Repeat("m", 5000), "b.tflite": strings.Repeat("m", 5000), "n.py": "import micropython\n@micropython.native\ndef f(): return 1\n"}
	path := project(t, "mpy: {arch: board}\nfiles: [{src: '*.tflite'}, {src: '*.py'}]\n", files)
	for id, want := range map[string]struct {
		align  int64
		dedup  bool
		shared int
		arch   string
	}{
		"openmv-n6":     {32, false, 0, "armv7emdp"},
		"openmv-m4":     {16, false, 0, "armv7emsp"},
		"alif-ensemble": {1, true, 1, "armv7emdp"},
	} {
		t.Run(id, func(t *testing.T) {
			o := options(t, path)
			o.Board = id
			_, _, s := build(t, o)
			if s.Board != id || s.Dedup != want.dedup || s.Totals.Duplicates != want.shared || s.Files[0].Align != want.align || s.Files[0].Offset%want.align != 0 {
				t.Errorf("board %s, dedup %v, duplicates %d, first file %+v; want %+v", s.Board, s.Dedup, s.Totals.Duplicates, s.Files[0], want)
			}
			if s.MPY == nil || len(s.MPY.ABI) != 1 || s.MPY.ABI[0].Arch != want.arch || s.MPY.ABI[0].SmallIntBits != 31 {
				t.Errorf("mpy %+v, want native code for %s", s.MPY, want.arch)
			}
			if s.Totals.Free == nil || *s.Totals.Free != s.Partition.Size-s.Image.Size {
				t.Errorf("free %v of %d, size %d", s.Totals.Free, s.Partition.Size, s.Image.Size)
			}
		})
	}
}

// TestDirectoryWithBoard: a directory gets what the board needs, although
// mpremote would not.
func TestDirectoryWithBoard(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "m", "a.tflite"), "model")
	write(t, filepath.Join(dir, "odd"), "x")
	o := options(t, dir)
	o.Board = "openmv-n6"
	_, _, s := build(t, o)
	if f := s.Files[0]; f.Path != "m/a.tflite" || f.Align != 32 || f.Offset%32 != 0 || f.Rule != "directory" {
		t.Errorf("%+v", f)
	}
}

// large is a text that is not kept in memory.
func TestNeverOverwritesASource(t *testing.T) {
	t.Parallel()
	path := project(t, "files: [{src: a.txt}]\n", map[string]string{"a.txt": "x"})
	dir := filepath.Dir(path)
	alias := filepath.Join(t.TempDir(), "alias")
	if err := os.Link(filepath.Join(dir, "a.txt"), alias); err != nil {
		t.Fatal(err)
	}
	for name, out := range map[string]string{
		"source": filepath.Join(dir, "a.txt"), "other spelling": filepath.Join(dir, "..", filepath.Base(dir), "a.txt"),
		"hard link": alias, "manifest": path,
	} {
		o := options(t, path)
		o.Outputs = []string{out}
		if _, err := Build(t.Context(), o); err == nil {
			t.Errorf("%s: %s would be overwritten", name, out)
		}
	}
}

// TestCancel: Ctrl-C while the image is written leaves nothing.
func TestCancel(t *testing.T) {
	t.Parallel()
	path := project(t, "files: [{src: a.bin}]\n", map[string]string{"a.bin": strings.Repeat("x", 1<<20)})
	o := options(t, path)
	im, _, _ := build(t, o)
	ctx, cancel := context.WithCancel(t.Context())
	dir := t.TempDir()
	stop := &cancelAfter{cancel: cancel}
	o.Reporter = stop
	if _, err := im.Save(ctx, Targets{Image: filepath.Join(dir, "app.romfs")}, stop); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestSidecarTellsTheTruth: the fields of the sidecar agree with the image.
func TestSidecarTellsTheTruth(t *testing.T) {
	t.Parallel()
	_, image, s := build(t, options(t, example(t)))
	parsed, err := romfs.Parse(image)
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(image)) != s.Image.Size || !bytes.Equal(sha(image), s.Image.SHA256[:]) {
		t.Errorf("the sidecar is another image's")
	}
	var order []string
	for _, f := range s.Files {
		e, err := parsed.Lookup(f.Path)
		if err != nil {
			t.Fatal(err)
		}
		content, _ := parsed.ReadFile(f.Path)
		if e.Offset != f.Offset || e.Size != f.Size || !bytes.Equal(sha(content), f.SHA256[:]) || f.Offset%f.AlignGiven != 0 || f.Offset/f.AlignGiven%2 == 0 {
			t.Errorf("%s: sidecar %+v, image %+v", f.Path, f, e)
		}
		order = append(order, f.Path)
	}
	if !slices.IsSortedFunc(s.Files, func(a, b artifact.File) int { return int(a.Offset - b.Offset) }) {
		t.Errorf("not in image order: %v", order)
	}
}

// TestFinishedNestedImage: a nested image that was built before, as Bazel has
// it, brings the alignment that it needs inside.
func TestFinishedNestedImage(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "in.romfs")
	write(t, path, "an image of its own")
	spec := Spec{Name: "app", Inputs: []Input{
		{Dest: "a", Kind: artifact.KindData, Source: "a", Code: []byte("odd")},
		{Dest: "in.romfs", Kind: artifact.KindImage, Source: "../in.yaml", Rule: "files[1]", Path: path, OwnAlign: 64},
	}}
	im, err := Assemble(t.Context(), spec, 1, report.Discard())
	if err != nil {
		t.Fatal(err)
	}
	s, err := im.Sidecar()
	if err != nil {
		t.Fatal(err)
	}
	if f := s.Files[1]; f.Align != 64 || f.Offset%64 != 0 || s.Align != 64 {
		t.Errorf("%+v", f)
	}
	spec.Inputs[1].Align, spec.Inputs[1].AlignFrom = 32, "files[1].align"
	var source *SourceError
	if _, err := Assemble(t.Context(), spec, 1, report.Discard()); !errors.As(err, &source) || !strings.Contains(err.Error(), "../in.yaml (files[1]): align 32") {
		t.Errorf("error %v, want a *SourceError about the smaller alignment", err)
	}
}

// TestStreamStops: after Ctrl-C nothing more is written.
func TestStreamStops(t *testing.T) {
	t.Parallel()
	path := project(t, "files: [{src: a.bin}]\n", map[string]string{"a.bin": strings.Repeat("x", 1<<20)})
	o := options(t, path)
	im, _, _ := build(t, o)
	ctx, cancel := context.WithCancel(t.Context())
	written := 0
	err := im.Stream(ctx, writerFunc(func(b []byte) (int, error) {
		written++
		cancel()
		return len(b), nil
	}), o.Reporter)
	if !errors.Is(err, context.Canceled) || written != 1 {
		t.Errorf("error %v after %d writes, want context.Canceled after the first", err, written)
	}
}
