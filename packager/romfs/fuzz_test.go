package romfs_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"rules_romfs/packager/romfs"
)

// seed gives a fuzz target images of all layouts and the damaged ones; what
// fuzzing found is in testdata/fuzz.
func seed(f *testing.F) {
	root := dir("", aligned("a", "model", 16), dir("d", file("b.py", strings.Repeat("b", 130)), dir("e"), file("c", "model")), file("f", ""))
	for _, o := range optionsList {
		_, b := build(f, root, o)
		f.Add(b)
	}
	for _, b := range damagedImages(f) {
		f.Add(b)
	}
}

// model is the search of MicroPython's driver (extmod/vfs_rom.c,
// mp_vfs_rom_search_filesystem), written anew, with what the driver lacks: it
// tells when the search leaves its bounds, or depends on the width of a word.
// TestReaderAgreesWithDriver does the same with the driver itself.
type model struct {
	b        []byte
	base     int
	strayed  bool
	fileSize int
	fileAt   int
}

func (m *model) number(pos *int, limit int) (v int, ok bool) {
	for *pos < limit {
		c := m.b[*pos]
		*pos++
		v = min(v, 1<<40)<<7 | int(c&0x7f) // larger than anything that fits
		if c < 0x80 {
			return v, true
		}
	}
	return 0, false
}

// head decodes a record's kind and end; kind 0 is damage.
func (m *model) head(pos *int, limit int) (kind, end int) {
	kind, ok := m.number(pos, limit)
	if !ok {
		return 0, 0
	}
	n, ok := m.number(pos, limit)
	if !ok {
		return 0, 0
	}
	if kind != 0 && *pos+n > limit || kind >= 1<<32 {
		m.strayed = true
	}
	return kind, *pos + n
}

// search returns "d", "f" or "".
func (m *model) search(path string) string {
	pos, top := m.base, len(m.b)
	for path != "" && pos < top && !m.strayed {
		kind, end := m.head(&pos, top)
		if kind == 0 {
			return ""
		}
		if m.strayed || kind != 4 && kind != 5 {
			pos = end
			continue
		}
		n, ok := m.number(&pos, end)
		if !ok {
			return ""
		}
		if m.strayed || n > end-pos {
			m.strayed = true
			return ""
		}
		name := string(m.b[pos : pos+n])
		if path != name && !strings.HasPrefix(path, name+"/") {
			pos = end
			continue
		}
		pos, top, path = pos+n, end, path[n:]
		if kind == 5 {
			if path == "" && m.data(pos, end) {
				return "f"
			}
			return ""
		}
		path = strings.TrimPrefix(path, "/")
	}
	if path == "" {
		return "d"
	}
	return ""
}

func (m *model) data(pos, top int) bool {
	for pos < top {
		kind, end := m.head(&pos, top)
		switch {
		case kind == 0 || m.strayed:
			return false
		case kind == 2:
			m.fileAt, m.fileSize = pos, end-pos
			return true
		case kind == 3:
			size, ok1 := m.number(&pos, end)
			at, ok2 := m.number(&pos, end)
			if !ok1 || !ok2 {
				return false
			}
			m.fileAt, m.fileSize = m.base+at, size
			m.strayed = m.strayed || m.fileAt+size > len(m.b)
			return true
		}
		pos = end
	}
	return false
}

// FuzzReader reads anything: both readers agree, stay within the image, list
// what they find and nothing else, and find what the driver does.
func FuzzReader(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, b []byte) { checkReaders(t, b) })
}

func checkReaders(t *testing.T, b []byte) {
	t.Helper()
	parsed, err := romfs.Parse(b)
	opened, err2 := romfs.Open(bytes.NewReader(b), int64(len(b)))
	if (err == nil) != (err2 == nil) {
		t.Fatalf("Parse: %v; Open: %v", err, err2)
	}
	if err != nil {
		return
	}
	b = b[:parsed.Size()]
	contiguous(t, parsed)
	contiguous(t, opened)
	paths := []string{"a", "a/b", "d/b.py", "d/e"}
	var first, second []romfs.Entry
	for m, list := range map[*romfs.Image]*[]romfs.Entry{parsed: &first, opened: &second} {
		m.Walk(func(e *romfs.Entry) error {
			if e.RecordOffset < m.HeaderSize() || e.RecordSize < 2 || e.RecordOffset+e.RecordSize > m.Size() || e.Offset < 0 || e.Size < 0 || e.Offset+e.Size > m.Size() {
				t.Fatalf("out of bounds: %+v", e)
			}
			*list = append(*list, romfs.Entry{Name: e.Name, Dir: e.Dir, RecordOffset: e.RecordOffset, Offset: e.Offset, Size: e.Size, Pointer: e.Pointer})
			if p := e.Path(); len(paths) < 500 && len(p) < 500 {
				paths = append(paths, p)
			}
			return nil
		})
	}
	if !slices.Equal(first, second) {
		t.Fatalf("Parse has %+v, Open %+v", first, second)
	}
	for _, p := range paths {
		if !fs.ValidPath(p) || p == "." || strings.ContainsRune(p, 0) {
			continue
		}
		e, err := parsed.Lookup(p)
		m := model{b: b, base: int(parsed.HeaderSize())}
		kind := m.search(p)
		switch {
		case errors.As(err, new(*romfs.FormatError)):
			if !m.strayed && kind != "" {
				t.Errorf("%q: %v, but the driver finds %q", p, err, kind)
			}
		case m.strayed && err == nil:
			t.Errorf("%q: found, but the driver leaves its bounds", p)
		case m.strayed:
		case (err != nil) != (kind == "") || err == nil && e.Dir != (kind == "d"):
			t.Errorf("%q: %+v, %v; the driver finds %q", p, e, err, kind)
		case kind == "f":
			got, err := opened.ReadFile(p)
			if err != nil || e.Offset != int64(m.fileAt) || !bytes.Equal(got, b[m.fileAt:m.fileAt+m.fileSize]) {
				t.Errorf("%q: %+v, %v; the driver has %d bytes at %d", p, e, err, m.fileSize, m.fileAt)
			}
		}
	}
	if slices.ContainsFunc(first, func(e romfs.Entry) bool { return strings.Contains(e.Name, "/") }) {
		return // such a name may hide what the directory of that name lists, as on a board
	}
	n := 0
	fs.WalkDir(opened, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil && !errors.As(err, new(*romfs.FormatError)) {
			t.Errorf("%q: %v", p, err)
		}
		if n++; n > 500 {
			return fs.SkipAll
		}
		if e, err := parsed.Lookup(p); err == nil && e.Dir != d.IsDir() {
			t.Errorf("%q: listed as %v, found as %+v", p, d, e)
		}
		return nil
	})
}

// FuzzValidate holds the validator and the reader to each other: an image
// without an error has only entries that lookups find, and damage that the
// reader meets is reported.
func FuzzValidate(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, b []byte) { checkValidate(t, b) })
}

func checkValidate(t *testing.T, b []byte) {
	t.Helper()
	problems := validate(b)
	if len(problems) > 1001 || !slices.IsSortedFunc(problems, func(a, b romfs.Problem) int { return int(a.Offset - b.Offset) }) {
		t.Fatalf("%d problems, or out of order", len(problems))
	}
	sound := true
	for _, p := range problems {
		sound = sound && p.Severity != romfs.Error
		if p.Message == "" || p.Code == "" || p.Path == "" && p.Code == "" || p.Offset < 0 || p.Offset > int64(len(b)) {
			t.Errorf("%+v", p)
		}
	}
	m, err := romfs.Parse(b)
	if err != nil {
		if sound {
			t.Errorf("no error found, but %v", err)
		}
		return
	}
	n := 0
	err = m.Walk(func(e *romfs.Entry) error {
		if n++; n > 500 {
			return fs.SkipAll
		}
		if !sound {
			return nil
		}
		found, err := m.Lookup(e.Path())
		if err != nil || found.RecordOffset != e.RecordOffset {
			t.Errorf("no error found, but %q at %d leads to %+v, %v", e.Path(), e.RecordOffset, found, err)
		}
		return nil
	})
	if err != nil && sound {
		t.Errorf("no error found, but %v", err)
	}
}

// FuzzPlan lays out a tree spelled by the input and reads it back.
func FuzzPlan(f *testing.F) {
	f.Add([]byte("\x00\x05\x10\x01\x02\x80\x04\x00\x03"), byte(0))
	f.Add([]byte("\x40\x05\x10\xc1\x7f\x05\x40\x7f\x05"), byte(1))
	f.Fuzz(func(t *testing.T, spec []byte, how byte) {
		root := dir("")
		dirs := []*romfs.Node{root}
		for i := 0; i+2 < len(spec) && i < 300; i += 3 {
			parent := dirs[int(spec[i]&0x3f)%len(dirs)]
			name := strings.Repeat(string(rune('a'+i%26)), 1+i)
			if spec[i]&0xc0 == 0xc0 {
				d := dir(name)
				parent.Children = append(parent.Children, d)
				dirs = append(dirs, d)
				continue
			}
			n := file(name, strings.Repeat(string(rune('0'+spec[i+1]%3)), int(spec[i+1])))
			n.Align, n.Bulk = 1<<(spec[i+2]%13), spec[i]&0x40 != 0
			parent.Children = append(parent.Children, n)
		}
		o := optionsList[int(how)%len(optionsList)]
		p, b := build(t, root, o)
		for _, problem := range validate(b) {
			if problem.Severity == romfs.Error {
				t.Errorf("%v: %v", o, problem)
			}
		}
		m, err := romfs.Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range p.Files {
			got, err := m.ReadFile(f.Path)
			if err != nil || sha256.Sum256(got) != f.Node.Sum || f.Size > 0 && f.Offset%max(f.Align, 1) != 0 {
				t.Errorf("%v: %q: %d bytes, %v; %+v", o, f.Path, len(got), err, f)
			}
		}
	})
}
