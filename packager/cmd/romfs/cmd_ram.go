package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rules_romfs/packager/images"
	"rules_romfs/packager/ram"
	"rules_romfs/packager/report"
)

func newRAMCmd(a *app) *cobra.Command {
	c := &ramCmd{app: a}
	cmd := &cobra.Command{
		Use:   "ram [MANIFEST|DIR|IMAGE] [MODULE...]",
		Short: "Say what importing each module costs in RAM, and why",
		Long: `Import every module of an image on a real MicroPython, and say how much heap
that takes when it comes from ROM, beside the same from a file system and from
source; each in a fresh interpreter, and all together in the image's order. Of
a MODULE, as import names it, only that is measured. boot.py and main.py are
programs: they are measured if they are named. The source of compiled modules
is not in an IMAGE: name the manifest for that column.

The interpreter is $ROMFS_MICROPYTHON, else micropython on PATH if its words
have 32 bits as a board's, else the one in this program. Figures of one with 64
bits are marked: they are about twice a board's. Modules that need hardware
take stand-ins from --stub. A module that cannot be imported is named with its
error; the others count. docs/ram.md says what the columns mean.`,
		Example: `  romfs ram
  romfs ram app/romfs.yaml weather.dewpoint ring
  romfs ram app.romfs --max app=24KiB
  romfs ram app.romfs --stub tests/stubs --output json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			path := defaultManifest
			if len(args) > 0 && namesSource(args[0]) {
				path, args = args[0], args[1:]
			}
			return c.run(cmd.Context(), path, args)
		},
	}
	c.source.add(a, cmd)
	flags := cmd.Flags()
	flags.StringArrayVar(&c.stubs, "stub", nil, "`directory` of modules that stand in for the hardware's; repeatable")
	flags.StringVar(&c.interpreter, "interpreter", "", "MicroPython `program` to import with, or built-in (default: $ROMFS_MICROPYTHON, then as above)")
	flags.StringArrayVar(&c.limits, "max", nil, "the most that importing a module may take from ROM, as `MODULE=SIZE`, such as app=24KiB; repeatable; exit code 5 above it")
	flags.DurationVar(&c.timeout, "timeout", time.Minute, "end an import that takes longer than this `time`")
	a.complete(cmd, "interpreter", ram.BuiltIn)
	return cmd
}

// A ramCmd is one romfs ram.
type ramCmd struct {
	*app
	source      sourceFlags
	stubs       []string
	interpreter string
	timeout     time.Duration
	limits      []string // as --max has them
}

func (c *ramCmd) run(ctx context.Context, path string, modules []string) error {
	if c.timeout <= 0 {
		return &usageError{fmt.Sprintf("--timeout takes a time such as 1m, not %v", c.timeout)}
	}
	max, err := ramLimits(c.limits)
	if err != nil {
		return err
	}
	all, err := c.images(ctx, path, &c.source, nil)
	if err != nil {
		return err
	}
	in, err := c.choose(ctx, len(max) > 0)
	if err != nil {
		return err
	}
	if len(modules) > 0 {
		modules = append(modules, slices.Sorted(maps.Keys(max))...)
	}
	var ledgers []*ram.Ledger
	for _, im := range all {
		image, err := im.Open(ctx)
		if err != nil {
			return err
		}
		l, err := ram.Measure(ctx, ram.Request{
			Image: image, Sources: im.Sources(), Interpreter: in, Modules: modules, Stubs: c.stubs, Timeout: c.timeout, Jobs: c.source.jobs,
		})
		if err != nil {
			return err
		}
		ledgers = append(ledgers, l)
	}
	over, err := ram.CheckAll(ledgers, max)
	if err != nil {
		return fmt.Errorf("--max: %w", err)
	}
	return errors.Join(c.result(oneOrAll(ledgers), func(w io.Writer) error { return printLedgers(w, ledgers) }), over)
}

// choose returns the interpreter to import with, and says what its figures are worth.
func (c *ramCmd) choose(ctx context.Context, limited bool) (*ram.Interpreter, error) {
	in, err := ram.Choose(ctx, cmp.Or(c.interpreter, c.getenv("ROMFS_MICROPYTHON")))
	if err != nil || in.LikeBoards() {
		return in, err
	}
	if limited {
		return nil, &usageError{fmt.Sprintf("--max is about boards, whose words have 32 bits, and those of %s have %d: add --interpreter %s", in.Program, in.Bits, ram.BuiltIn)}
	}
	c.reporter.Log(report.Warning, fmt.Sprintf("%s has words of %d bits, and boards have 32: the figures are about twice a board's; --interpreter %s has 32", in.Program, in.Bits, ram.BuiltIn))
	return in, nil
}

// ramLimits reads the values of --max.
func ramLimits(values []string) (map[string]int64, error) {
	limits := map[string]int64{}
	for _, v := range values {
		name, size, ok := strings.Cut(v, "=")
		if !ok || name == "" || size == "" {
			return nil, &usageError{fmt.Sprintf("--max takes MODULE=SIZE, such as app=24KiB, not %q", v)}
		}
		n, err := parseSize("max", size)
		if err != nil {
			return nil, err
		}
		limits[name] = n
	}
	return limits, nil
}

// namesSource tells a first argument that is a manifest, directory or image from
// the name of a module.
func namesSource(arg string) bool {
	_, err := os.Stat(arg)
	ext := filepath.Ext(arg)
	return err == nil || images.Is(arg) || ext == ".yaml" || ext == ".yml" || strings.ContainsAny(arg, `/\`)
}
