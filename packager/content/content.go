// Package content tells files that cannot be what their suffix says: what a
// repository, a download or a full disk has put in the place of a model or a
// module. It looks at marks and lengths that the formats themselves have, and
// says nothing where a format has none.
package content

import (
	"bytes"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"rules_romfs/packager/mpy"
)

// The codes of findings.
const (
	CodeLFS       = "lfs-pointer"  // a pointer of git-lfs in the place of a file
	CodeMismatch  = "not-as-named" // another kind of content than the suffix says
	CodeEmpty     = "empty-file"   // nothing at all, where the suffix promises something
	CodeTruncated = "cut-off"      // the content says that it is longer
)

// A Finding is one file that cannot be what its suffix says.
type Finding struct {
	Code    string
	Message string // about the file, without its name: "is a pointer …"
	Remedy  string // what to do
}

// About returns what there is to say about files of which all this is true.
func (f Finding) About(names []string) string {
	const most = 3
	list := strings.Join(names[:min(most, len(names))], ", ")
	if len(names) > most {
		list += fmt.Sprintf(" and %d more", len(names)-most)
	}
	if len(names) > 1 {
		list += ": each"
	}
	return fmt.Sprintf("%s %s; %s", list, f.Message, f.Remedy)
}

// Codes returns all codes.
func Codes() []string { return []string{CodeLFS, CodeMismatch, CodeEmpty, CodeTruncated} }

// lfsMark begins each pointer file (git-lfs's docs/spec.md). They are shorter
// than 1,024 bytes.
const (
	lfsMark = "version https://git-lfs.github.com/spec/"
	lfsMax  = 1024
)

// A format is what files of a suffix begin with, or how they are measured.
type format struct {
	name   string
	marks  []string // one of which stands
	at     int      // at this offset
	length func(r io.ReaderAt, size int64) error
}

// formats are those with a mark, by suffix in lower case. The marks are those of
// the formats' specifications.
var formats = map[string]format{
	".tflite": {"a TensorFlow Lite model", []string{"TFL3"}, 4, checkTFLite},
	".mpy":    {"a .mpy file", nil, 0, checkMPY}, // what does not begin as one, checking the ABI finds
	".romfs":  {"a ROMFS image", []string{"\xd2\xcd\x31"}, 0, nil},
	".png":    {"a PNG picture", []string{"\x89PNG\r\n\x1a\n"}, 0, nil},
	".jpg":    {"a JPEG picture", []string{"\xff\xd8\xff"}, 0, nil},
	".jpeg":   {"a JPEG picture", []string{"\xff\xd8\xff"}, 0, nil},
	".gif":    {"a GIF picture", []string{"GIF87a", "GIF89a"}, 0, nil},
	".bmp":    {"a BMP picture", []string{"BM"}, 0, nil},
	".wav":    {"a WAVE sound", []string{"RIFF", "RIFX", "RF64"}, 0, nil},
	".zip":    {"a zip archive", []string{"PK"}, 0, nil},
	".gz":     {"gzip data", []string{"\x1f\x8b"}, 0, nil},
}

// promising are suffixes without a mark whose files nevertheless are never empty.
var promising = []string{".onnx", ".cascade", ".nb", ".pte", ".npy"}

const headLen = 64 // bytes that marks are looked for in

// Check returns what is wrong with a file of that name, content and size in
// bytes, or nil. Errors of reading are not its business: whoever packs the file
// meets them too.
func Check(name string, r io.ReaderAt, size int64) *Finding {
	head := make([]byte, min(headLen, size))
	if n, _ := r.ReadAt(head, 0); n < len(head) {
		return nil
	}
	suffix := strings.ToLower(path.Ext(name))
	f, known := formats[suffix]
	switch {
	case size < lfsMax && bytes.HasPrefix(head, []byte(lfsMark)):
		return &Finding{CodeLFS, "is a pointer of git-lfs, not the file that it stands for", "fetch the files first: git lfs pull"}
	case size == 0 && (len(f.marks) > 0 || slices.Contains(promising, suffix)):
		return &Finding{CodeEmpty, "is empty, which no file of its suffix is", "make or copy it again"}
	case !known:
		if slices.Contains(promising, suffix) && isPage(head) {
			return pageFinding()
		}
		return nil
	case !f.begins(head):
		if isPage(head) {
			return pageFinding()
		}
		return &Finding{CodeMismatch, fmt.Sprintf("does not begin as %s", f.name), "is it the right file? Otherwise name it for what it is"}
	case f.length == nil:
		return nil
	}
	if err := f.length(r, size); err != nil {
		return &Finding{CodeTruncated, fmt.Sprintf("is %s that is cut off or damaged: %v", f.name, err), "make or copy it again"}
	}
	return nil
}

func (f format) begins(head []byte) bool {
	for _, m := range f.marks {
		if len(head) >= f.at && bytes.HasPrefix(head[f.at:], []byte(m)) {
			return true
		}
	}
	return len(f.marks) == 0
}

func pageFinding() *Finding {
	return &Finding{CodeMismatch, "is a web page", "a download has probably saved an error or a log-in page in its place: fetch it again"}
}

// isPage tells a page of HTML by how they begin.
func isPage(head []byte) bool {
	text := strings.ToLower(strings.TrimLeft(strings.TrimPrefix(string(head), "\ufeff"), " \t\r\n"))
	return strings.HasPrefix(text, "<!doctype html") || strings.HasPrefix(text, "<html") || strings.HasPrefix(text, "<head")
}

// maxModule bounds the modules that are measured.
const maxModule = 8 << 20

// checkMPY measures a module. What its layout does not tell is not its fault.
func checkMPY(r io.ReaderAt, size int64) error {
	if size > maxModule {
		return nil
	}
	code := make([]byte, size)
	if n, _ := r.ReadAt(code, 0); n < len(code) {
		return nil
	}
	if _, err := mpy.ParseHeader(code); err != nil {
		return nil
	}
	_, err := mpy.Length(code)
	if err == mpy.ErrLayout {
		return nil
	}
	return err
}
