package trees

import (
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"rules_romfs/internal/slashpath"
)

// edges are sizes at which a length needs another byte.
var edges = []int{0, 1, 2, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127, 128, 129, 130, 16372, 16379, 16380, 16381, 16382, 16383, 16384}

// extensions are those that boards have rules about, and others.
var extensions = []string{"", "", "", ".txt", ".py", ".tflite", ".lite", ".onnx", ".bin", ".cascade", ".TFLITE", ".romfs"}

// Draw draws a tree: some directories, and files in them with names of every kind
// and sizes around which lengths change. What one path holds never depends on
// another, so trees shrink well.
func Draw(t *rapid.T) Tree {
	tree := Tree{Name: "drawn"}
	taken := map[string]bool{"": true}
	dirs := []string{""}
	for range rapid.IntRange(0, 25).Draw(t, "entries") {
		up := rapid.SampledFrom(dirs).Draw(t, "directory")
		path := slashpath.Join(up, drawName(t, tree))
		if taken[path] || strings.Count(path, "/") > 60 || len(path) > 2000 {
			continue
		}
		taken[path] = true
		if rapid.IntRange(0, 4).Draw(t, "kind") == 0 {
			dirs = append(dirs, path)
			tree.Entries = append(tree.Entries, dir(path))
			continue
		}
		tree.Entries = append(tree.Entries, file(path, drawContent(t)))
	}
	return tree
}

// drawName draws a name; sometimes the twin of one that is there.
func drawName(t *rapid.T, tree Tree) string {
	if len(tree.Entries) > 0 && rapid.IntRange(0, 5).Draw(t, "twin") == 0 {
		name := lastName(rapid.SampledFrom(tree.Entries).Draw(t, "of").Path)
		return rapid.SampledFrom([]string{strings.ToUpper(name), strings.ToLower(name), norm.NFD.String(name), norm.NFC.String(name), name}).Draw(t, "form")
	}
	word := rapid.SampledFrom([]string{"a", "b", "lib", "model", ".", "..", " ", "-", "é", "e\u0301", "Å", "日", "[", "{", "*", "?", "\"", "'", "\n", "\x1b", "\u202e", "$", "#", "0", "~", ":", strings.Repeat("n", 120)})
	name := strings.Join(rapid.SliceOfN(word, 1, 4).Draw(t, "words"), "") + rapid.SampledFrom(extensions).Draw(t, "extension")
	if name == "." || name == ".." {
		return "dots" + name
	}
	for len(name) > 255 {
		name = name[1:]
	}
	return strings.ToValidUTF8(name, "")
}

func drawContent(t *rapid.T) string {
	n := rapid.OneOf(rapid.SampledFrom(edges), rapid.IntRange(0, 400)).Draw(t, "size")
	if rapid.Bool().Draw(t, "repeated") {
		return filler(n) // of the same size means of the same content
	}
	return string(slices.Repeat([]byte{rapid.Byte().Draw(t, "byte")}, n))
}
