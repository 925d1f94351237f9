package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"rules_romfs/packager/board"
	"rules_romfs/packager/report"
)

type boardResult struct {
	ID         string            `json:"id"`
	Name       string            `json:"name"`
	Arch       string            `json:"arch"`
	SmallInts  int               `json:"small_int_bits"`
	NoROM      string            `json:"no_rom,omitempty"`
	Partitions []partitionResult `json:"partitions"`
	Align      []alignResult     `json:"align"`
	USB        []string          `json:"usb"`
}

type partitionResult struct {
	Name    string `json:"name"`
	Index   int    `json:"index"`
	Base    uint64 `json:"base"`
	Size    int64  `json:"size"`           // 0: the firmware's builder chooses
	Tail    int64  `json:"tail,omitempty"` // bytes at the end that images should leave alone
	Erase   int64  `json:"erase"`
	Write   int64  `json:"write"`
	Segment string `json:"segment"`
	Medium  string `json:"medium"`
	Core    string `json:"core,omitempty"`

	NPU *npuResult `json:"npu,omitempty"`
}

// An npuResult is the processor that models are converted for.
type npuResult struct {
	Preset string   `json:"preset"`
	Args   []string `json:"args"`
}

type alignResult struct {
	Match string `json:"match"`
	To    int64  `json:"to"`
	Why   string `json:"why,omitempty"`
}

func newBoardsCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "boards [BOARD]",
		Short: "List the boards that romfs knows, or show one",
		Long: `List the built-in boards, or show one, by its id or the path of a board file.
docs/boards.md says how to write one; romfs schema board prints the schema.`,
		Example: `  romfs boards
  romfs boards openmv-n6
  romfs boards my-board.yaml --output json`,
		Args: cobra.MaximumNArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return boardIDs(), cobra.ShellCompDirectiveDefault
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				all := []boardResult{}
				for _, p := range board.Builtin() {
					all = append(all, describeBoard(p))
				}
				return a.result(map[string]any{"boards": all}, func(w io.Writer) error { return printBoards(w, all) })
			}
			p, err := board.Lookup(args[0])
			if err != nil {
				return &inputError{err}
			}
			b := describeBoard(p)
			return a.result(b, b.print)
		},
	}
}

func describeBoard(p *board.Profile) boardResult {
	b := boardResult{ID: p.ID, Name: p.Name, Arch: strings.Join(p.MPY.Archs, ", "), SmallInts: p.MPY.SmallIntBits, NoROM: p.NoROM,
		Partitions: []partitionResult{}, Align: []alignResult{}, USB: []string{}}
	for _, x := range p.Partitions {
		b.Partitions = append(b.Partitions, partitionResult{x.Name, x.Index, x.Base, x.Size, x.Tail, x.Erase, x.Write, x.Segment, x.Medium, x.Core, (*npuResult)(x.NPU)})
	}
	for _, r := range p.Align {
		b.Align = append(b.Align, alignResult{r.Match, r.To, r.Why})
	}
	for _, u := range p.USB {
		b.USB = append(b.USB, u.String()+" "+u.Mode)
	}
	return b
}

// roundSize writes a partition's size, which is a round number.
func roundSize(n int64) string {
	switch {
	case n == 0:
		return "as built"
	case n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return report.Size(n)
}

func printBoards(w io.Writer, boards []boardResult) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(t, "BOARD\tPARTITIONS\tMPY ARCH\tNAME\n")
	for _, b := range boards {
		var parts []string
		for _, p := range b.Partitions {
			parts = append(parts, fmt.Sprintf("%s %s", p.Name, roundSize(p.Size)))
		}
		if b.NoROM != "" {
			parts = []string{"none"}
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", b.ID, strings.Join(parts, ", "), b.Arch, b.Name)
	}
	return t.Flush()
}

func (b boardResult) print(w io.Writer) error {
	var s strings.Builder
	fmt.Fprintf(&s, "%s: %s\n", b.ID, b.Name)
	fmt.Fprintf(&s, "  .mpy: native code for %s, small integers of %d bits\n", b.Arch, b.SmallInts)
	if b.NoROM != "" {
		fmt.Fprintf(&s, "  no ROM partition: %s\n", b.NoROM)
	}
	for _, p := range b.Partitions {
		base := "not mapped"
		if p.Base != 0 {
			base = fmt.Sprintf("at 0x%08X", p.Base)
		}
		core := ""
		if p.Core != "" {
			core = ", core " + p.Core
		}
		fmt.Fprintf(&s, "  %s (%d): %s %s, %s %s, erases %s, writes %d bytes%s\n", p.Name, p.Index, roundSize(p.Size), base, p.Medium, p.Segment, eraseText(p.Erase), p.Write, core)
		if p.Tail > 0 {
			fmt.Fprintf(&s, "    its last %d bytes are to stay unused\n", p.Tail)
		}
		if p.NPU != nil {
			fmt.Fprintf(&s, "    has an NPU, for models by transform: %s (%s)\n", p.NPU.Preset, strings.Join(p.NPU.Args, " "))
		}
	}
	for _, r := range b.Align {
		why := ""
		if r.Why != "" {
			why = ": " + r.Why
		}
		fmt.Fprintf(&s, "  aligns %s to %d bytes%s\n", r.Match, r.To, why)
	}
	if len(b.USB) > 0 {
		fmt.Fprintf(&s, "  USB: %s\n", strings.Join(b.USB, ", "))
	}
	_, err := io.WriteString(w, s.String())
	return err
}

func eraseText(n int64) string {
	switch n {
	case 0:
		return "an unknown unit"
	case 1:
		return "nothing"
	}
	return roundSize(n)
}
