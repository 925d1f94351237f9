package board

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the generated files anew")

const (
	docsFile  = "../../docs/boards.md"
	docsBegin = "<!-- generated from packager/board/boards by go test ./packager/board -update -->\n"
	docsEnd   = "<!-- end of the generated part -->\n"
)

// TestDocs: the table in docs/boards.md is that of the profiles.
func TestDocs(t *testing.T) {
	b, err := os.ReadFile(docsFile)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(b), docsBegin)
	_, after, ok2 := strings.Cut(rest, docsEnd)
	if !ok || !ok2 {
		t.Fatalf("%s has no generated part", docsFile)
	}
	want := before + docsBegin + "\n" + tables(Builtin()) + "\n" + docsEnd + after
	if want == string(b) {
		return
	}
	if !*update {
		t.Fatalf("%s is not what the profiles say; run: go test ./packager/board -update", docsFile)
	}
	if err := os.WriteFile(docsFile, []byte(want), 0o666); err != nil {
		t.Fatal(err)
	}
}

// TestDocsExample: the board file that the guide shows is a good one.
func TestDocsExample(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(docsFile)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(b), "```yaml\n# boards/")
	if !ok {
		t.Fatal("no example")
	}
	example, _, _ := strings.Cut(rest, "```\n")
	p, err := parse([]byte("# boards/"+example), "docs/boards.md")
	if err != nil {
		t.Fatal(err)
	}
	if part, err := p.Partition("romfs0"); err != nil || part.Size == 0 || len(p.Machines) == 0 || len(p.Align) == 0 {
		t.Errorf("the example shows too little: %+v, %v", p, err)
	}
}

func tables(profiles []*Profile) string {
	var with, families, without strings.Builder
	for _, p := range profiles {
		switch {
		case p.NoROM != "":
			fmt.Fprintf(&without, "| `%s` | %s | %s |\n", p.ID, p.Name, p.NoROM)
		case p.Partitions[0].Size == 0:
			part := &p.Partitions[0]
			fmt.Fprintf(&families, "| `%s` | %s | %s | %s | %s |\n", p.ID, p.Name, size(part.Erase), segment(part), strings.Join(p.MPY.Archs, ", "))
		default:
			for i := range p.Partitions {
				part := &p.Partitions[i]
				fmt.Fprintf(&with, "| `%s` | %s | `%s`%s | %#x | %s | %s / %d | %s, %s | %s | %s | %s |\n", p.ID, p.Name,
					part.Name, core(part), part.Base, size(part.Size), size(part.Erase), part.Write, medium(part), segment(part), p.MPY.Arch, align(p), dfu(part))
			}
		}
	}
	return "### Boards\n\n" +
		"| id | name | partition | address | size | erase / write unit | memory | native code | alignment | DFU |\n" +
		"|---|---|---|---|---|---|---|---|---|---|\n" + with.String() +
		"\n### Families\n\n" +
		"Here whoever builds the firmware chooses the size. A build compares its image with a size only if `--partition-size` gives one; a deploy asks the board.\n\n" +
		"| id | name | erase unit | memory | native code |\n|---|---|---|---|---|\n" + families.String() +
		"\n### Boards without a ROM partition\n\n" +
		"| id | name | why |\n|---|---|---|\n" + without.String()
}

func core(p *Partition) string {
	if p.Core == "" {
		return ""
	}
	return " (core " + p.Core + ")"
}

func medium(p *Partition) string {
	name := p.Medium.Name()
	if p.ReadOnly {
		name += ", read-only"
	}
	return name
}

func segment(p *Partition) string {
	if p.Segment == AnySegment {
		return "either"
	}
	return p.Segment.Name()
}

// align lists the rules, those with one alignment together.
func align(p *Profile) string {
	var sizes []int64
	bySize := map[int64][]string{}
	for _, a := range p.Align {
		if bySize[a.To] == nil {
			sizes = append(sizes, a.To)
		}
		bySize[a.To] = append(bySize[a.To], strings.TrimPrefix(a.Match, "**/*"))
	}
	var out []string
	for _, n := range sizes {
		out = append(out, fmt.Sprintf("%d: %s", n, strings.Join(bySize[n], " ")))
	}
	return strings.Join(out, "; ")
}

func dfu(p *Partition) string {
	switch {
	case p.DFU == nil:
		return ""
	case p.DFU.Address != 0:
		return fmt.Sprintf("alt %d, %#x", p.DFU.Alt, p.DFU.Address)
	}
	return fmt.Sprintf("alt %d", p.DFU.Alt)
}

func size(n int64) string {
	switch {
	case n == 0:
		return "?"
	case n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprint(n)
}
