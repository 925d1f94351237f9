//go:build linux

package simboard_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rules_romfs/internal/peer"
	"rules_romfs/packager/simboard"
)

var update = flag.Bool("update", false, "write the generated part of docs/simulator.md instead of comparing it")

// TestDocs holds the list of faults in docs/simulator.md to the one in the program.
func TestDocs(t *testing.T) {
	path := filepath.Join(peer.Root(t), "docs", "simulator.md")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	table.WriteString("| fault | |\n|---|---|\n")
	for line := range strings.Lines(simboard.FaultHelp()) {
		usage, doc, _ := strings.Cut(strings.TrimSpace(line), " ")
		table.WriteString("| `" + strings.ReplaceAll(usage, "|", "\\|") + "` | " + strings.TrimSpace(doc) + " |\n")
	}
	before, rest, ok := strings.Cut(string(text), "-update -->\n")
	_, after, ok2 := strings.Cut(rest, "<!-- end of the generated part -->")
	if !ok || !ok2 {
		t.Fatalf("%s has no generated part", path)
	}
	want := before + "-update -->\n\n" + table.String() + "\n<!-- end of the generated part -->" + after
	if want == string(text) {
		return
	}
	if !*update {
		t.Fatal("docs/simulator.md is out of date; run `go test ./packager/simboard -run TestDocs -update`")
	}
	if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}
