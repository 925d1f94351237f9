package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"rules_romfs/packager/board"
	"rules_romfs/packager/export"
	"rules_romfs/packager/report"
)

func newExportCmd(a *app) *cobra.Command {
	var f exportFlags
	cmd := &cobra.Command{
		Use:   "export [IMAGE|DIR|MANIFEST]",
		Short: "Write an image as a file for a flash programmer: DfuSe, UF2, Intel HEX",
		Long: `Take a finished image (*.romfs, *.img), or build a manifest (default:
./romfs.yaml) or a directory, and write it in a form that factories and
bootloaders take:

  img  the bytes as they lie in the partition
  dfu  DfuSe, STMicroelectronics' DFU with an address
  uf2  for bootloaders that show up as a USB drive
  hex  Intel HEX

The file is for the partition's address on the board: that of --board, of the
image's sidecar or of the manifest. Another one, --address, has to be one that
the partition could have: in the board's flash, at an erase block, and as the
image's files are aligned. The image is filled with 0xff up to whole
erase blocks, or as --pad says. Without -o it is NAME.FORMAT in the current
directory; of a manifest with several images each has its own. "-" is stdin or
stdout.

OpenMV's bootloaders take no DfuSe files: dfu-util sends them the image itself.`,
		Example: `  romfs export app.romfs --format hex
  romfs export romfs.yaml --board openmv-n6 --format img --pad partition
  romfs export ae3.yaml -p romfs1 -o romfs1.hex
  romfs export --board rp2 --address 0x10100000 --uf2-family RP2040 -o app.uf2`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path := defaultManifest
			if len(args) > 0 {
				path = args[0]
			}
			return f.run(cmd.Context(), a, path)
		},
	}
	f.add(a, cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.format, "format", "", "`img|dfu|uf2|hex` (default: as the name after -o ends)")
	flags.StringVar(&f.pad, "pad", "", "fill up with 0xff: `erase|partition|none` (default: erase, where the erase unit is known)")
	flags.StringVar(&f.address, "address", "", "`address` of the partition's first byte; over the board's")
	flags.StringVar(&f.family, "uf2-family", "", "`family` of the chip, a name or number; over the board's")
	flags.StringVarP(&f.out, "out", "o", "", "write to `file`; - is stdout")
	a.complete(cmd, "format", "img", "dfu", "uf2", "hex")
	a.complete(cmd, "pad", "erase", "partition", "none")
	return cmd
}

// exportFlags are those of export.
type exportFlags struct {
	sourceFlags
	format, pad, address, family, out string
}

func (f *exportFlags) run(ctx context.Context, a *app, path string) error {
	r, err := f.request()
	if err != nil {
		return err
	}
	if err := a.checkStdout(f.out, "the file", false); err != nil {
		return err
	}
	size, err := f.partitionSize()
	if err != nil {
		return err
	}
	all, err := a.images(ctx, path, &f.sourceFlags, r.Expect)
	if err != nil {
		return err
	}
	files, err := r.Files(all, export.Where{Board: f.board, Partition: f.partition, Size: size})
	if err != nil {
		return err
	}
	for _, x := range files {
		for _, w := range x.Warnings {
			a.reporter.Log(report.Warning, w)
		}
	}
	if f.out == "-" {
		return files[0].Stream(a.stdout)
	}
	if err := export.Save(ctx, files); err != nil {
		return err
	}
	return a.result(oneOrAll(files), func(w io.Writer) error {
		for _, x := range files {
			if _, err := fmt.Fprintln(w, x); err != nil {
				return err
			}
		}
		return nil
	})
}

// request turns the flags into what is wanted.
func (f *exportFlags) request() (*export.Request, error) {
	format := f.format
	if format == "" {
		if format = strings.TrimPrefix(strings.ToLower(filepath.Ext(f.out)), "."); format == "" {
			return nil, &usageError{"say --format img, dfu, uf2 or hex, or name the file with -o"}
		}
	}
	r := &export.Request{Out: f.out, Pad: export.Pad(f.pad)}
	var err error
	if r.Format, err = export.ParseFormat(format); err != nil {
		return nil, &usageError{err.Error()}
	}
	switch r.Pad {
	case "", export.PadNone, export.PadErase, export.PadPartition:
	default:
		return nil, &usageError{fmt.Sprintf("--pad takes erase, partition or none, not %q", f.pad)}
	}
	if f.address != "" {
		n, err := strconv.ParseUint(f.address, 0, 64)
		if err != nil {
			return nil, &usageError{fmt.Sprintf("--address takes a number such as 0x10100000, not %q", f.address)}
		}
		r.Address = &n
	}
	if f.family != "" {
		family, err := board.ParseUF2Family(f.family)
		if err != nil {
			return nil, &usageError{"--uf2-family: " + err.Error()}
		}
		r.Family = &family
	}
	return r, nil
}
