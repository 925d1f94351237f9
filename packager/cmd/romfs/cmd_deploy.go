package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"rules_romfs/packager/deploy"
)

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
