package romfs_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"rules_romfs/packager/romfs"
)

// small are images of a few dozen bytes: what is built, and what is damaged.
func small(t *testing.T) [][]byte {
	t.Helper()
	root := dir("", aligned("a", "shared", 4), dir("d", file("b", "shared"), dir("e")), file("f", ""))
	images := damagedImages(t)
	for _, o := range []romfs.Options{{Dedup: true}, {Layout: romfs.Stable}, {Layout: romfs.OpenMV}} {
		_, b := build(t, root, o)
		images = append(images, b)
	}
	return images
}

// TestEveryByte changes every byte of small images to what means something else, and
// has readers, validator and the model of the driver agree on what comes of it.
func TestEveryByte(t *testing.T) {
	t.Parallel()
	for _, b := range small(t) {
		for i := len(romfs.Magic); i < len(b); i++ {
			for _, c := range []byte{0, 1, 3, 5, 0x7f, 0x80, b[i] + 1, b[i] - 1} {
				changed := bytes.Clone(b)
				changed[i] = c
				checkReaders(t, changed)
				checkValidate(t, changed)
				if t.Failed() {
					t.Fatalf("% x, byte %d", changed, i)
				}
			}
		}
	}
}

var errBroken = errors.New("broken")

// A breaking reader fails from a byte on; what is before can be read.
type breaking struct {
	b  []byte
	at int
}

func (r breaking) ReadAt(p []byte, off int64) (int, error) {
	if off >= int64(r.at) {
		return 0, errBroken
	}
	n := copy(p, r.b[off:r.at])
	switch {
	case n == len(p):
		return n, nil
	case r.at < len(r.b):
		return n, errBroken
	}
	return n, io.EOF
}

// uses are all ways to read an image, with what they find in words.
var uses = map[string]func(r io.ReaderAt, size int64) (string, error){
	"walk": func(r io.ReaderAt, size int64) (string, error) {
		m, err := romfs.Open(r, size)
		if err != nil {
			return "", err
		}
		var found strings.Builder
		err = m.Walk(func(e *romfs.Entry) error {
			fmt.Fprintln(&found, e.Path(), e.Dir, e.Offset, e.Size, e.Pointer, e.Err)
			return nil
		})
		return found.String(), err
	},
	"lookup": func(r io.ReaderAt, size int64) (string, error) {
		m, err := romfs.Open(r, size)
		if err != nil {
			return "", err
		}
		var found strings.Builder
		for _, p := range []string{"a", "d/b", "d/e", "f", "d/x"} {
			b, err := m.ReadFile(p)
			if errors.Is(err, errBroken) {
				return "", err
			}
			fmt.Fprintln(&found, p, string(b), err)
		}
		return found.String(), nil
	},
	"list": func(r io.ReaderAt, size int64) (string, error) {
		m, err := romfs.Open(r, size)
		if err != nil {
			return "", err
		}
		var found strings.Builder
		err = fs.WalkDir(m, ".", func(p string, d fs.DirEntry, err error) error {
			fmt.Fprintln(&found, p, d != nil && d.IsDir(), err)
			if errors.Is(err, errBroken) {
				return err
			}
			return nil
		})
		return found.String(), err
	},
	"spans": func(r io.ReaderAt, size int64) (string, error) {
		m, err := romfs.Open(r, size)
		if err != nil {
			return "", err
		}
		spans, err := m.Spans()
		var found strings.Builder
		for _, s := range spans {
			fmt.Fprintln(&found, s.Kind, s.From, s.To)
		}
		return found.String(), err
	},
	"layout": func(r io.ReaderAt, size int64) (string, error) {
		m, err := romfs.Open(r, size)
		if err != nil {
			return "", err
		}
		l, err := m.Layout()
		return l.String(), err
	},
	"rewrite": func(r io.ReaderAt, size int64) (string, error) {
		m, err := romfs.Open(r, size)
		if err != nil {
			return "", err
		}
		p, err := m.Rewrite(romfs.RewriteOptions{Align: func(*romfs.Entry) int64 { return 8 }})
		if err != nil {
			return "", err
		}
		var out bytes.Buffer
		_, err = p.WriteTo(&out)
		return out.String(), err
	},
	"validate": func(r io.ReaderAt, size int64) (string, error) {
		problems := romfs.Validate(r, size)
		if slices.ContainsFunc(problems, func(p romfs.Problem) bool {
			return p.Code == romfs.CodeUnreadable && strings.Contains(p.Message, errBroken.Error())
		}) {
			return "", errBroken
		}
		return fmt.Sprint(problems), nil
	},
	"damage": func(r io.ReaderAt, size int64) (string, error) {
		problems := romfs.Damage(r, size)
		if slices.ContainsFunc(problems, func(p romfs.Problem) bool { return p.Code == romfs.CodeUnreadable }) {
			return "", errBroken
		}
		return fmt.Sprint(problems), nil
	},
}

// TestEveryReadError has each read fail from each byte on: whatever an image is used
// for ends with that error, or did not need the byte and finds what is there.
func TestEveryReadError(t *testing.T) {
	t.Parallel()
	rich := unhex(t, "d2 cd 31 2a | 09 02 aa bb | 01 02 68 69 | 02 04 53 48 41 52 |"+
		"05 06 01 70 03 02 04 0a | 05 0b 01 61 0a 01 07 02 01 78 0b 01 08 | 04 06 01 64 01 02 7a 7a")
	ahead := unhex(t, "d2 cd 31 0e | 05 06 01 70 03 02 04 0a | 02 04 53 48 41 52")
	for _, b := range append(small(t), rich, ahead) {
		for name, use := range uses {
			whole, wholeErr := use(bytes.NewReader(b), int64(len(b)))
			for at := range b {
				found, err := use(breaking{b, at}, int64(len(b)))
				if errors.Is(err, errBroken) {
					continue
				}
				if found != whole || fmt.Sprint(err) != fmt.Sprint(wholeErr) {
					t.Errorf("% x: %s, unreadable from %d on: %q, %v; want %q, %v", b, name, at, found, err, whole, wholeErr)
				}
			}
		}
	}
}
