package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"rules_romfs/packager/deploy"
)

// overDFU deploys through a board's bootloader.
func (f *deployFlags) overDFU(cmd *cobra.Command, a *app, loads []*payload) error {
	r := deploy.DFURequest{Board: loads[0].Board, Partition: f.source.partition, Tool: f.dfuTool,
		DryRun: f.request.DryRun, VerifyOnly: f.request.VerifyOnly, Reporter: a.reporter}
	for _, flag := range []string{"full", "backup", "no-run", "any-board", "core-stopped", "import", "all", "monitor", "wait", "reset"} {
		if cmd.Flags().Changed(flag) {
			return &usageError{fmt.Sprintf("--%s works over the REPL only, not with --via dfu", flag)}
		}
	}
	if len(f.port.ports) > 1 {
		return &usageError{"--via dfu takes one board at a time"}
	}
	choice, err := f.port.choice(a, nil)
	if err != nil {
		return err
	}
	device, err := choice.Device()
	if err != nil {
		return err
	}
	r.Serial = device.Serial
	if err := f.demand.check(cmd.Context(), a, loads, loads[0].Board, []string{device.Key}, a.known(f.noCache)); err != nil {
		return err
	}
	results, err := deploy.RunAllDFU(cmd.Context(), deploy.DFURequests(r, contents(loads)))
	if err != nil {
		return err
	}
	return a.result(oneOrAll(results), func(w io.Writer) error {
		for i, r := range results {
			if _, err := fmt.Fprintln(w, r.Summary(loads[i].String())); err != nil {
				return err
			}
		}
		return nil
	})
}
