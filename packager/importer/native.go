package importer

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"

	"rules_romfs/internal/lazyregexp"
	"rules_romfs/internal/smallfile"
)

// A native function is one that becomes machine code, which needs the board's
// architecture.
type native struct {
	file      string // as messages have it
	line      int
	decorator string
}

var nativeDecorator = lazyregexp.New(`(?m)^[ \t]*(@(?:micropython\.)?(?:native|viper|asm_[a-z0-9]+))\b`)

// findNative returns the first of a module's functions that become machine code;
// nil if there is none.
func findNative(text []byte, name string) *native {
	m := nativeDecorator().FindSubmatchIndex(text)
	if m == nil {
		return nil
	}
	return &native{name, 1 + bytes.Count(text[:m[2]], []byte("\n")), string(text[m[2]:m[3]])}
}

// needArch writes down the architecture that machine code needs, where the board
// has one, or says what to write.
func (im *importer) needArch(n *native) {
	if n == nil {
		return
	}
	what := fmt.Sprintf("%s makes machine code, which needs the board's architecture", n.decorator)
	note := Note{Code: NoteDiffers, File: n.file, Line: n.line, Column: 1}
	b := im.target.Board
	switch {
	case b == nil:
		note.Message, note.Remedy = what, "say which board with --board, or write mpy: {arch: NAME} into the manifest"
	case b.MPY.Arch == "none":
		note.Message, note.Remedy = fmt.Sprintf("%s makes machine code, and the firmware of %s loads none", n.decorator, b.ID), "remove the decorator, or leave the file out"
	case b.MPY.Arch == "":
		note.Message, note.Remedy = what+fmt.Sprintf(", and %s is a family with several", b.ID), "write that of yours into the manifest: mpy: {arch: "+strings.Join(b.MPY.Archs, "} or {arch: ")+"}"
	default:
		im.doc.arch = &setting{"board", fmt.Sprintf("%s has %s", filepath.ToSlash(n.file), n.decorator)}
		return
	}
	im.note(note)
}

// readModule reads a module that is packed, for what concerns the manifest.
func readModule(path string) []byte {
	text, _, err := smallfile.Read(path, maxSource)
	if err != nil {
		return nil // the build will say so
	}
	return text
}
