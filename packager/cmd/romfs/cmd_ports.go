package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"rules_romfs/packager/device"
)

type portResult struct {
	device.Port
	Boards []string `json:"boards"` // profiles that show up with these USB ids
}

func newPortsCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "ports",
		Short: "List the serial ports and the boards that they look like",
		Long: `List the serial ports of this machine, and for each the boards that show up with
its USB ids. The command opens none of them.`,
		Example: "  romfs ports\n  romfs ports --output json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			list, err := device.Ports()
			if err != nil {
				return &device.PortError{Err: fmt.Errorf("listing the serial ports: %w", err)}
			}
			all := []portResult{}
			for _, p := range list {
				all = append(all, portResult{p, append([]string{}, device.Profiles(p, nil)...)})
			}
			return a.result(all, func(w io.Writer) error {
				if len(all) == 0 {
					_, err := fmt.Fprintln(w, "no serial ports")
					return err
				}
				for _, p := range all {
					line := p.Name
					for _, s := range []string{p.USB, p.Serial, p.Product, strings.Join(p.Boards, " ")} {
						if s != "" {
							line += "  " + s
						}
					}
					if _, err := fmt.Fprintln(w, line); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
}
