package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"rules_romfs/packager/artifact"
	"rules_romfs/packager/deploy"
	"rules_romfs/packager/port"
	"rules_romfs/packager/report"
	"rules_romfs/packager/trust/sign"
)

// deployResult is what deploy prints with --output json.
type deployResult struct {
	Name   string          `json:"name"`
	SHA256 artifact.Digest `json:"sha256"`
	Size   int64           `json:"size"`
	Signed []string        `json:"signed_by,omitempty"` // sha256 of the keys that were asked for and have signed it
	Boards []deployedBoard `json:"boards"`
}

type deployedBoard struct {
	deploy.Result
	ExitCode int    `json:"exit_code"`
	Error    string `json:"error,omitempty"`
	Code     string `json:"code,omitempty"` // of the trouble
	Hint     string `json:"hint,omitempty"` // what to do about it
}

func newDeployCmd(a *app) *cobra.Command {
	var f deployFlags
	cmd := &cobra.Command{
		Use:   "deploy [DIR|IMAGE|MANIFEST]",
		Short: "Put an image into a board's ROM partition and prove that it arrived",
		Long: `Build a manifest (default: ./romfs.yaml) or a directory, or take a finished
image (*.romfs, *.img), and put it into a board's ROM partition. Of a manifest
with several images each goes to its own partition, over one connection; -p
chooses one of them. What is refused for one is refused for all, and the first
that fails ends the deploy.

Only what differs is sent. The board never mounts a half-written image: the
magic that makes it one is written last, when all the rest is verified. A
deploy that was interrupted goes on where it stopped when it is run again. At
the end the board is reset, and main.py runs.`,
		Example: `  romfs deploy
  romfs deploy app.romfs --port /dev/ttyACM0
  romfs deploy app/romfs.yaml --all --events json
  romfs deploy ae3.yaml -p romfs0
  romfs deploy src --port sim: --dry-run
  romfs deploy --watch --import app --monitor`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path := defaultManifest
			if len(args) > 0 {
				path = args[0]
			}
			if f.monitor {
				if err := a.checkMonitor("--monitor"); err != nil {
					return err
				}
			}
			if _, err := os.Stat(path); f.watched && (err == nil || path == "-") {
				return f.watch(cmd.Context(), a, path)
			}
			loads, err := a.payloads(cmd.Context(), path, &f.source)
			if err != nil {
				return err
			}
			switch f.via {
			case "repl":
				ports, m, err := f.overREPL(cmd.Context(), a, loads)
				if m != nil {
					err = errors.Join(err, a.monitor(cmd.Context(), ports[0], m))
				}
				return err
			case "dfu":
				return f.overDFU(cmd, a, loads)
			}
			return &usageError{fmt.Sprintf("--via takes repl or dfu, not %q", f.via)}
		},
	}
	f.source.add(a, cmd)
	f.port.add(cmd, true)
	f.demand.add(cmd)
	f.add(a, cmd)
	return cmd
}

// deployFlags are those of deploy besides the ones that verbs share.
type deployFlags struct {
	source           sourceFlags
	port             portFlags
	demand           demandFlags
	request          deploy.Request
	monitor, noCache bool
	watched          bool
	via, dfuTool     string
}

func (f *deployFlags) add(a *app, cmd *cobra.Command) {
	flags, r := cmd.Flags(), &f.request
	flags.StringArrayVar(&a.stubs, "stub", nil, "`directory` of modules that stand in for the hardware of a simulated board; repeatable")
	flags.BoolVarP(&r.DryRun, "dry-run", "n", false, "find out what would be sent, and change nothing")
	flags.BoolVar(&r.VerifyOnly, "verify-only", false, "only compare the board with the image; exit 8 on a difference")
	flags.BoolVar(&r.Full, "full", false, "send everything, whatever is on the board")
	flags.BoolVar(&r.NoRun, "no-run", false, "stay at the REPL: do not start main.py")
	flags.BoolVar(&r.AnyBoard, "any-board", false, "deploy even if the board is another than the image was made for")
	flags.BoolVar(&r.AllowDowngrade, "allow-downgrade", false, "deploy an older release than the board has")
	flags.BoolVar(&r.OtherCore, "core-stopped", false, "write a partition that another core of the board runs from: you have stopped that core")
	flags.StringVar(&r.Backup, "backup", "", "first save the image that is on the board to `file`, which nothing overwrites; several get the partition's name before the extension")
	flags.StringArrayVar(&r.Imports, "import", nil, "afterwards import this `module` on the board, which must come from the image; may be repeated")
	flags.DurationVar(&r.ImportTimeout, "import-timeout", 30*time.Second, "how long each module of --import may take, a `duration`; one that takes longer is stopped, exit 8")
	flags.BoolVar(&f.monitor, "monitor", false, "afterwards show what the board prints, until Ctrl-C")
	flags.BoolVarP(&f.watched, "watch", "w", false, watchUsage)
	flags.BoolVar(&f.noCache, "no-history", false, "do not use or keep the images that were deployed from here")
	flags.StringVar(&f.via, "via", "repl", "the way to the board: `repl|dfu`; dfu is its bootloader, by dfu-util, which finds the board by the USB serial number of --port")
	flags.StringVar(&f.dfuTool, "dfu-util", "", "the dfu-util to use, a `file` (default: the one on PATH)")
	a.complete(cmd, "via", "repl", "dfu")
	cmd.MarkFlagsMutuallyExclusive("dry-run", "verify-only")
	cmd.MarkFlagsMutuallyExclusive("port", "all")
	cmd.MarkFlagsMutuallyExclusive("monitor", "no-run")
	for _, once := range []string{"dry-run", "verify-only", "backup"} {
		cmd.MarkFlagsMutuallyExclusive("watch", once)
	}
}

// overREPL deploys to the boards that the flags choose, and returns their ports; and
// with --monitor the board, to see what it prints.
func (f *deployFlags) overREPL(ctx context.Context, a *app, loads []*payload) (ports []string, m *port.Monitor, err error) {
	r, profile := f.request, loads[0].board
	if r.Backup != "" {
		if err := checkOutput(r.Backup); err != nil {
			return nil, nil, err
		}
	}
	ports, err = f.port.choose(ctx, a, profile)
	if err != nil {
		return nil, nil, err
	}
	if err := f.demand.check(ctx, a, loads, profile, slices.Collect(maps.Values(f.port.keyOf)), a.known(f.noCache)); err != nil {
		return nil, nil, err
	}
	for flag, given := range map[string]bool{"--monitor": f.monitor, "--backup": r.Backup != ""} {
		if given && len(ports) > 1 {
			return nil, nil, &usageError{fmt.Sprintf("%s takes one board, not %d", flag, len(ports))}
		}
	}
	if err := a.checkStubs(ports); err != nil {
		return nil, nil, err
	}
	r.Board, r.Partition, r.Reporter = profile, f.source.partition, a.reporter
	r.Opener, r.Cache = f.port.opener(a, profile), a.deployed(f.noCache)
	if f.monitor {
		r.Watch = func(given *port.Monitor) { m = given }
	}
	return ports, m, a.deployAll(ctx, loads, requests(loads, r), ports)
}

// requests returns the deploy of each image; r holds what they share.
func requests(loads []*payload, r deploy.Request) []deploy.Request {
	if len(loads) == 1 {
		r.Image, r.Sidecar = loads[0].image, loads[0].sidecar
		return []deploy.Request{r}
	}
	// Firmware mounts partition 0, so modules are imported from its image.
	mounted := max(0, slices.IndexFunc(loads, func(p *payload) bool { return p.index() == 0 }))
	backup, imports := r.Backup, r.Imports
	var all []deploy.Request
	for i, load := range loads {
		r.Image, r.Sidecar, r.Partition = load.image, load.sidecar, load.partition()
		if r.Imports = nil; i == mounted {
			r.Imports = imports
		}
		if backup != "" {
			ext := filepath.Ext(backup)
			r.Backup = strings.TrimSuffix(backup, ext) + "-" + load.partition() + ext
		}
		all = append(all, r)
	}
	return all
}

// describe names an image for people, and who has signed it if that was asked.
func (p *payload) describe(sum artifact.Digest) string {
	signed := ""
	if len(p.signers) > 0 {
		signed = ", signed by key " + sign.ShortIDs(p.signed())
	}
	return fmt.Sprintf("%s (%s, sha256 %s%s)", p.name, report.Size(int64(len(p.image))), sum.Short(), signed)
}

// signed returns the ids of the keys that have signed the image, of those asked
// for, each once.
func (p *payload) signed() (ids []string) {
	for _, k := range p.signers {
		if !slices.Contains(ids, k.ID()) {
			ids = append(ids, k.ID())
		}
	}
	return ids
}

// deployAll deploys to all ports at once, to each every image. One board's
// failure does not stop the others.
func (a *app) deployAll(ctx context.Context, loads []*payload, rs []deploy.Request, ports []string) error {
	images := make([]deployResult, len(loads))
	for i, load := range loads {
		images[i] = deployResult{load.name, sha256.Sum256(load.image), int64(len(load.image)), load.signed(), make([]deployedBoard, len(ports))}
	}
	errs := make([]error, len(ports))
	var wait sync.WaitGroup
	for i, port := range ports {
		wait.Go(func() {
			rs := slices.Clone(rs)
			for j := range rs {
				rs[j].Port = port
			}
			results, failures := deploy.RunAll(ctx, rs)
			errs[i] = errors.Join(failures...)
			for j, result := range results {
				partition := ""
				if len(results) > 1 {
					partition = loads[j].partition()
				}
				images[j].Boards[i] = a.reportBoard(ctx, result, failures[j], partition)
			}
		})
	}
	wait.Wait()
	failed := errors.Join(errs...)
	if failed != nil && len(ports) == 1 && len(loads) == 1 && a.output != "json" {
		return failed
	}
	err := a.result(oneOrAll(images), func(w io.Writer) error {
		for i := range ports {
			for j, load := range loads {
				if err := printDeployed(w, load, &images[j].Boards[i], len(loads) > 1); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return errors.Join(failed, err)
}

// reportBoard says in an event how the deploy of one image to one board ended, and
// returns the same for the result. The partition is named where there are several.
func (a *app) reportBoard(ctx context.Context, result *deploy.Result, failure error, partition string) deployedBoard {
	board := deployedBoard{Result: *result, ExitCode: exitCode(ctx, failure)}
	fields := map[string]any{"port": result.Port, "status": result.Status, "exit_code": board.ExitCode, "sha256": result.SHA256}
	if failure != nil {
		board.Error = failure.Error()
		board.Code, board.Hint = advice(failure)
		fields["message"] = board.Error
	}
	if partition != "" {
		fields["image"] = partition
	}
	a.reporter.Event("deploy", fields)
	return board
}

// on says which board it was, where that is known: ports change their names.
func on(r *deployedBoard) string {
	s := ""
	if r.ID != "" {
		s += "; board " + r.ID
	}
	if r.USBSerial != "" && r.USBSerial != r.ID {
		s += "; USB serial number " + r.USBSerial
	}
	return s
}

func erases(n int) string {
	if n == 1 {
		return "1 block erased"
	}
	return fmt.Sprintf("%d blocks erased", n)
}

// printDeployed prints the line of one image on one board; several says that
// the partition has to be named.
func printDeployed(w io.Writer, load *payload, r *deployedBoard, several bool) error {
	port := r.Port
	if several {
		port += ": " + load.partition()
	}
	if r.Error != "" {
		_, err := fmt.Fprintf(w, "%s: failed (exit code %d)\n", port, r.ExitCode)
		return err
	}
	var line string
	what := load.describe(r.SHA256)
	blocks := fmt.Sprintf("%d of %d blocks changed", r.Changed, r.Blocks)
	switch r.Status {
	case deploy.Skipped:
		line = "nothing was changed"
	case deploy.Written:
		line = fmt.Sprintf("wrote %s: %s; compared, but not seen mounted", what, blocks)
	case deploy.Planned:
		line = fmt.Sprintf("would deploy %s: %s, %s to send, %s to copy on the board", what, blocks, report.Size(r.Literal), report.Size(r.Copied))
	case deploy.Verified:
		line = "holds " + what + on(r)
	case deploy.Unchanged:
		line = fmt.Sprintf("already holds %s: %s", what, blocks) + on(r)
	default:
		after := "mounted" // what the firmware does with partition 0 only
		if r.Partition != 0 {
			after = "read again"
		}
		line = fmt.Sprintf("deployed %s: %s, %s sent, %s copied on the board, %s%s; verified, and %s after a reset",
			what, blocks, report.Size(r.Literal), report.Size(r.Copied), erases(r.Erased), on(r), after)
	}
	if r.Import != "" {
		line += "; use it: " + r.Import
	}
	for _, m := range r.Imported {
		line += fmt.Sprintf("\n%s: imported %s from %s", r.Port, m.Module, m.File)
	}
	_, err := fmt.Fprintf(w, "%s: %s\n", port, line)
	return err
}
