package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"rules_romfs/packager/ram"
	"rules_romfs/packager/report"
)

func printLedgers(w io.Writer, ledgers []*ram.Ledger) error {
	for i, l := range ledgers {
		if len(ledgers) > 1 {
			fmt.Fprintf(w, "%s== %s\n", strings.Repeat("\n", min(i, 1)), l.Image)
		}
		if err := printLedger(w, l); err != nil {
			return err
		}
	}
	return nil
}

func printLedger(w io.Writer, l *ram.Ledger) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "rom\tnames\tfile system\tsource\tin order\tin flash\t  module\n")
	for _, m := range l.Modules {
		names, together := "-", "-"
		if !m.ROM.Failed() {
			names, together = fmt.Sprint(m.ROM.Names), fmt.Sprint(m.ROM.Together)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%d\t  %s: %s\n", heap(m.ROM), names, heap(m.FileSystem), heap(m.Source), together, m.Size, report.Name(m.Name), m.Why)
	}
	fmt.Fprintf(t, "%s\t\t%s\t%s\t\t\t  all together\n", total(l.Total.ROM), total(l.Total.FileSystem), total(l.Total.Source))
	if err := t.Flush(); err != nil {
		return err
	}
	var b strings.Builder
	for _, m := range l.Modules {
		for _, p := range m.Problems() {
			fmt.Fprintln(&b, p)
		}
	}
	if len(l.Skipped) > 0 {
		fmt.Fprintf(&b, "not imported, because firmware runs them as programs: %s\n", strings.Join(l.Skipped, ", "))
	}
	fmt.Fprintf(&b, "bytes of heap, measured on MicroPython %s with words of %d bits (%s)", l.Interpreter.Release, l.Interpreter.Bits, l.Interpreter.Program)
	if !l.Interpreter.LikeBoards() {
		b.WriteString("; about twice what a board's 32 bits take")
	}
	b.WriteByte('\n')
	_, err := io.WriteString(w, b.String())
	return err
}

func heap(c *ram.Cost) string {
	if c == nil || c.Failed() {
		return "-"
	}
	return fmt.Sprint(c.Heap)
}

func total(n *int64) string {
	if n == nil {
		return "-"
	}
	return fmt.Sprint(*n)
}
