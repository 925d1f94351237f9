package page

import (
	"fmt"

	"rules_romfs/packager/inspect"
	"rules_romfs/packager/ram"
	"rules_romfs/packager/report"
)

// A summary is the part of the page that is there without scripts.
type summary struct {
	Name, Board, Partition, Layout, Digest string

	Meters []meter
	Facts  []fact

	Errors, Warnings int64
	Findings         []inspect.Finding

	Base      string // the older image's name; empty: compared with nothing
	Same      bool
	Changes   []fact
	Blocks    string
	Transfers []transfer
	Damage    []string
}

// A fact is a number with a name.
type fact struct{ Label, Value, Note string }

// A meter shows a size against a limit. Places are in per mille of its width.
type meter struct {
	Label, Value string
	Used         int64
	Mark         int64 // where to warn; 0: nowhere
	Over         bool
}

// A transfer is what a deploy takes on one kind of firmware.
type transfer struct {
	Firmware                     string
	Blocks, Erased, Sent, Copied string
}

func newSummary(in Input, m *model) *summary {
	l := in.Listing
	s := &summary{Name: in.Name, Board: l.Board, Partition: l.Partition, Layout: l.Layout, Findings: in.Verification.Findings}
	if l.SHA256 != nil {
		s.Digest = l.SHA256.String()
	}
	s.Errors, s.Warnings, _, _ = in.Verification.Verdict(true)
	if m.Partition > 0 {
		s.Meters = append(s.Meters, newMeter("Partition "+l.Partition, m.Used, m.Partition, 0))
	}
	if in.Budget.Max > 0 {
		s.Meters = append(s.Meters, newMeter("Budget", m.Used, in.Budget.Max, in.Budget.Warn))
	} else if in.Budget.Warn > 0 {
		s.Meters = append(s.Meters, newMeter("Budget, warning", m.Used, in.Budget.Warn, 0))
	}
	s.Facts = facts(l, m, in.RAM)
	if in.Base != nil {
		s.compare(in.Base, m)
	}
	return s
}

func newMeter(label string, used, limit, warn int64) meter {
	of := limit
	if used > limit {
		of = used
	}
	return meter{
		Label: label, Used: 1000 * used / max(of, 1), Mark: 1000 * min(warn, of) / max(of, 1), Over: used > limit,
		Value: fmt.Sprintf("%s of %s (%.1f%%)", report.Size(used), report.Size(limit), 100*float64(used)/float64(limit)),
	}
}

// facts are the numbers at the top.
func facts(l *inspect.Listing, m *model, ledger *ram.Ledger) []fact {
	files, folders, sources := 0, 0, 0
	for i := range l.Entries {
		if l.Entries[i].Dir {
			folders++
		} else {
			files++
		}
	}
	for i := range m.Files {
		if m.Files[i].Kind == kindSource {
			sources++
		}
	}
	all := []fact{
		{"Image", report.Size(l.Size), fmt.Sprintf("%d bytes", l.Size)},
		{"Files", fmt.Sprint(files), "in " + report.Plural(int64(folders), "folder")},
		{"Content", report.Size(l.Content), ""},
		{"Heads and names", report.Size(l.Overhead - l.Padding), ""},
		{"Padding", report.Size(l.Padding), "for alignment"},
	}
	if l.Saved > 0 {
		all = append(all, fact{"Saved by sharing", report.Size(l.Saved), ""})
	}
	if m.Partition > 0 {
		all = append(all, fact{"Free", report.Size(m.Partition - m.Used), "in the partition"})
	}
	if u := l.Usage; u != nil && u.Erase > 0 {
		all = append(all, fact{"Erase blocks", fmt.Sprintf("%d of %d", u.Blocks, (u.Size+u.Erase-1)/u.Erase), report.Size(u.Erase) + " each"})
	}
	if sources > 0 {
		all = append(all, fact{"Python source", report.Plural(int64(sources), "file"), "compiled on the board, in RAM"})
	}
	if ledger != nil && ledger.Total.ROM != nil {
		note := "all modules imported from ROM"
		if !ledger.Interpreter.LikeBoards() {
			note = fmt.Sprintf("words of %d bits: about twice a board's", ledger.Interpreter.Bits)
		}
		all = append(all, fact{"Heap", report.Size(*ledger.Total.ROM), note})
	}
	return all
}

// compare tells what became of the older image.
func (s *summary) compare(b *Base, m *model) {
	d := b.Difference
	s.Base, s.Same, s.Damage = b.Name, d.Same, d.Damage
	counts := map[string]int{}
	for i := range m.Files {
		counts[m.Files[i].Change]++
	}
	for _, change := range []string{string(inspect.Added), string(inspect.Removed), "grown", "shrunk", string(inspect.Changed), string(inspect.Moved)} {
		if n := counts[change]; n > 0 {
			s.Changes = append(s.Changes, fact{change, fmt.Sprint(n), ""})
		}
	}
	s.Blocks = fmt.Sprintf("%d of %s of %s", d.Blocks.Changed, report.Plural(d.Blocks.Total, "block"), report.Size(d.Blocks.Erase))
	for _, t := range d.Blocks.Transfers {
		s.Transfers = append(s.Transfers, transfer{
			firmware(t.Firmware), fmt.Sprint(t.Blocks), report.Size(t.Erased), report.Size(t.Sent), report.Size(t.Copied),
		})
	}
}

// firmware says what kind of firmware and board a deploy meets.
func firmware(f inspect.Firmware) string {
	erases := "erases any block"
	if f.FromStart {
		erases = "erases from the partition's start only (MicroPython 1.28 and before)"
	}
	if f.Copies {
		return erases + "; has RAM for what it rewrites, and copies what it has"
	}
	return erases + "; has too little RAM to copy"
}
