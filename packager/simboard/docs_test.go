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
	"rules_romfs/packager/simboard/drivers"
)

var update = flag.Bool("update", false, "write the generated part of docs/simulator.md instead of comparing it")

// TestDocs holds the lists in docs/simulator.md to those in the program.
func TestDocs(t *testing.T) {
	path := filepath.Join(peer.Root(t), "docs", "simulator.md")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var faults, ports strings.Builder
	faults.WriteString("| fault | |\n|---|---|\n")
	for line := range strings.Lines(simboard.FaultHelp()) {
		usage, doc, _ := strings.Cut(strings.TrimSpace(line), " ")
		faults.WriteString("| `" + strings.ReplaceAll(usage, "|", "\\|") + "` | " + strings.TrimSpace(doc) + " |\n")
	}
	ports.WriteString("| driver | of | transcribed from |\n|---|---|---|\n")
	for _, d := range drivers.All() {
		ports.WriteString("| `" + d.Name + "` | " + d.Doc + " | `" + d.Source + "` |\n")
	}
	want := generated(t, string(text), "generated from packager/simboard/faults.go by", "end of the generated part", faults.String())
	want = generated(t, want, "generated from packager/simboard/drivers by", "end of the drivers", ports.String())
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

// generated puts a table between the comments that begin and end its place.
func generated(t *testing.T, text, begin, end, table string) string {
	t.Helper()
	at := strings.Index(text, "<!-- "+begin)
	from := at + strings.Index(text[max(at, 0):], "-->\n") + len("-->\n")
	to := strings.Index(text, "<!-- "+end+" -->")
	if at < 0 || to < from {
		t.Fatalf("docs/simulator.md has no part that is %s", begin)
	}
	return text[:from] + "\n" + table + "\n" + text[to:]
}
