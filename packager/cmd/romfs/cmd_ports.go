package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"rules_romfs/packager/port"
)

type portResult struct {
	port.Info
	Boards []string `json:"boards"` // profiles that show up with these USB ids
	Names  []string `json:"names"`  // of the ports file
}

func (p *portResult) String() string {
	var words []string
	for _, s := range []string{p.Name, p.USB, p.Serial, p.Product, strings.Join(p.Boards, " ")} {
		if s != "" {
			words = append(words, s)
		}
	}
	if len(p.Names) > 0 {
		words = append(words, "named "+strings.Join(p.Names, ", "))
	}
	if p.Name == "" {
		words = append(words, "not connected")
	}
	return strings.Join(words, "  ")
}

func newPortsCmd(a *app) *cobra.Command {
	var f portFlags
	cmd := &cobra.Command{
		Use:   "ports",
		Short: "List the serial ports and the boards that they look like",
		Long: `List the serial ports of this machine, and for each the boards that show up with
its USB ids, and its names in the ports file. What else that names follows. The
command opens none of them.`,
		Example: "  romfs ports\n  romfs ports --output json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			book, err := f.book(a)
			if err != nil {
				return err
			}
			list, err := port.List()
			if err != nil {
				return &port.Error{Err: fmt.Errorf("listing the serial ports: %w", err)}
			}
			list, names := book.Merge(list)
			all := []portResult{}
			for i, p := range list {
				all = append(all, portResult{p, append([]string{}, port.Profiles(p, nil)...), append([]string{}, names[i]...)})
			}
			return a.result(all, func(w io.Writer) error {
				if len(all) == 0 {
					_, err := fmt.Fprintln(w, "no serial ports")
					return err
				}
				for _, p := range all {
					if _, err := fmt.Fprintln(w, &p); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	f.addBook(cmd)
	return cmd
}
