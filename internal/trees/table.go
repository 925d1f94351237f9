package trees

import (
	"fmt"
	"strings"
)

// file and dir make entries; text makes one with some content of its own.
func file(path, content string) Entry { return Entry{Path: path, Content: content} }
func dir(path string) Entry           { return Entry{Path: path, Dir: true} }
func text(path string) Entry          { return file(path, "content of "+path) }

func texts(paths ...string) []Entry {
	var all []Entry
	for _, p := range paths {
		all = append(all, text(p))
	}
	return all
}

// filler returns n bytes that are no image and no text.
func filler(n int) string {
	return strings.Repeat("\x00\x80\xff\x05\x02\x7f0123456789", n/16+1)[:n]
}

// Table are trees that are known to be difficult for somebody. All fit the
// smallest partition of a board (64 KiB and up) but for Large.
func Table() []Tree {
	return []Tree{
		{Name: "empty"},
		{Name: "one byte", Entries: []Entry{file("a", "x")}},
		{Name: "empty files and directories", Entries: []Entry{file("a", ""), file("b.tflite", ""), dir("c"), dir("d/e/f"), file("d/g", "")}},
		{Name: "dots", Entries: texts(".hidden", ".models/a.tflite", ".models/.b.tflite", "...", "..a", "a..", "a.b.c.", ".a/.b/.c", "x/...y")},
		{Name: "blanks", Entries: texts("a b", " lead", "trail ", "  ", "dir with blanks/ x ", "tab\tin", "a/ /b")},
		{Name: "signs", Entries: texts("-rf", "--help", "a*b", "[x]", "{a,b}", "q?", "back\\slash", `quo"te`, "dollar$", "semi;colon", "#hash", "!not", "&and", "%41", "co:lon", "pipe|", "~")},
		{Name: "control characters", Entries: texts("line\nbreak", "esc\x1b[31m", "del\x7f", "bell\a", "cr\r", "nel\u0085", "rlo\u202eabc", "bom\ufeff")},
		{Name: "scripts", Entries: texts("größe.txt", "日本語/ファイル", "עברית", "emoji 😀", "ﬁ", "é\u0301", "\u0301", "İstanbul", "ß", "ẞ")},
		{Name: "twins of case", Entries: texts("readme", "Readme", "README", "lib/a", "Lib/a", "LIB/A", "ä", "Ä")},
		{Name: "twins of normalization", Entries: texts("\u00e9", "e\u0301", "d\u00e4/x", "da\u0308/x", "\u212b", "\u00c5", "A\u030a")},
		{Name: "almost paths", Entries: texts("a/b", "a.b", "a b", "ab", "a-b", "a0b", "b/a/b", "b.a")},
		{Name: "order", Entries: texts("B", "a", "A", "b", "_", "0", "~", "Z/z", "z/Z", "aa/b", "a.a")},
		{Name: "equal", Entries: []Entry{file("p", filler(500)), file("q", filler(500)), file("d/r.tflite", filler(500)), file("s.bin", filler(500)), file("t", "ab"), file("u", "ab")}},
		{Name: "models", Entries: texts("a.tflite", "lib/b.tflite", "c.lite", "d.onnx", "e.bin", "f.cascade", "MODEL.TFLITE", ".tflite", "x/.g.bin", "no.tflite.txt", "h.Tflite")},
		{Name: "long names", Entries: texts(strings.Repeat("n", 126), strings.Repeat("n", 127), strings.Repeat("n", 128), strings.Repeat("n", 129), strings.Repeat("n", 255), "d/"+strings.Repeat("ä", 127))},
		{Name: "deep", Entries: []Entry{text(strings.Repeat("d/", 60) + "f"), text(strings.Repeat("d/", 30) + "g.tflite"), dir(strings.Repeat("e/", 40) + "e")}},
		sizes("sizes", 0, 1, 2, 119, 120, 121, 122, 123, 124, 125, 126, 127, 128, 129, 250),
		sizes("two-byte lengths", 16360, 16370, 16379),
		sizes("more of them", 16380, 16381, 16382, 16383, 16384, 16385),
		{Name: "no image", Entries: []Entry{file("cut.romfs", "\xd2\xcd"), file("text.romfs", "none"), file("data", "x\xd2\xcd\x31\x00")}},
		{Name: "an image", Entries: []Entry{file("empty.romfs", "\xd2\xcd\x31\x00"), file("d/one", "\xd2\xcd\x31\x80\x07\x05\x05\x01a\x02\x01x")}},
		{Name: "records", Entries: []Entry{file("a", "\x05\x04\x01b\x02\x00"), file("b", "\x00\x00"), file("c", "\x01\x01\x00"), file("d", "\x80\x80\x80")}},
	}
}

// Large is a tree whose lengths take three and four bytes.
func Large() Tree { return sizes("large", 1<<21-20, 1<<21-9, 1<<21-1, 1<<21) }

// sizes is a tree of files of these sizes; half of them are models.
func sizes(name string, of ...int) Tree {
	t := Tree{Name: name}
	for i, n := range of {
		ext := []string{"", ".tflite"}[i%2]
		t.Entries = append(t.Entries, file(fmt.Sprint("d", i%3, "/", n, ext), filler(n)))
	}
	return t
}
