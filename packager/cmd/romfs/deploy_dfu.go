package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"rules_romfs/packager/deploy"
)

// overDFU deploys through a board's bootloader.
func (f *deployFlags) overDFU(cmd *cobra.Command, a *app, loads []*payload) error {
	r := deploy.DFURequest{Board: loads[0].board, Partition: f.source.partition, Tool: f.dfuTool,
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
	if err := f.demand.check(cmd.Context(), a, loads, loads[0].board, []string{device.Key}, a.known(f.noCache)); err != nil {
		return err
	}
	asked := r.Partition
	var results []*deploy.DFUResult
	for i, load := range loads {
		r := r
		r.Image, r.Partition, r.Stay = load.image, cmp.Or(asked, load.partition()), i < len(loads)-1
		result, err := deploy.RunDFU(cmd.Context(), r)
		switch {
		case err != nil && len(loads) == 1:
			return err
		case err != nil && i == 0:
			return fmt.Errorf("%s: %w", load.partition(), err)
		case err != nil:
			return fmt.Errorf("%s: %w; the images before it are done", load.partition(), err)
		}
		results = append(results, result)
	}
	return a.result(oneOrAll(results), func(w io.Writer) error {
		for i, result := range results {
			if err := printDFU(w, loads[i], result); err != nil {
				return err
			}
		}
		return nil
	})
}

// printDFU prints what was done with one image.
func printDFU(w io.Writer, load *payload, result *deploy.DFUResult) (err error) {
	what := load.describe(result.SHA256)
	switch result.Status {
	case deploy.Planned:
		_, err = fmt.Fprintln(w, strings.Join(result.Commands, "\n"))
	case deploy.Verified:
		_, err = fmt.Fprintf(w, "the board holds %s\n", what)
	default:
		_, err = fmt.Fprintf(w, "deployed %s through the bootloader, read back and compared\n", what)
	}
	return err
}
