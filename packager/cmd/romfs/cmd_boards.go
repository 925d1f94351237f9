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
	Machines   []string          `json:"machines"` // patterns of sys.implementation._machine
	Arch       string            `json:"arch"`
	SmallInts  int               `json:"small_int_bits"`
	NoROM      string            `json:"no_rom,omitempty"`
	Partitions []partitionResult `json:"partitions"`
	Align      []alignResult     `json:"align"`
	USB        []string          `json:"usb"`
	UF2        []string          `json:"uf2"`   // families
	Dedup      bool              `json:"dedup"` // what a manifest may change
}

type partitionResult struct {
	Name    string            `json:"name"`
	Index   int               `json:"index"`
	Base    uint64            `json:"base"`
	Size    int64             `json:"size"`           // 0: the firmware's builder chooses
	Tail    int64             `json:"tail,omitempty"` // bytes at the end that images should leave alone
	Erase   int64             `json:"erase"`
	Write   int64             `json:"write"`
	Segment board.SegmentKind `json:"segment"`
	Medium  board.Medium      `json:"medium"`

	Programs int        `json:"programs,omitempty"` // of a word, between erases at most
	Rewrites int64      `json:"rewrites,omitempty"` // bytes that each write erases and programs
	ReadOnly bool       `json:"read_only,omitempty"`
	Core     string     `json:"core,omitempty"`
	CoreIdle bool       `json:"core_idle,omitempty"`
	NPU      *npuResult `json:"npu,omitempty"`
	DFU      *dfuResult `json:"dfu,omitempty"`
}

// An npuResult is the processor that models are converted for.
type npuResult struct {
	Preset string   `json:"preset"`
	Args   []string `json:"args"`
}

// A dfuResult is how dfu-util reaches a partition.
type dfuResult struct {
	Alt     int    `json:"alt"`
	Address uint64 `json:"address,omitempty"` // of DfuSe
	Erase   int64  `json:"erase,omitempty"`
	Leave   bool   `json:"leave,omitempty"`
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
	b := boardResult{ID: p.ID, Name: p.Name, Machines: append([]string{}, p.Machines...),
		Arch: strings.Join(p.MPY.Archs, ", "), SmallInts: p.MPY.SmallIntBits, NoROM: p.NoROM, Dedup: p.DedupDefault(),
		Partitions: []partitionResult{}, Align: []alignResult{}, USB: []string{}, UF2: []string{}}
	for _, x := range p.Partitions {
		b.Partitions = append(b.Partitions, partitionResult{x.Name, x.Index, x.Base, x.Size, x.Tail, x.Erase, x.Write, x.Segment, x.Medium,
			x.Programs, x.Rewrites, x.ReadOnly, x.Core, x.CoreIdle, (*npuResult)(x.NPU), (*dfuResult)(x.DFU)})
	}
	for _, f := range p.UF2 {
		b.UF2 = append(b.UF2, f.Name)
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
	if len(b.Machines) > 0 {
		fmt.Fprintf(&s, "  calls itself %s\n", strings.Join(b.Machines, ", "))
	}
	fmt.Fprintf(&s, "  .mpy: native code for %s, small integers of %d bits\n", b.Arch, b.SmallInts)
	if b.NoROM != "" {
		fmt.Fprintf(&s, "  no ROM partition: %s\n", b.NoROM)
	}
	for _, p := range b.Partitions {
		base := "at no fixed address"
		if p.Base != 0 {
			base = fmt.Sprintf("at 0x%08X", p.Base)
		}
		fmt.Fprintf(&s, "  %s (%d): %s %s, %s as a %s, %s\n", p.Name, p.Index, roundSize(p.Size), base, p.Medium.Name(), p.Segment.Name(), p.units())
		switch {
		case p.CoreIdle:
			fmt.Fprintf(&s, "    core %s mounts it, and runs nothing from it by itself\n", p.Core)
		case p.Core != "":
			fmt.Fprintf(&s, "    core %s mounts it\n", p.Core)
		}
		if p.Tail > 0 {
			fmt.Fprintf(&s, "    its last %d bytes are to stay unused\n", p.Tail)
		}
		if p.NPU != nil {
			fmt.Fprintf(&s, "    has an NPU, for models by transform: %s (%s)\n", p.NPU.Preset, strings.Join(p.NPU.Args, " "))
		}
		if p.DFU != nil {
			fmt.Fprintf(&s, "    its bootloader writes it: %s\n", p.DFU)
		}
	}
	for _, r := range b.Align {
		why := ""
		if r.Why != "" {
			why = ": " + r.Why
		}
		fmt.Fprintf(&s, "  aligns %s to %d bytes%s\n", r.Match, r.To, why)
	}
	if b.NoROM == "" && !b.Dedup {
		fmt.Fprint(&s, "  equal files are stored once only if a manifest says dedup: true: OpenMV's tools lose such files\n")
	}
	if len(b.USB) > 0 {
		fmt.Fprintf(&s, "  USB: %s\n", strings.Join(b.USB, ", "))
	}
	if len(b.UF2) > 0 {
		fmt.Fprintf(&s, "  UF2 family: %s\n", strings.Join(b.UF2, ", "))
	}
	_, err := io.WriteString(w, s.String())
	return err
}

// units says how the partition is written.
func (p *partitionResult) units() string {
	switch {
	case p.ReadOnly:
		return "read-only"
	case p.Erase == 1:
		return fmt.Sprintf("erases nothing, writes %s", roundSize(p.Write))
	}
	s := fmt.Sprintf("erases %s, writes %s", roundSize(p.Erase), roundSize(p.Write))
	if p.Erase == 0 {
		s = fmt.Sprintf("erases an unknown unit, writes %s", roundSize(p.Write))
	}
	if p.Rewrites > 0 {
		s += fmt.Sprintf(", each time by erasing and programming %s", roundSize(p.Rewrites))
	}
	if p.Programs > 0 {
		s += fmt.Sprintf(", a word %d times between erases at most", p.Programs)
	}
	return s
}

// String is what dfu-util calls it.
func (d *dfuResult) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "dfu-util -a %d", d.Alt)
	if d.Address != 0 {
		fmt.Fprintf(&s, " -s 0x%08X", d.Address)
		if d.Leave {
			s.WriteString(":leave")
		}
	}
	if d.Erase != 0 {
		fmt.Fprintf(&s, ", erases %s", roundSize(d.Erase))
	}
	return s.String()
}
