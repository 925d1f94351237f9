package inspect

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rules_romfs/internal/fold"
	"rules_romfs/packager/report"
	"rules_romfs/packager/romfs"
)

// file and dir make trees as tests write them.
func file(name, content string) *romfs.Node {
	return &romfs.Node{Name: name, Size: int64(len(content)), Open: func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(content)), nil
	}}
}

func dir(name string, children ...*romfs.Node) *romfs.Node {
	return &romfs.Node{Name: name, Dir: true, Children: children}
}

// imageOf builds an image in memory.
func imageOf(t *testing.T, o romfs.Options, children ...*romfs.Node) *Image {
	t.Helper()
	plan, err := romfs.NewPlan(dir("", children...), o)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := plan.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return sourceOf(t, b.Bytes())
}

func sourceOf(t *testing.T, b []byte) *Image {
	t.Helper()
	im, err := (&Source{Name: "test.romfs", Data: bytes.NewReader(b), Length: int64(len(b))}).Image()
	if err != nil {
		t.Fatal(err)
	}
	return im
}

// TestTwins: what file systems do that ignore case or the form of letters is not
// to be had everywhere; what we would say is.
func TestTwins(t *testing.T) {
	t.Parallel()
	const composed, decomposed = "\u00e4", "a\u0308"
	for name, tc := range map[string]struct {
		nodes []*romfs.Node
		folds fold.Folding
		want  string
	}{
		"files":                 {[]*romfs.Node{file("Readme", "x"), file("README", "x")}, fold.Folding{Case: true}, "case"},
		"directories":           {[]*romfs.Node{dir("Lib", file("a", "x")), dir("lib", file("b", "x"))}, fold.Folding{Case: true}, "case"},
		"umlauts":               {[]*romfs.Node{file("ä", "x"), file("Ä", "x")}, fold.Folding{Case: true}, "case"},
		"apart":                 {[]*romfs.Node{dir("a", file("x", "x")), dir("b", file("X", "x"))}, fold.Folding{Case: true, Normalization: true}, ""},
		"forms":                 {[]*romfs.Node{file(composed, "x"), file(decomposed, "x")}, fold.Folding{Case: true, Normalization: true}, "code points"},
		"forms, case kept":      {[]*romfs.Node{file(composed, "x"), file(decomposed, "x")}, fold.Folding{Normalization: true}, "code points"},
		"forms and case":        {[]*romfs.Node{file("Ä", "x"), file(decomposed, "x")}, fold.Folding{Case: true, Normalization: true}, "code points"},
		"forms of directories":  {[]*romfs.Node{dir(composed, file("a", "x")), dir(decomposed, file("b", "x"))}, fold.Folding{Case: true, Normalization: true}, "code points"},
		"forms kept apart":      {[]*romfs.Node{file(composed, "x"), file(decomposed, "x")}, fold.Folding{Case: true}, ""},
		"case kept apart":       {[]*romfs.Node{file("a", "x"), file("A", "x")}, fold.Folding{Normalization: true}, ""},
		"nothing is ignored":    {[]*romfs.Node{file("a", "x"), file("A", "x")}, fold.Folding{}, ""},
		"compatible is no twin": {[]*romfs.Node{file("\ufb01", "x"), file("fi", "x")}, fold.Folding{Normalization: true}, ""},
	} {
		x := &extractor{im: imageOf(t, romfs.Options{}, tc.nodes...), chosen: map[string]int64{}}
		if err := x.choose(); err != nil {
			t.Fatal(err)
		}
		err := x.twins(tc.folds)
		if got := ""; err != nil {
			got = err.Error()
			if tc.want == "" || !strings.Contains(got, "differs from it only in") || !strings.Contains(got, tc.want) || !strings.Contains(got, "nothing was extracted") {
				t.Errorf("%s: %v, want %q", name, err, tc.want)
			}
		} else if tc.want != "" {
			t.Errorf("%s: nothing is said", name)
		}
	}
}

// TestProbe: what a killed run left behind, and what the target holds anyway,
// does not disturb the question what its file system ignores; nor does the probe
// stay.
func TestProbe(t *testing.T) {
	t.Parallel()
	im := imageOf(t, romfs.Options{}, file("a", "x"))
	target := t.TempDir()
	left := []string{".romfs-case-probe", ".romfs-probe-x\u00e4"}
	for _, name := range left {
		if err := os.WriteFile(filepath.Join(target, name), nil, 0o400); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Extract(t.Context(), im, ExtractOptions{Dir: target, Reporter: report.Discard()}); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(target)
	if err != nil || len(entries) != len(left)+1 {
		t.Errorf("%v, %v", entries, err)
	}
	root, err := os.OpenRoot(target)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	folds, err := foldingOf(root)
	if err != nil {
		t.Fatal(err)
	}
	// The same, asked by hand.
	if err := os.WriteFile(filepath.Join(target, "case\u00e4"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, upper := os.Lstat(filepath.Join(target, "CASE\u00e4"))
	_, decomposed := os.Lstat(filepath.Join(target, "casea\u0308"))
	if want := (fold.Folding{Case: upper == nil, Normalization: decomposed == nil}); folds != want {
		t.Errorf("%+v, want %+v", folds, want)
	}
}

// TestNamedTwice: entries that several PATHs name are taken once, in a time that
// grows with their number.
func TestNamedTwice(t *testing.T) {
	t.Parallel()
	const files = 20_000
	var nodes []*romfs.Node
	for i := range files {
		nodes = append(nodes, file(strings.Repeat("x", 1+i%7)+string(rune('a'+i%26))+time.Duration(i).String(), ""))
	}
	x := &extractor{im: imageOf(t, romfs.Options{}, dir("d", nodes...)), o: ExtractOptions{Paths: []string{".", "/", "d", "d/"}}, chosen: map[string]int64{}}
	if err := x.choose(); err != nil {
		t.Fatal(err)
	}
	if len(x.entries) != files+1 {
		t.Errorf("%d entries", len(x.entries))
	}
}

// TestExtractDamaged: damage that the driver passes over in silence is told, and
// what is whole can still be had by its name.
func TestExtractDamaged(t *testing.T) {
	t.Parallel()
	good := imageOf(t, romfs.Options{}, dir("a", file("in", "whole")), dir("b", file("x", "first"), file("y", "second")), file("c", "third"))
	y, err := good.Lookup("b/y")
	if err != nil {
		t.Fatal(err)
	}
	all := make([]byte, good.Size())
	if _, err := good.Data.ReadAt(all, 0); err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]func([]byte){
		"a record marked unused":   func(b []byte) { b[y.RecordOffset] = 0 },
		"a name beyond its record": func(b []byte) { b[y.RecordOffset+2] = 0x7f },
		"a file without data":      func(b []byte) { b[y.RecordOffset+4] = 9 },
		"a length beyond its end":  func(b []byte) { b[y.RecordOffset+1] = 0x70 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := bytes.Clone(all)
			damage(b)
			im := sourceOf(t, b)
			l, _ := List(t.Context(), im, ListOptions{})
			if l == nil || len(l.Damage) != 1 || l.Damage[0].Path != "b" && l.Damage[0].Path != "b/y" {
				t.Errorf("listed with damage %+v", l)
			}
			if l, err := List(t.Context(), im, ListOptions{Dir: "a"}); l == nil || len(l.Damage) > 0 {
				t.Errorf("a is whole: %+v, %v", l, err)
			}
			target := filepath.Join(t.TempDir(), "out")
			extract := func(paths ...string) error {
				_, err := Extract(t.Context(), im, ExtractOptions{Dir: target, Paths: paths, Reporter: report.Discard()})
				return err
			}
			for _, paths := range [][]string{nil, {"b"}, {"a", "b"}} {
				if err := extract(paths...); err == nil || !strings.Contains(err.Error(), "damaged") && !strings.Contains(err.Error(), "nothing was extracted") {
					t.Errorf("extracted %v: %v", paths, err)
				}
				if _, err := os.Lstat(target); err == nil {
					t.Fatalf("extracting %v left something", paths)
				}
			}
			if err := extract("a", "b/x", "c"); err != nil {
				t.Error(err)
			}
		})
	}
}
