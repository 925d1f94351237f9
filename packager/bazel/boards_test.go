package bazel

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"rules_romfs/packager/board"
)

// The list of boards in Starlark is what the packager knows: Bazel has to have
// it before there is a packager.
func TestBoards(t *testing.T) {
	text, err := os.ReadFile("../../rules/boards/boards.bzl")
	if err != nil {
		t.Fatal(err)
	}
	var listed, known []string
	for _, m := range regexp.MustCompile(`(?m)^    "([a-z0-9-]+)",$`).FindAllSubmatch(text, -1) {
		listed = append(listed, string(m[1]))
	}
	for _, p := range board.Builtin() {
		known = append(known, p.ID)
	}
	if !slices.Equal(listed, known) {
		t.Errorf("rules/boards/boards.bzl lists\n%q\nand the packager knows\n%q", listed, known)
	}
}
