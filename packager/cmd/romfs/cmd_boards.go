package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"rules_romfs/packager/board"
)

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
				all := []board.Description{}
				for _, p := range board.Builtin() {
					all = append(all, p.Describe())
				}
				return a.result(map[string]any{"boards": all}, func(w io.Writer) error { return printBoards(w, all) })
			}
			p, err := board.Lookup(args[0])
			if err != nil {
				return &inputError{err}
			}
			b := p.Describe()
			return a.result(b, func(w io.Writer) error {
				_, err := io.WriteString(w, b.String())
				return err
			})
		},
	}
}

func printBoards(w io.Writer, boards []board.Description) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(t, "BOARD\tPARTITIONS\tMPY ARCH\tNAME\n")
	for _, b := range boards {
		var parts []string
		for _, p := range b.Partitions {
			parts = append(parts, fmt.Sprintf("%s %s", p.Name, board.RoundSize(p.Size)))
		}
		if b.NoROM != "" {
			parts = []string{"none"}
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", b.ID, strings.Join(parts, ", "), b.Arch, b.Name)
	}
	return t.Flush()
}
