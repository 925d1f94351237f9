package manifest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rules_romfs/internal/strictyaml"
	"rules_romfs/manifest/internal/code"
	"rules_romfs/manifest/internal/source"
	"rules_romfs/manifest/internal/spec"
)

// writeTree makes files below a new directory. A name that ends in a slash is
// a directory; one with " -> " is a symbolic link.
func writeTree(t *testing.T, names ...string) string {
	t.Helper()
	root := t.TempDir()
	for _, name := range names {
		link, target, isLink := strings.Cut(name, " -> ")
		full := filepath.Join(root, filepath.FromSlash(link))
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		switch {
		case isLink:
			err = os.Symlink(target, full)
		case strings.HasSuffix(name, "/"):
			err = os.MkdirAll(full, 0o755)
		default:
			err = os.WriteFile(full, []byte(name), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// lines returns the plan's entries as "dest <- source", with options that
// are not the default.
func lines(p *Plan) []string {
	var out []string
	for _, e := range p.Entries {
		s := e.Dest + " <- " + e.Source
		if e.Kind == Dir {
			s = e.Dest + "/"
		}
		out = append(out, s)
	}
	return out
}

func TestResolveWeatherStation(t *testing.T) {
	root := writeTree(t, "src/main.py", "src/app/__init__.py", "src/app/net.py", "src/app/net_test.py", "src/app/__pycache__/x.py",
		"src/.hidden/x.py", "src/dev/tool.py", "models/person.tflite", "licences/")
	text := `version: 1
name: weather-station
root: .
exclude: ["**/*_test.py"]
align:
  - {match: "**/*.tflite", to: 32}
files:
  - src: src/**/*.py
    dest: /
    exclude: [src/dev/**]
    mpy: {optimize: 3}
  - src: models/person.tflite
    dest: models/person.tflite
    align: 64
    bulk: true
  - src: licences/*.txt
    dest: licences/
    optional: true
  - mkdir: data
`
	path := filepath.Join(root, "romfs.yaml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	m, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	p, warns, err := Resolve(context.Background(), m, nil, ResolveOptions{})
	if err != nil || len(warns) > 0 {
		t.Fatal(err, warns)
	}
	want := []string{
		"app/__init__.mpy <- src/app/__init__.py",
		"app/net.mpy <- src/app/net.py",
		"main.py <- src/main.py",
		"models/person.tflite <- models/person.tflite",
		"data/",
	}
	if d := cmp.Diff(want, lines(p)); d != "" {
		t.Error(d)
	}
	if e := p.Entries[3]; e.Align != 64 || e.AlignFrom != "files[1].align" || e.Rule != "files[1]" || !*e.Bulk {
		t.Errorf("%+v", e)
	}
}

// explain returns all that a plan says of an entry, for comparison.
func explain(p *Plan) string {
	var b strings.Builder
	for i := range p.Entries {
		e := &p.Entries[i]
		fmt.Fprintf(&b, "%s %s", e.Kind, e.Dest)
		if e.Source != "" {
			fmt.Fprintf(&b, " <- %s", e.Source)
		}
		fmt.Fprintf(&b, " by %s", e.Rule)
		if e.Pattern != "" {
			fmt.Fprintf(&b, " %s", e.Pattern)
		}
		if e.Strip != "" {
			fmt.Fprintf(&b, " -%s", e.Strip)
		}
		if e.MPY != nil {
			fmt.Fprintf(&b, "; mpy %+v", *e.MPY)
		}
		if e.MPYFrom != "" {
			fmt.Fprintf(&b, " (%s)", e.MPYFrom)
		}
		if e.AlignBy != ByNothing {
			fmt.Fprintf(&b, "; align %d (%s)", e.Align, e.AlignFrom)
		}
		if e.Bulk != nil {
			fmt.Fprintf(&b, "; bulk %v", *e.Bulk)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestResolve(t *testing.T) {
	off, on := false, true
	for _, c := range []struct {
		name, yaml string
		tree       []string
		o          ResolveOptions
		want       string
	}{
		{"strip by default", "files:\n  - src: [\"a/b/*.bin\", \"a/**/*.txt\", a/b/c.md]\n    dest: x/\n",
			[]string{"a/b/1.bin", "a/t.txt", "a/b/u.txt", "a/b/c.md"}, ResolveOptions{}, `
file x/1.bin <- a/b/1.bin by files[0] a/b/*.bin -a/b
file x/b/u.txt <- a/b/u.txt by files[0] a/**/*.txt -a
file x/t.txt <- a/t.txt by files[0] a/**/*.txt -a
file x/c.md <- a/b/c.md by files[0] a/b/c.md -a/b`},
		{"strip given", "files:\n  - {src: \"a/b/*\", dest: /x/, strip: a/}\n  - {src: \"a/b/*\", dest: y/, strip: \"\"}\n  - {src: a/b/1, dest: /z/, strip: .}\n",
			[]string{"a/b/1"}, ResolveOptions{}, `
file x/b/1 <- a/b/1 by files[0] a/b/* -a
file y/a/b/1 <- a/b/1 by files[1] a/b/*
file z/a/b/1 <- a/b/1 by files[2] a/b/1`},
		{"a literal with a name", "files:\n  - {src: a/b, dest: /c/d}\n  - {src: \"a/x\\\\*\", dest: star}\n", []string{"a/b", "a/x*", "a/xy"}, ResolveOptions{}, `
file c/d <- a/b by files[0] a/b -a
file star <- a/x* by files[1] a/x\* -a`},
		{"braces", "files:\n  - src: \"{a,b}/*.txt\"\n", []string{"a/1.txt", "b/2.txt"}, ResolveOptions{}, `
file a/1.txt <- a/1.txt by files[0] {a,b}/*.txt
file b/2.txt <- b/2.txt by files[0] {a,b}/*.txt`},
		{"order is that of whole paths", "files:\n  - src: \"**\"\n    exclude: [romfs.yaml]\n", []string{"a/b", "a.b", "a-b"}, ResolveOptions{}, `
file a-b <- a-b by files[0] **
file a.b <- a.b by files[0] **
file a/b <- a/b by files[0] **`},
		{"the first rule wins", "files:\n  - {src: m.bin, align: 8}\n  - {src: \"*.bin\", align: 4}\n", []string{"m.bin", "n.bin"}, ResolveOptions{}, `
file m.bin <- m.bin by files[0] m.bin; align 8 (files[0].align)
file n.bin <- n.bin by files[1] *.bin; align 4 (files[1].align)`},
		{"the first rule wins, compiled or not", "files:\n  - {src: a.py, mpy: false}\n  - src: \"*.py\"\n", []string{"a.py", "b.py"}, ResolveOptions{}, `
file a.py <- a.py by files[0] a.py (files[0].mpy: compile: false)
file b.mpy <- b.py by files[1] *.py; mpy {SourceName:b.py Optimize:0 Emit:bytecode Arch:none ArchFlags:[] SmallIntBits:0} (defaults)`},
		{"one source for two destinations", "files:\n  - {src: a, dest: b}\n  - {src: a, dest: c}\n", []string{"a"}, ResolveOptions{}, `
file b <- a by files[0] a
file c <- a by files[1] a`},
		{"junk and dot names", "files:\n  - src: [\"**\", .keep, \".d/*\", x.pyc, id_rsa]\n    exclude: [romfs.yaml]\n",
			[]string{"a", ".keep", ".other", ".d/x", ".d/.y", "x.pyc", "y.pyc", "a~", ".#a", "#a#", ".a.swp", "__pycache__/z", "s/__pycache__/z", "Thumbs.db", "id_rsa", "#"}, ResolveOptions{}, `
file # <- # by files[0] **
file a <- a by files[0] **
file .keep <- .keep by files[0] .keep
file x <- .d/x by files[0] .d/* -.d
file x.pyc <- x.pyc by files[0] x.pyc
file id_rsa <- id_rsa by files[0] id_rsa`},
		{"links to files", "files:\n  - src: [\"*.txt\", d/x]\n", []string{"a.txt", "b.txt -> a.txt", "real/x", "d -> real"}, ResolveOptions{}, `
file a.txt <- a.txt by files[0] *.txt
file b.txt <- b.txt by files[0] *.txt
file x <- d/x by files[0] d/x -d`},
		{"mpy rule by rule", "mpy: {version: \"1.29\", optimize: 1, emit: native, arch: board, small_int_bits: 31, keep_source: [\"lib/*.py\"]}\nfiles:\n  - src: lib/a.py\n    dest: lib/\n  - src: b.py\n    mpy: {optimize: 3, emit: bytecode, small_int_bits: board, keep_source: []}\n  - src: c.py\n    mpy: {arch: rv32imc, arch_flags: [zba, zcmp]}\n  - src: main.py\n    mpy: {compile: true, keep_source: [\"*.py\"]}\n  - {src: t.txt, dest: t.py}\n  - {src: b.py, dest: b.txt}\n  - src: .py\n",
			[]string{"lib/a.py", "b.py", "c.py", "main.py", "t.txt", ".py"}, ResolveOptions{}, `
file lib/a.py <- lib/a.py by files[0] lib/a.py -lib (keep_source: lib/*.py)
file b.mpy <- b.py by files[1] b.py; mpy {SourceName:b.py Optimize:3 Emit:bytecode Arch:board ArchFlags:[] SmallIntBits:0} (files[1].mpy)
file c.mpy <- c.py by files[2] c.py; mpy {SourceName:c.py Optimize:1 Emit:native Arch:rv32imc ArchFlags:[zba zcmp] SmallIntBits:31} (files[2].mpy)
file main.py <- main.py by files[3] main.py (keep_source: *.py)
file t.mpy <- t.txt by files[4] t.txt; mpy {SourceName:t.py Optimize:1 Emit:native Arch:board ArchFlags:[] SmallIntBits:31} (mpy)
file b.txt <- b.py by files[5] b.py
file .py <- .py by files[6] .py`},
		{"compile off", "mpy: {compile: false}\nfiles:\n  - src: a.py\n  - {src: b.py, mpy: true}\n", []string{"a.py", "b.py"}, ResolveOptions{}, `
file a.py <- a.py by files[0] a.py (mpy: compile: false)
file b.mpy <- b.py by files[1] b.py; mpy {SourceName:b.py Optimize:0 Emit:bytecode Arch:none ArchFlags:[] SmallIntBits:0} (files[1].mpy)`},
		{"--no-mpy", "files:\n  - src: \"*.py\"\n", []string{"a.py", "main.py"}, ResolveOptions{Compile: &off}, `
file a.py <- a.py by files[0] *.py (compiling is switched off)
file main.py <- main.py by files[0] *.py (compiling is switched off)`},
		{"--mpy", "mpy: {compile: false}\nfiles:\n  - src: \"*.py\"\n", []string{"a.py", "main.py"}, ResolveOptions{Compile: &on}, `
file a.mpy <- a.py by files[0] *.py; mpy {SourceName:a.py Optimize:0 Emit:bytecode Arch:none ArchFlags:[] SmallIntBits:0} (mpy)
file main.py <- main.py by files[0] *.py (keep_source: main.py)`},
		{"alignment", "layout: openmv\nlint: {allow: [openmv-directory]}\nalign:\n  - {match: \"*.tflite\", to: 16}\n  - {match: /big/**, to: 8}\n  - {match: \"**\", to: 2}\nfiles:\n  - {src: a.tflite, align: 64}\n  - {src: a.tflite, dest: b.tflite}\n  - {src: a.tflite, dest: big/c.tflite}\n  - {src: a.tflite, dest: d}\n",
			[]string{"a.tflite"}, ResolveOptions{}, `
file a.tflite <- a.tflite by files[0] a.tflite; align 64 (files[0].align)
file b.tflite <- a.tflite by files[1] a.tflite; align 16 (align[0] (*.tflite))
file big/c.tflite <- a.tflite by files[2] a.tflite; align 8 (align[1] (/big/**))
file d <- a.tflite by files[3] a.tflite; align 2 (align[2] (**))`},
		{"alignment of board and layout", "board: openmv-n6\nlayout: openmv\nlint: {allow: [openmv-directory]}\nfiles:\n  - src: \"*\"\n    exclude: [romfs.yaml]\n    bulk: false\n  - mkdir: e\n",
			[]string{"M.TFLITE", "a.tflite", "b"}, ResolveOptions{BoardAlign: []BoardAlign{{Match: "**/*.tflite", To: 32, Why: "models run in place"}, {Match: "**", To: 1}}}, `
file M.TFLITE <- M.TFLITE by files[0] *; align 32 (board openmv-n6 (**/*.tflite): models run in place); bulk false
file a.tflite <- a.tflite by files[0] *; align 32 (board openmv-n6 (**/*.tflite): models run in place); bulk false
file b <- b by files[0] *; align 1 (board openmv-n6 (**)); bulk false
dir e by files[1]`},
		{"layout openmv", "layout: openmv\nfiles:\n  - src: a\n", []string{"a"}, ResolveOptions{}, `
file a <- a by files[0] a; align 4 (layout openmv)`},
		{"directories", "files:\n  - mkdir: a/b/\n  - mkdir: /a\n  - mkdir: a/b\n  - {src: x, dest: a/}\n", []string{"x"}, ResolveOptions{}, `
dir a/b by files[0]
dir a by files[1]
file a/x <- x by files[3] x`},
		{"optional", "files:\n  - {src: [\"*.txt\", gone, \"nowhere/**\"], optional: true}\n", nil, ResolveOptions{}, ""},
		{"10,000 bytes of name", "files:\n  - {src: x, dest: " + strings.Repeat("n", 10000) + "}\nlint: {allow: [long-name]}\n", []string{"x"}, ResolveOptions{}, "\nfile " + strings.Repeat("n", 10000) + " <- x by files[0] x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			root := writeTree(t, c.tree...)
			m, err := Parse([]byte(head+c.yaml), filepath.Join(root, "romfs.yaml"))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(m.Path(), nil, 0o644); err != nil {
				t.Fatal(err)
			}
			p, warns, err := Resolve(context.Background(), m, nil, c.o)
			if err != nil || len(warns) > 0 {
				t.Fatal(err, warns)
			}
			if d := cmp.Diff(strings.TrimPrefix(c.want, "\n"), strings.TrimSuffix(explain(p), "\n")); d != "" {
				t.Error(d)
			}
			for _, e := range p.Entries {
				if e.Path != "" && e.Path != filepath.Join(root, e.Source) {
					t.Errorf("%s is to be read from %s", e.Source, e.Path)
				}
			}
		})
	}
}

func TestPlanFields(t *testing.T) {
	m, err := Parse([]byte(`version: 1
name: app
board: boards/mine.yaml
partition: 1
layout: stable
dedup: false
mpy: {version: "1.29"}
budget: {max: 50%, warn: 1.5KiB}
lint: {allow: [unused, case]}
files: []
`), "some/where/romfs.yaml")
	if err != nil {
		t.Fatal(err)
	}
	src, err := ListSource(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	p, _, err := Resolve(context.Background(), m, src, ResolveOptions{Allow: []LintCode{code.LintCase, code.LintNonASCII}})
	if err != nil {
		t.Fatal(err)
	}
	off := false
	want := &Plan{Manifest: "some/where/romfs.yaml", Name: "app", Board: filepath.Join("some", "where", "boards", "mine.yaml"), Partition: "1", Layout: "stable", Dedup: &off,
		MPYVersion: "1.29", Budget: spec.Budget{Max: &Limit{Percent: 50}, Warn: &Limit{Bytes: 1536}}, Allow: []LintCode{code.LintCase, code.LintNonASCII, code.LintUnused}}
	if d := cmp.Diff(want, p, cmp.AllowUnexported(Plan{})); d != "" {
		t.Error(d)
	}
	if got := p.Budget.Max.Of(1001); got != 500 {
		t.Errorf("50%% of 1001 is %d", got)
	}
	if got, none := p.Budget.Max.Of(1), p.Budget.Max.Of(0); got != 1 || none != 0 {
		t.Errorf("50%% of 1 is %d, of nothing %d", got, none)
	}
	if got := p.Budget.Warn.Of(1001); got != 1536 {
		t.Errorf("1.5KiB is %d", got)
	}
}

// A FIFO and an unreadable directory end in errors, wherever they come from.
func TestResolveIrregular(t *testing.T) {
	m, err := Parse([]byte(head+"files:\n  - src: \"**\"\n  - src: pipe\n  - src: \"quiet/*.txt\"\n  - src: link\n  - src: secret/x\n"), "romfs.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = Resolve(context.Background(), m, oddSource{}, ResolveOptions{})
	want := `romfs.yaml:4:10: files[0].src: "pipe" is a FIFO, socket or device, and cannot be packed; exclude it
romfs.yaml:4:10: files[0].src: the directory "secret" cannot be read: permission denied; make it readable, or name the directories beside it
romfs.yaml:4:10: files[0].src: "link" cannot be read: permission denied
romfs.yaml:4:10: files[0].src: "quiet/socket" is a FIFO, socket or device, and cannot be packed; exclude it
romfs.yaml:5:10: files[1].src: "pipe" is a FIFO, socket or device, and cannot be packed; exclude it
romfs.yaml:7:10: files[3].src: "link" cannot be read: permission denied
romfs.yaml:8:10: files[4].src: "secret/x" cannot be read: permission denied`
	lines := strings.Split(fmt.Sprint(err), "\n")
	slices.Sort(lines)
	wantLines := strings.Split(want, "\n")
	slices.Sort(wantLines)
	if d := cmp.Diff(wantLines, lines); d != "" {
		t.Error(d)
	}
}

// A directory that cannot be read is one error, not also one about what could
// be in it.
func TestUnreadableDirectory(t *testing.T) {
	m, err := Parse([]byte(head+"files:\n  - src: secret/*.py\n  - src: \"secret/**/*.txt\"\n"), "romfs.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = Resolve(context.Background(), m, oddSource{}, ResolveOptions{})
	want := `romfs.yaml:4:10: files[0].src: the directory "secret" cannot be read: permission denied; make it readable, or name the directories beside it`
	if fmt.Sprint(err) != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// A link that leads nowhere is one, however it is named, and not optional: its
// file was there when somebody made it.
func TestBrokenLink(t *testing.T) {
	root := writeTree(t, "broken -> gone", "dir/x -> ../gone", "a")
	for _, rule := range []string{"{src: broken}", "{src: broken, optional: true}", "{src: 'bro*'}", "{src: 'dir/*', optional: true}", "{src: broken/x, optional: true}", "{src: a, transform: {run: [x, '{in}'], inputs: [broken]}}"} {
		m, err := Parse([]byte(head+"files:\n  - "+rule+"\n"), filepath.Join(root, "romfs.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err = Resolve(context.Background(), m, nil, ResolveOptions{}); err == nil || strings.Count(err.Error(), "\n") > 0 || !strings.Contains(err.Error(), " is broken; ") {
			t.Errorf("%s: %v", rule, err)
		}
	}
}

// Where thousands of names are wrong, as many errors as are reported are looked
// for, and no advice is thought of for the rest.
func TestManyErrors(t *testing.T) {
	const n = 3000
	var text strings.Builder
	text.WriteString(head + "files:\n")
	files := map[string]string{}
	for i := range n {
		fmt.Fprintf(&text, "  - src: src/modul%04d.py\n", i)
		name := fmt.Sprintf("src/module%04d.py", i)
		files[name] = name
	}
	m, err := Parse([]byte(text.String()), "romfs.yaml")
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	src, err := ListSource(files, func(_, _ string) string { asked++; return "" })
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = Resolve(context.Background(), m, src, ResolveOptions{})
	var errs Errors
	if !errors.As(err, &errs) || len(errs) != strictyaml.MaxErrors+1 || errs[strictyaml.MaxErrors].Code != CodeLimit {
		t.Errorf("%d errors", len(errs))
	}
	if asked > strictyaml.MaxErrors+1 {
		t.Errorf("advice was thought of %d times", asked)
	}
}

// A walk ends when nobody waits for its result.
func TestResolveCanceled(t *testing.T) {
	root := writeTree(t, "a/b/c", "d")
	m, err := Parse([]byte(head+"files:\n  - src: \"**\"\n"), filepath.Join(root, "romfs.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	why := errors.New("enough")
	src := &cancelingSource{DirSource(root), func() { cancel(why) }, 0}
	if _, _, err := Resolve(ctx, m, src, ResolveOptions{}); !errors.Is(err, why) {
		t.Errorf("Resolve: %v", err)
	}
	if src.read > 1 {
		t.Errorf("%d directories were read", src.read)
	}
	ctx, cancel = context.WithCancelCause(context.Background())
	read := 0
	if _, _, err := DirPlan(ctx, root, DirOptions{Reads: func(string) { cancel(why); read++ }}); !errors.Is(err, why) || read > 1 {
		t.Errorf("DirPlan: %v, after %d directories", err, read)
	}
}

// A cancelingSource calls cancel when its first directory is read.
type cancelingSource struct {
	Source
	cancel func()
	read   int
}

func (s *cancelingSource) ReadDir(dir string) ([]source.Info, error) {
	s.cancel()
	s.read++
	return s.Source.ReadDir(dir)
}

// An oddSource is a tree that a test cannot make as every user: root may read
// everything.
type oddSource struct{}

func (oddSource) ReadDir(dir string) ([]source.Info, error) {
	switch dir {
	case "":
		return []source.Info{{Name: "secret", Kind: source.Dir}, {Name: "quiet", Kind: source.Dir}, {Name: "pipe", Kind: source.Irregular}, {Name: "link", Kind: source.Link}}, nil
	case "quiet":
		return []source.Info{{Name: "a.txt", Kind: source.File}, {Name: "socket", Kind: source.Link}}, nil
	}
	return nil, &fs.PathError{Op: "open", Path: dir, Err: fs.ErrPermission}
}

func (oddSource) Follow(name string) (source.Kind, error) {
	if name == "quiet/socket" {
		return source.Irregular, nil
	}
	return 0, fs.ErrPermission
}

func (oddSource) Locate(string) (string, bool)   { return "", false }
func (oddSource) Root() string                   { return "" }
func (oddSource) Path(name string) string        { return name }
func (oddSource) Missing(key, val string) string { return "" }

// writeBig makes n empty files, a hundred in a directory.
func writeBig(tb testing.TB, root string, n int) {
	tb.Helper()
	for i := range n {
		dir := filepath.Join(root, "src", fmt.Sprintf("p%03d", i/100))
		if i%100 == 0 {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				tb.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("m%05d.py", i)), nil, 0o644); err != nil {
			tb.Fatal(err)
		}
	}
}
