package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"rules_romfs/packager/port"
)

// newPortResults joins the ports of this machine and what else the ports file
// names.
func newPortResults(c *port.Choice) ([]port.Seen, error) {
	all, err := c.Look()
	if err != nil {
		return nil, err
	}
	var list []port.Info
	for _, s := range all {
		list = append(list, s.Info)
	}
	places, names := c.Book.Unlisted(list)
	chosen, err := c.Choose()
	for i, at := range places {
		s := port.Seen{Info: port.Info{Name: at.Port, Serial: at.Serial}, Boards: []string{}, Names: names[i], Why: "not connected"}
		if at.Port != "" {
			s.Why = "not listed by the system; named by the ports file"
			s.Taken = err == nil && len(chosen) == 1 && chosen[0].Port == at.Port
		}
		all = append(all, s)
	}
	return all, nil
}

// portText is the line of a port.
func portText(s *port.Seen) string {
	var words []string
	for _, word := range []string{s.Name, s.USB, s.Serial, s.Product} {
		if word != "" {
			words = append(words, word)
		}
	}
	if len(s.Names) > 0 {
		words = append(words, "named "+strings.Join(s.Names, ", "))
	}
	verdict := "not taken: "
	if s.Taken {
		verdict = "taken: "
	}
	return strings.Join(append(words, verdict+s.Why), "  ")
}

func newPortsCmd(a *app) *cobra.Command {
	var f portFlags
	var boardID string
	cmd := &cobra.Command{
		Use:   "ports",
		Short: "List the serial ports, and which of them a command without --port takes",
		Long: `List the serial ports of this machine, and say of each why a command without
--port would take it, or not; --board looks for that board. What else the ports
file names follows. The command opens none of them.`,
		Example: "  romfs ports\n  romfs ports --board openmv-n6\n  romfs ports --output json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			profile, err := lookupBoard(boardID)
			if err != nil {
				return err
			}
			c, err := f.choice(a, profile)
			if err != nil {
				return err
			}
			all, err := newPortResults(c)
			if err != nil {
				return err
			}
			if all == nil {
				all = []port.Seen{}
			}
			return a.result(all, func(w io.Writer) error {
				if len(all) == 0 {
					_, err := fmt.Fprintln(w, "no serial ports")
					return err
				}
				for i := range all {
					if _, err := fmt.Fprintln(w, portText(&all[i])); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	f.addBook(cmd)
	cmd.Flags().StringVar(&boardID, "board", "", "`board` id or board file: which ports look like it")
	a.completeBoard(cmd, "board")
	return cmd
}
