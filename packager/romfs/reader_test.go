package romfs_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"rules_romfs/packager/romfs"
)

// readers opens an image in both ways.
func readers(tb testing.TB, b []byte) map[string]*romfs.Image {
	tb.Helper()
	opened, err := romfs.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		tb.Fatal(err)
	}
	parsed, err := romfs.Parse(b)
	if err != nil {
		tb.Fatal(err)
	}
	return map[string]*romfs.Image{"Open": opened, "Parse": parsed}
}

// TestFS holds the readers to the contract of io/fs, on random trees of every
// layout, from the root and from a directory.
func TestFS(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(17, 18))
	for range 15 {
		root := randomTree(r, 25, 300)
		root.Children = append(root.Children, dir("sub dir", file("in it", "data"), dir("empty")))
		decorate(r, root, []int64{1, 16})
		for _, o := range optionsList {
			p, b := build(t, root, o)
			want := []string{"sub dir/empty"}
			for _, f := range p.Files {
				want = append(want, f.Path)
			}
			for how, m := range readers(t, append(b, "anything behind it"...)) {
				if m.Size() != p.Size || m.HeaderSize() != p.HeaderSize {
					t.Errorf("%s: %d and %d bytes, planned %d and %d", how, m.Size(), m.HeaderSize(), p.Size, p.HeaderSize)
				}
				if err := fstest.TestFS(m, want...); err != nil {
					t.Errorf("%s, %v: %v", how, o.Layout, err)
				}
				sub, err := fs.Sub(m, "sub dir")
				if err != nil {
					t.Fatal(err)
				}
				if err := fstest.TestFS(sub, "in it", "empty"); err != nil {
					t.Errorf("%s, %v, sub: %v", how, o.Layout, err)
				}
			}
		}
	}
}

// TestReaderErrors are the errors of io/fs.
func TestReaderErrors(t *testing.T) {
	_, b := build(t, dir("", file("f", "x"), dir("d", file("g", ""))), romfs.Options{})
	for how, m := range readers(t, b) {
		for _, tc := range []struct {
			name string
			err  error
			want error
		}{
			{"open nothing", second(m.Open("x")), fs.ErrNotExist},
			{"open below a file", second(m.Open("f/x")), fs.ErrNotExist},
			{"stat nothing", second(m.Stat("d/x")), fs.ErrNotExist},
			{"two slashes", second(m.Open("d//g")), fs.ErrInvalid},
			{"leading slash", second(m.Open("/f")), fs.ErrInvalid},
			{"dots", second(m.Lookup("d/../f")), fs.ErrInvalid},
			{"sub of nothing", second(m.Sub("x")), fs.ErrNotExist},
			{"sub of a file", second(m.Sub("f")), nil},
			{"read a directory", second(m.ReadFile("d")), nil},
			{"list a file", second(m.ReadDir("f")), nil},
		} {
			var path *fs.PathError
			if !errors.As(tc.err, &path) || tc.want != nil && !errors.Is(tc.err, tc.want) {
				t.Errorf("%s, %s: %v", how, tc.name, tc.err)
			}
		}
		d, err := m.Open("d")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Read(make([]byte, 1)); err == nil {
			t.Errorf("%s: a directory is read", how)
		}
	}
	for _, bad := range []string{"", "d2cd31", "d2cd3201", "d2cd3105", "d2cd3181", "d2cd3181ffffffffffffffff7f"} {
		if _, err := romfs.Parse(unhex(t, bad)); !errors.Is(err, romfs.ErrNotImage) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// TestWalk visits everything, found by lookups or not, in image order.
func TestWalk(t *testing.T) {
	b := image(unhex(t, `05 05 01 61 02 01 78 | 04 08 01 61 05 04 01 62 02 00 | 05 02 01 63 |
		05 05 00 02 01 79 00 | 04 08 01 64 01 02 00 00 01 00`))
	for how, m := range readers(t, b) {
		var got []string
		err := m.Walk(func(e *romfs.Entry) error {
			got = append(got, e.Path())
			if e.Err != nil {
				got = append(got, "!")
			}
			return nil
		})
		var damage *romfs.FormatError
		if want := []string{"a", "a", "a/b", "c", "!", "", "d"}; !slices.Equal(got, want) || !errors.As(err, &damage) {
			t.Errorf("%s: %q, %v; want %q", how, got, err, want)
		}
		// The listing has what can be opened: the file a, and d.
		list, err := m.ReadDir(".")
		if len(list) != 3 || list[0].Name() != "a" || list[0].IsDir() || list[2].Name() != "d" || err != nil {
			t.Errorf("%s: %v, %v", how, list, err)
		}
		if _, err := list[1].Info(); !errors.As(err, &damage) {
			t.Errorf("%s: info of a file without data: %v", how, err)
		}
		if _, err := m.ReadFile("c"); !errors.As(err, &damage) {
			t.Errorf("%s: a file without data: %v", how, err)
		}
		// Walk's ways out.
		for skip, want := range map[string][]string{"dir": {"a", "a", "c", "", "d"}, "all": {"a", "a"}, "error": {"a", "a"}} {
			var got []string
			err := m.Walk(func(e *romfs.Entry) error {
				got = append(got, e.Path())
				switch {
				case !e.Dir:
				case skip == "dir":
					return fs.SkipDir
				case skip == "all":
					return fs.SkipAll
				default:
					return io.ErrClosedPipe
				}
				return nil
			})
			if !slices.Equal(got, want) || (skip == "error") != (err == io.ErrClosedPipe) {
				t.Errorf("%s, %s: %q, %v", how, skip, got, err)
			}
		}
	}
}

// TestDamagedDirectory returns what is before the damage.
func TestDamagedDirectory(t *testing.T) {
	b := unhex(t, "d2 cd 31 80 11 | 05 05 01 61 02 01 78 | 05 7f 01 62 02 00 04 00 00 00")
	for how, m := range readers(t, b) {
		list, err := m.ReadDir(".")
		var damage *romfs.FormatError
		if len(list) != 1 || list[0].Name() != "a" || !errors.As(err, &damage) || damage.Offset != 12 {
			t.Errorf("%s: %v, %v", how, list, err)
		}
		// The same piece by piece, and then the error for good.
		f, err := m.Open(".")
		if err != nil {
			t.Fatal(err)
		}
		d := f.(fs.ReadDirFile)
		if list, err := d.ReadDir(5); len(list) != 1 || err != nil {
			t.Errorf("%s: %v, %v", how, list, err)
		}
		for range 2 {
			if list, err := d.ReadDir(5); len(list) != 0 || !errors.As(err, &damage) {
				t.Errorf("%s: %v, %v", how, list, err)
			}
		}
		if b, err := m.ReadFile("a"); string(b) != "x" {
			t.Errorf("%s: %q, %v", how, b, err)
		}
		if _, err := m.Stat("b"); !errors.As(err, &damage) {
			t.Errorf("%s: %v", how, err)
		}
	}
}

// TestKindWraps: what a 32-bit board takes for a file called a, and a 64-bit one
// for nothing known, is damage.
func TestKindWraps(t *testing.T) {
	for how, m := range readers(t, image(unhex(t, "05 04 01 62 02 00 | 90 80 80 80 05 05 01 61 02 01 78"))) {
		var damage *romfs.FormatError
		if _, err := m.Stat("a"); !errors.As(err, &damage) {
			t.Errorf("%s: %v", how, err)
		}
		if _, err := m.Stat("b"); err != nil {
			t.Errorf("%s: %v", how, err)
		}
	}
}

// counter counts what is read.
type counter struct {
	io.ReaderAt
	mu    sync.Mutex
	bytes int
}

func (c *counter) ReadAt(b []byte, off int64) (int, error) {
	c.mu.Lock()
	c.bytes += len(b)
	c.mu.Unlock()
	return c.ReaderAt.ReadAt(b, off)
}

// TestReadsLittle opens an image of 24 MiB, lists it and reads one small file.
func TestReadsLittle(t *testing.T) {
	t.Parallel()
	root := dir("", file("small", "hello"))
	model := strings.Repeat("m", 1<<20)
	for i := range 24 {
		root.Children = append(root.Children, dir("d"+string(rune('a'+i)), file("model", model)))
	}
	_, b := build(t, root, romfs.Options{})
	c := &counter{ReaderAt: bytes.NewReader(b)}
	m, err := romfs.Open(c, int64(len(b)))
	if err != nil || c.bytes > 4096 {
		t.Fatalf("%d bytes read to open, %v", c.bytes, err)
	}
	if err := fs.WalkDir(m, ".", func(string, fs.DirEntry, error) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if got, err := m.ReadFile("small"); string(got) != "hello" || err != nil {
		t.Fatal(string(got), err)
	}
	if c.bytes > 300<<10 {
		t.Errorf("%d bytes read", c.bytes)
	}
	c.bytes = 0
	if p := romfs.Validate(c, int64(len(b))); p != nil || c.bytes > 300<<10 {
		t.Errorf("%d bytes read to validate, %v", c.bytes, p)
	}
}

// TestBytes aliases the image, and never beyond the file.
func TestBytes(t *testing.T) {
	_, b := build(t, dir("", file("a", "first"), file("b", "second")), romfs.Options{})
	m, err := romfs.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	e, err := m.Lookup("a")
	if err != nil {
		t.Fatal(err)
	}
	got, ok := m.Bytes(e)
	if !ok || string(got) != "first" || &got[0] != &b[e.Offset] || cap(got) != 5 {
		t.Errorf("%q, cap %d, %v", got, cap(got), ok)
	}
	opened, err := romfs.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := opened.Bytes(e); ok {
		t.Error("bytes in place of an image that is not in memory")
	}
	f, err := opened.Open("b")
	if err != nil {
		t.Fatal(err)
	}
	tail := make([]byte, 3)
	if n, err := f.(*romfs.File).ReadAt(tail, 3); n != 3 || string(tail) != "ond" {
		t.Errorf("%q, %v", tail, err)
	}
}

// TestConcurrent uses one image from many goroutines.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(19, 20))
	p, b := build(t, randomTree(r, 60, 200), romfs.Options{})
	for _, m := range readers(t, b) {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for _, f := range p.Files {
					if got, err := m.ReadFile(f.Path); err != nil || int64(len(got)) != f.Size {
						t.Errorf("%q: %d bytes, %v", f.Path, len(got), err)
					}
				}
			})
		}
		wg.Wait()
	}
}

// TestReadErrorIsNotKept fails once and then works.
func TestReadErrorIsNotKept(t *testing.T) {
	_, b := build(t, dir("", dir("d", file("a", strings.Repeat("x", 9000)), file("b", "y"))), romfs.Options{})
	f := &failing{bytes.NewReader(b), 5000}
	m, err := romfs.Open(f, int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Stat("d/b"); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("%v", err)
	}
	if err := m.Walk(func(*romfs.Entry) error { return nil }); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("%v", err)
	}
	f.from = int64(len(b))
	if _, err := m.Stat("d/b"); err != nil {
		t.Errorf("%v", err)
	}
}

// TestDeepNesting walks and looks up what is nested 300,000 deep, in time that
// grows with the depth and not with its square.
func TestDeepNesting(t *testing.T) {
	t.Parallel()
	const depth = 300000
	for how, m := range readers(t, image(nested(depth))) {
		var last *romfs.Entry
		if err := m.Walk(func(e *romfs.Entry) error { last = e; return nil }); err == nil || last.Name != "f" {
			t.Errorf("%s: %v, %v", how, last.Name, err)
		}
		path := last.Path()
		if len(path) != 2*depth+1 {
			t.Errorf("%s: a path of %d bytes", how, len(path))
		}
		if e, err := m.Lookup(strings.TrimSuffix(path, "/f")); err != nil || !e.Dir {
			t.Errorf("%s: %v", how, err)
		}
	}
}
