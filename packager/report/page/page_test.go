package page_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"rules_romfs/internal/trees"
	"rules_romfs/packager/inspect"
	"rules_romfs/packager/pack"
	"rules_romfs/packager/ram"
	"rules_romfs/packager/report"
	"rules_romfs/packager/report/page"
	"rules_romfs/packager/romfs"
)

var keep = flag.String("keep", "", "a folder to leave the pages in, to look at")

// build packs a tree for a board and opens the image.
func build(t testing.TB, tree trees.Tree, board string) *inspect.Image {
	t.Helper()
	dir := t.TempDir()
	tree.Write(t, dir)
	no := false
	im, err := pack.Build(t.Context(), pack.Options{Path: dir, Board: board, Compile: &no, PartitionSize: 0, Reporter: report.Discard(), NoCache: true})
	if err != nil {
		t.Fatal(err)
	}
	image, err := inspect.Built(t.Context(), tree.Name+".romfs", im, report.Discard())
	if err != nil {
		t.Fatal(err)
	}
	return image
}

// input finds out what a page is drawn from.
func input(t testing.TB, im *inspect.Image) page.Input {
	t.Helper()
	v, err := inspect.Verify(t.Context(), im.Source, inspect.Target{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := inspect.List(t.Context(), im, inspect.ListOptions{Digests: true, Details: true})
	if l == nil {
		t.Fatal(err)
	}
	return page.Input{Name: im.Name, Listing: l, Verification: v}
}

func write(t testing.TB, in page.Input) string {
	t.Helper()
	var b bytes.Buffer
	if err := page.Write(&b, in); err != nil {
		t.Fatal(err)
	}
	if *keep != "" {
		if err := os.WriteFile(filepath.Join(*keep, strings.ReplaceAll(t.Name(), "/", "-")+".html"), b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

// A shown is what the page's scripts read.
type shown struct {
	Size, Used, Partition int64
	Files                 []struct {
		P, K, D, F, Ru, Sh, C, Fi string
		S, St, O, R, Rs, Pd       int64
		Al, Nd, Gv                int64
		H, W                      *int64
	}
	Spans   [][4]any
	Changed []int64
	Block   int64
}

var dataElement = regexp.MustCompile(`(?s)<script type="application/json" id="data">(.*?)</script>`)

func read(t testing.TB, text string) *shown {
	t.Helper()
	m := dataElement.FindAllStringSubmatch(text, -1)
	if len(m) != 1 {
		t.Fatalf("%d elements with data", len(m))
	}
	var s shown
	if err := json.Unmarshal([]byte(m[0][1]), &s); err != nil {
		t.Fatal(err)
	}
	return &s
}

// addUp demands that the strip has no gap and no overlap, and ends where the
// partition does.
func (s *shown) addUp(t testing.TB) {
	t.Helper()
	pos := int64(0)
	bytes := map[string]int64{}
	stored := map[int]int64{}
	for _, span := range s.Spans {
		kind, offset, n, file := span[0].(string), int64(span[1].(float64)), int64(span[2].(float64)), int(span[3].(float64))
		if offset != pos || n <= 0 {
			t.Fatalf("a span of %d bytes at %d follows byte %d", n, offset, pos)
		}
		pos += n
		bytes[kind] += n
		if file >= 0 && kind == s.Files[file].K {
			stored[file] += n
			if s.Files[file].O > offset {
				t.Errorf("%s begins at %d, its span at %d", s.Files[file].P, s.Files[file].O, offset)
			}
		}
	}
	if want := max(s.Partition, s.Used); pos != s.Size || pos != want {
		t.Errorf("the strip ends at %d, the partition at %d", pos, want)
	}
	if over := s.Used - s.Partition; s.Partition > 0 && over > 0 && bytes["beyond"] != over || s.Partition > s.Used && bytes["free"] != s.Partition-s.Used {
		t.Errorf("%d bytes are free, %d beyond, of a partition of %d with %d used", bytes["free"], bytes["beyond"], s.Partition, s.Used)
	}
	for i, f := range s.Files {
		if f.K != "image" && f.K != "gone" && bytes["beyond"] == 0 && stored[i] != f.St {
			t.Errorf("%s has %d bytes in the strip, and %d stored", f.P, stored[i], f.St)
		}
	}
}

// TestNumbers: the page of every tree has the numbers of the listing, and its
// strip adds up, on a board and on none.
func TestNumbers(t *testing.T) {
	t.Parallel()
	for _, tree := range trees.Table() {
		for _, board := range []string{"", "openmv-n6"} {
			t.Run(tree.Name+" "+board, func(t *testing.T) {
				t.Parallel()
				im := build(t, tree, board)
				in := input(t, im)
				text := write(t, in)
				if text != write(t, input(t, im)) {
					t.Error("the same image gives another page")
				}
				s := read(t, text)
				s.addUp(t)
				i := 0
				for _, e := range in.Listing.Entries {
					if e.Dir {
						continue
					}
					f := s.Files[i]
					i++
					if f.S != e.Size || f.O != e.Offset || f.Gv != e.Align || f.D != e.SHA256.String() || f.St != e.Details.Stored || (f.Sh != "") != e.Shared {
						t.Errorf("%+v is shown as %+v", e, f)
					}
				}
				if n := files(in.Listing); n != len(s.Files) || s.Used != im.Size() {
					t.Errorf("%d files of %d bytes are shown, the image has %d in %d", len(s.Files), s.Used, n, im.Size())
				}
			})
		}
	}
}

// files counts those of a listing, and of the images in them.
func files(l *inspect.Listing) (n int) {
	for i := range l.Entries {
		if e := &l.Entries[i]; !e.Dir {
			n++
			if e.Details.Image != nil {
				n += files(e.Details.Image)
			}
		}
	}
	return n
}

// hostile are names that would break out of what they are written into.
var hostile = []string{
	`</script><script>alert(1)</script>`, `<!--<script>`, `"quoted" & 'so'`, `a\nb`, "line\nbreak", "\u2028\u2029", "\u202egnp.exe", "שלום.py", "مرحبا",
	"__proto__", "constructor", "${x}`y`", "%3Cb%3E", "-", "a b  c", "é", "e\u0301", strings.Repeat("long", 60), "\xff\xfe", "tab\tname",
}

// hostileImage is written by the format alone: no file system holds all of its names.
func hostileImage(t testing.TB) *inspect.Image {
	t.Helper()
	tree := trees.Tree{Name: "hostile"}
	for _, name := range hostile {
		tree.Entries = append(tree.Entries, trees.Entry{Path: name, Content: name}, trees.Entry{Path: "d/" + name, Content: "x"})
	}
	plan, err := romfs.NewPlan(tree.Root(func(string) int64 { return 1 }), romfs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := plan.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	source, err := inspect.ReadSource(t.Context(), "hostile.romfs", &b)
	if err != nil {
		t.Fatal(err)
	}
	im, err := source.Image()
	if err != nil {
		t.Fatal(err)
	}
	return im
}

// TestHostileNames: names are text, wherever they stand.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	im := hostileImage(t)
	in := input(t, im)
	in.Name = hostile[0]
	text := write(t, in)
	s := read(t, text)
	s.addUp(t)
	if len(s.Files) != 2*len(hostile) {
		t.Errorf("%d files, want %d", len(s.Files), 2*len(hostile))
	}
	if n := strings.Count(strings.ToLower(text), "<script"); n != 2 {
		t.Errorf("%d elements with scripts or data, want 2", n)
	}
	for _, f := range s.Files {
		if strings.ContainsAny(f.P, "\n\t\u202e\u2028") {
			t.Errorf("a control character is shown: %q", f.P)
		}
	}
	if !strings.Contains(text, "<title>"+html.EscapeString(hostile[0])) && !strings.Contains(text, "<title>&lt;/script&gt;") {
		t.Error("the title is not escaped")
	}
}

// TestPolicy: the page allows its own scripts and styles alone.
func TestPolicy(t *testing.T) {
	t.Parallel()
	text := write(t, input(t, build(t, trees.Table()[0], "")))
	policy := regexp.MustCompile(`Content-Security-Policy" content="([^"]*)"`).FindStringSubmatch(text)
	if policy == nil || !strings.Contains(policy[1], "default-src &#39;none&#39;") || strings.Contains(policy[1], "unsafe") {
		t.Errorf("policy: %q", policy)
	}
	for _, outside := range []string{"http:", "https:", "url(", "@import", "src=", " style="} {
		if strings.Contains(strings.ReplaceAll(text, "default-src", ""), outside) {
			t.Errorf("the page has %q in it", outside)
		}
	}
}

// TestDamaged: of a damaged image the page shows what is readable, and what Verify
// has found.
func TestDamaged(t *testing.T) {
	t.Parallel()
	whole := build(t, trees.Table()[0], "")
	b := make([]byte, whole.Size())
	if _, err := whole.Data.ReadAt(b, 0); err != nil {
		t.Fatal(err)
	}
	for at := int(whole.HeaderSize()); at < min(len(b), 400); at++ {
		damaged := bytes.Clone(b)
		damaged[at] ^= 0x55
		source, err := inspect.ReadSource(context.Background(), "damaged.romfs", bytes.NewReader(damaged))
		if err != nil {
			t.Fatal(err)
		}
		im, err := source.Image()
		if err != nil {
			continue
		}
		in := input(t, im)
		s := read(t, write(t, in))
		s.addUp(t)
	}
}

// TestTooLarge: an image that exceeds its partition and its budget.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	in := input(t, build(t, trees.Table()[0], "openmv-n6"))
	in.Listing.Usage.Size = in.Listing.Size / 2
	in.Budget.Max = in.Listing.Size / 4
	text := write(t, in)
	read(t, text).addUp(t)
	if n := strings.Count(text, ": too large"); n != 2 {
		t.Errorf("%d meters are over, want 2", n)
	}
}

// TestRAM: figures go to their modules, and those of another image are refused.
func TestRAM(t *testing.T) {
	t.Parallel()
	tree := trees.Tree{Name: "ram", Entries: []trees.Entry{{Path: "a.py", Content: "x = 1\n"}, {Path: "b.py", Content: "y = 2\n"}}}
	in := input(t, build(t, tree, ""))
	total := int64(64)
	in.RAM = &ram.Ledger{Interpreter: &ram.Interpreter{Bits: 32}, Total: ram.Total{ROM: &total}, Modules: []*ram.Module{
		{Name: "a", Path: "a.py", Size: 6, ROM: &ram.Cost{Heap: 64}, Why: "compiled on the board"},
		{Name: "b", Path: "b.py", Size: 6, ROM: &ram.Cost{Error: "ImportError: no module named 'z'"}},
	}}
	s := read(t, write(t, in))
	if h := s.Files[0].H; h == nil || *h != 64 || s.Files[1].H != nil {
		t.Errorf("%+v", s.Files)
	}
	in.RAM.Modules[0].Size++
	if err := page.Write(&bytes.Buffer{}, in); err == nil || !strings.Contains(err.Error(), "another image") {
		t.Errorf("figures of another image: %v", err)
	}
}

// TestBase: what differs from an older image, and what a deploy takes.
func TestBase(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("0123456789abcdef", 4096)
	old := build(t, trees.Tree{Name: "old", Entries: []trees.Entry{{Path: "a", Content: "A"}, {Path: "b", Content: "BBB"}, {Path: "gone", Content: "G"}, {Path: "z", Content: big}}}, "openmv-n6")
	new := build(t, trees.Tree{Name: "new", Entries: []trees.Entry{{Path: "a", Content: "AA"}, {Path: "b", Content: "B"}, {Path: "c", Content: "new"}, {Path: "z", Content: big}}}, "openmv-n6")
	d, err := inspect.Diff(t.Context(), old, new, inspect.DiffOptions{Map: true, Transfers: true})
	if err != nil {
		t.Fatal(err)
	}
	in := input(t, new)
	in.Base = &page.Base{Name: "old.romfs", Difference: d}
	text := write(t, in)
	s := read(t, text)
	s.addUp(t)
	changes := map[string]string{}
	for _, f := range s.Files {
		changes[f.P] = f.C
	}
	for path, want := range map[string]string{"a": "grown", "b": "shrunk", "c": "added", "gone": "removed", "z": "moved"} {
		if changes[path] != want {
			t.Errorf("%s is %q, want %q", path, changes[path], want)
		}
	}
	if !slices.Equal(s.Changed, d.Blocks.Map) || s.Block != d.Blocks.Erase || len(s.Changed) == 0 {
		t.Errorf("blocks %v of %d bytes, want %v of %d", s.Changed, s.Block, d.Blocks.Map, d.Blocks.Erase)
	}
	if len(d.Blocks.Transfers) == 0 {
		t.Fatal("nothing is said of a deploy")
	}
	for _, transfer := range d.Blocks.Transfers {
		if !strings.Contains(text, report.Size(transfer.Sent)) {
			t.Errorf("%s is not in the page", report.Size(transfer.Sent))
		}
	}
	in.Base.Difference = &inspect.Difference{Same: true}
	if text := write(t, in); !strings.Contains(text, "Nothing has changed") {
		t.Error("an equal image has changes")
	}
}
