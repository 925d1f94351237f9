package romfs_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"rules_romfs/packager/romfs"
)

// stream is content that is given in its own way.
type stream struct {
	io.Reader
	closed   *int
	closeErr error
}

func (s stream) Close() error { *s.closed++; return s.closeErr }

// TestContentChanged gives files other content than planned.
func TestContentChanged(t *testing.T) {
	long := strings.Repeat("x", 200000)
	for _, tc := range []struct {
		name, planned, given, want string
	}{
		{"shorter", "hello", "hell", "4 bytes instead of 5"},
		{"longer", "hello", "hello!", "more than 5 bytes"},
		{"much longer", long, long + "yy", "more than 200000 bytes"},
		{"another", "hello", "jello", "SHA-256"},
		{"grown from nothing", "", "x", "more than 0 bytes"},
		{"gone", "hello", "", "0 bytes instead of 5"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			closed := 0
			n := file("f", tc.planned)
			n.Open = func() (io.ReadCloser, error) {
				return stream{Reader: strings.NewReader(tc.given), closed: &closed}, nil
			}
			p, err := romfs.NewPlan(dir("", dir("d", n)), romfs.Options{})
			if err != nil {
				t.Fatal(err)
			}
			_, err = p.WriteTo(io.Discard)
			var changed *romfs.ContentChangedError
			if !errors.As(err, &changed) || changed.Path != "d/f" || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v", err)
			}
			if closed != 1 {
				t.Errorf("closed %d times", closed)
			}
		})
	}
}

// TestWriteErrors come from the sources and the destination.
func TestWriteErrors(t *testing.T) {
	closed := 0
	for _, tc := range []struct {
		name string
		open func() (io.ReadCloser, error)
		want error
	}{
		{"open", func() (io.ReadCloser, error) { return nil, io.ErrClosedPipe }, io.ErrClosedPipe},
		{"read", func() (io.ReadCloser, error) {
			return stream{io.MultiReader(strings.NewReader("he"), failingReader{}), &closed, nil}, nil
		}, io.ErrClosedPipe},
		{"close", func() (io.ReadCloser, error) {
			return stream{strings.NewReader("hello"), &closed, io.ErrClosedPipe}, nil
		}, io.ErrClosedPipe},
		{"idle", func() (io.ReadCloser, error) { return stream{idleReader{}, &closed, nil}, nil }, io.ErrNoProgress},
		{"none", nil, nil},
	} {
		n := file("f", "hello")
		n.Open = tc.open
		p, err := romfs.NewPlan(dir("", n), romfs.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.WriteTo(io.Discard); err == nil || tc.want != nil && !errors.Is(err, tc.want) || !strings.Contains(err.Error(), `"f"`) {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
	// A destination that takes so many bytes and no more.
	p, want := build(t, dir("", file("a", strings.Repeat("x", 300000)), file("b", "y")), romfs.Options{})
	for _, room := range []int{0, 1, 70000, len(want) - 1, len(want)} {
		w := &narrow{room: room}
		n, err := p.WriteTo(w)
		if int(n) != len(w.got) || (err == nil) != (room == len(want)) || !bytes.Equal(w.got, want[:len(w.got)]) {
			t.Errorf("%d bytes of room: %d bytes, %v", room, n, err)
		}
	}
}

// A hesitant reader gives a byte, and then so many times nothing before the next.
type hesitant struct {
	text  string
	pause int
	n     int
}

func (h *hesitant) Read(b []byte) (int, error) {
	if h.n++; h.n%(h.pause+1) != 0 {
		return 0, nil
	}
	if h.text == "" {
		return 0, io.EOF
	}
	n := copy(b[:1], h.text)
	h.text = h.text[n:]
	return n, nil
}

// TestHesitantReaders: whoever gives nothing may do so 99 times, after each byte.
func TestHesitantReaders(t *testing.T) {
	t.Parallel()
	for pause, want := range map[int]error{0: nil, 1: nil, 60: nil, 99: nil, 100: io.ErrNoProgress} {
		n := file("f", "hello")
		n.Open = func() (io.ReadCloser, error) { return io.NopCloser(&hesitant{text: "hello", pause: pause}), nil }
		p, err := romfs.NewPlan(dir("", n), romfs.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.WriteTo(io.Discard); !errors.Is(err, want) {
			t.Errorf("nothing %d times: %v", pause, err)
		}
	}
	// What is empty need not be opened.
	if _, b := build(t, dir("", &romfs.Node{Name: "e"}), romfs.Options{}); len(b) != 10 {
		t.Errorf("% x", b)
	}
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }

type idleReader struct{}

func (idleReader) Read([]byte) (int, error) { return 0, nil }

type narrow struct {
	room int
	got  []byte
}

func (w *narrow) Write(b []byte) (int, error) {
	n := min(len(b), w.room-len(w.got))
	w.got = append(w.got, b[:n]...)
	if n < len(b) {
		return n, io.ErrShortWrite
	}
	return n, nil
}

// TestOpensOncePerWrite reads each content once, and none that is shared.
func TestOpensOncePerWrite(t *testing.T) {
	opened := map[string]int{}
	count := func(n *romfs.Node, as string) *romfs.Node {
		open := n.Open
		n.Open = func() (io.ReadCloser, error) { opened[as]++; return open() }
		return n
	}
	p, first := build(t, dir("", count(file("a", "some content"), "a"), count(file("b", "some content"), "b"), count(file("c", ""), "c")), romfs.Options{Dedup: true})
	if opened["a"] != 1 || opened["b"] != 0 || opened["c"] != 1 {
		t.Errorf("%v", opened)
	}
	var again bytes.Buffer
	if _, err := p.WriteTo(&again); err != nil || !bytes.Equal(again.Bytes(), first) {
		t.Errorf("written again: %v", err)
	}
}

// TestExplained says why bytes are where they are.
func TestExplained(t *testing.T) {
	p, _ := build(t, dir("",
		file("a", "SHARED CONTENT"), aligned("b", "SHARED CONTENT", 64), aligned("c", "own", 16), aligned("d", "SHARED CONTENT", 64),
	), romfs.Options{Dedup: true})
	a, b, c := placed(t, p, "a"), placed(t, p, "b"), placed(t, p, "c")
	if a.Offset != 64 || a.Given != 64 || a.Align != 0 || a.AlignedFor != "b" || a.Padding != 64-4-2-2-2 {
		t.Errorf("a: %+v", a)
	}
	if b.SharedWith != "a" || b.Offset != 64 || b.Given != 64 || b.AlignedFor != "" {
		t.Errorf("b: %+v", b)
	}
	if c.Given != 16 || c.Offset != 96 || p.Shared != 28 {
		t.Errorf("c: %+v; shared %d", c, p.Shared)
	}
}

// TestHugePadding aligns to 64 MiB without holding the padding in memory.
func TestHugePadding(t *testing.T) {
	t.Parallel()
	p, err := romfs.NewPlan(dir("", file("a", "x"), aligned("b", "y", 1<<26)), romfs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var w ends
	if n, err := p.WriteTo(&w); n != p.Size || err != nil || p.Files[1].Offset != 1<<26 || w.largest > 1<<17 {
		t.Errorf("%d bytes of %d, %v, up to %d at once", n, p.Size, err, w.largest)
	}
	if w.last != [4]byte{'y', 1, 1, 0} {
		t.Errorf("ends in % x", w.last)
	}
}

// ends remembers the end of what is written, and the largest piece.
type ends struct {
	last    [4]byte
	largest int
}

func (e *ends) Write(b []byte) (int, error) {
	e.largest = max(e.largest, len(b))
	tail := append(e.last[:], b...)
	copy(e.last[:], tail[len(tail)-4:])
	return len(b), nil
}
