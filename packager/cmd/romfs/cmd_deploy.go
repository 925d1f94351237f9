package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"rules_romfs/packager/artifact"
	"rules_romfs/packager/deploy"
	"rules_romfs/packager/report"
)

// deployResult is what deploy prints with --output json.
type deployResult struct {
	Name   string          `json:"name"`
	SHA256 artifact.Digest `json:"sha256"`
	Size   int64           `json:"size"`
	Boards []deployedBoard `json:"boards"`
}

type deployedBoard struct {
	deploy.Result
	ExitCode int    `json:"exit_code"`
	Error    string `json:"error,omitempty"`
}

func newDeployCmd(a *app) *cobra.Command {
	var f sourceFlags
	var p portFlags
	var r deploy.Request
	var noCache bool
	var via, dfuTool string
	cmd := &cobra.Command{
		Use:   "deploy [DIR|IMAGE|MANIFEST]",
		Short: "Put an image into a board's ROM partition and prove that it arrived",
		Long: `Build a manifest (default: ./romfs.yaml) or a directory, or take a finished
image (*.romfs, *.img), and put it into a board's ROM partition.

Only what differs is sent. The board never mounts a half-written image: the
magic that makes it one is written last, when all the rest is verified. A
deploy that was interrupted goes on where it stopped when it is run again. At
the end the board is reset, and main.py runs.`,
		Example: `  romfs deploy
  romfs deploy app.romfs --port /dev/ttyACM0
  romfs deploy app/romfs.yaml --all --events json
  romfs deploy src --port sim: --dry-run`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path := defaultManifest
			if len(args) > 0 {
				path = args[0]
			}
			load, err := a.payload(cmd.Context(), path, &f)
			if err != nil {
				return err
			}
			switch via {
			case "repl":
			case "dfu":
				return a.deployDFU(cmd, load, &p, deploy.DFURequest{Image: load.image, Board: load.board, Partition: f.partition,
					Tool: dfuTool, DryRun: r.DryRun, VerifyOnly: r.VerifyOnly, Reporter: a.reporter})
			default:
				return &usageError{fmt.Sprintf("--via takes repl or dfu, not %q", via)}
			}
			ports, err := p.choose(a, load.board)
			if err != nil {
				return err
			}
			if r.Backup != "" && len(ports) > 1 {
				return &usageError{"--backup takes one board, not " + fmt.Sprint(len(ports))}
			}
			r.Image, r.Sidecar, r.Board = load.image, load.sidecar, load.board
			r.Partition, r.Reporter = f.partition, a.reporter
			r.Opener, r.Cache = p.opener(a, load.board), a.deployed(noCache)
			return a.deployAll(cmd.Context(), load, r, ports)
		},
	}
	f.add(a, cmd)
	p.add(cmd, true)
	flags := cmd.Flags()
	flags.BoolVarP(&r.DryRun, "dry-run", "n", false, "find out what would be sent, and change nothing")
	flags.BoolVar(&r.VerifyOnly, "verify-only", false, "only compare the board with the image; exit 8 on a difference")
	flags.BoolVar(&r.Full, "full", false, "send everything, whatever is on the board")
	flags.BoolVar(&r.NoRun, "no-run", false, "stay at the REPL: do not start main.py")
	flags.BoolVar(&r.AnyBoard, "any-board", false, "deploy even if the board is another than the image was made for")
	flags.StringVar(&r.Backup, "backup", "", "first save the image that is on the board to `file`")
	flags.StringArrayVar(&r.Imports, "import", nil, "afterwards import this `module` on the board, which must come from the image; may be repeated")
	flags.BoolVar(&noCache, "no-history", false, "do not use or keep the images that were deployed from here")
	flags.StringVar(&via, "via", "repl", "the way to the board: `repl|dfu`; dfu is its bootloader, by dfu-util, with --port as USB serial number")
	flags.StringVar(&dfuTool, "dfu-util", "", "the dfu-util to use, a `file` (default: the one on PATH)")
	a.complete(cmd, "via", "repl", "dfu")
	cmd.MarkFlagsMutuallyExclusive("dry-run", "verify-only")
	return cmd
}

// deployDFU deploys through a board's bootloader.
func (a *app) deployDFU(cmd *cobra.Command, load *payload, p *portFlags, r deploy.DFURequest) error {
	for _, flag := range []string{"full", "backup", "no-run", "any-board", "import", "all"} {
		if cmd.Flags().Changed(flag) {
			return &usageError{fmt.Sprintf("--%s works over the REPL only, not with --via dfu", flag)}
		}
	}
	switch len(p.ports) {
	case 0:
	case 1:
		r.Serial = p.ports[0]
	default:
		return &usageError{"--via dfu takes one board at a time"}
	}
	result, err := deploy.RunDFU(cmd.Context(), r)
	if err != nil {
		return err
	}
	return a.result(result, func(w io.Writer) error {
		what := fmt.Sprintf("%s (%s, sha256 %s)", load.name, report.Size(int64(len(load.image))), result.SHA256.Short())
		switch result.Status {
		case deploy.Planned:
			_, err = fmt.Fprintln(w, strings.Join(result.Commands, "\n"))
		case deploy.Verified:
			_, err = fmt.Fprintf(w, "the board holds %s\n", what)
		default:
			_, err = fmt.Fprintf(w, "deployed %s through the bootloader, read back and compared\n", what)
		}
		return err
	})
}

// deployAll deploys to all ports at once. One board's failure does not stop
// the others.
func (a *app) deployAll(ctx context.Context, load *payload, r deploy.Request, ports []string) error {
	results := make([]deployedBoard, len(ports))
	errs := make([]error, len(ports))
	var wait sync.WaitGroup
	for i, port := range ports {
		wait.Go(func() {
			r := r
			r.Port = port
			result, err := deploy.Run(ctx, r)
			results[i] = deployedBoard{Result: *result, ExitCode: exitCode(ctx, err)}
			fields := map[string]any{"port": result.Port, "status": result.Status, "exit_code": results[i].ExitCode, "sha256": result.SHA256}
			if err != nil {
				errs[i] = err
				results[i].Error = err.Error()
				fields["message"] = err.Error()
			}
			a.reporter.Event("deploy", fields)
		})
	}
	wait.Wait()
	failed := errors.Join(errs...)
	if failed != nil && len(ports) == 1 && a.output != "json" {
		return failed
	}
	err := a.result(deployResult{load.name, artifact.Digest(sha256.Sum256(load.image)), int64(len(load.image)), results}, func(w io.Writer) error {
		for i := range results {
			if err := printDeployed(w, load, &results[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return errors.Join(failed, err)
}

// printDeployed prints the line of one board.
func printDeployed(w io.Writer, load *payload, r *deployedBoard) error {
	if r.Error != "" {
		_, err := fmt.Fprintf(w, "%s: failed (exit code %d)\n", r.Port, r.ExitCode)
		return err
	}
	var line string
	what := fmt.Sprintf("%s (%s, sha256 %s)", load.name, report.Size(int64(len(load.image))), r.SHA256.Short())
	blocks := fmt.Sprintf("%d of %d blocks changed", r.Changed, r.Blocks)
	switch r.Status {
	case deploy.Planned:
		line = fmt.Sprintf("would deploy %s: %s, %s to send, %s to copy on the board", what, blocks, report.Size(r.Literal), report.Size(r.Copied))
	case deploy.Verified:
		line = "holds " + what
	case deploy.Unchanged:
		line = fmt.Sprintf("already holds %s: %s", what, blocks)
	default:
		line = fmt.Sprintf("deployed %s: %s, %s sent, %s copied on the board; verified, and mounted after a reset", what, blocks, report.Size(r.Literal), report.Size(r.Copied))
	}
	if r.Import != "" {
		line += "; use it: " + r.Import
	}
	for _, m := range r.Imported {
		line += fmt.Sprintf("\n%s: imported %s from %s", r.Port, m.Module, m.File)
	}
	_, err := fmt.Fprintf(w, "%s: %s\n", r.Port, line)
	return err
}
