package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"rules_romfs/internal/atomicfile"
	"rules_romfs/packager/artifact"
	"rules_romfs/packager/board"
	"rules_romfs/packager/export"
	"rules_romfs/packager/inspect"
	"rules_romfs/packager/pack"
	"rules_romfs/packager/report"
)

// exportResult is what export prints with --output json.
type exportResult struct {
	Out       string          `json:"out"`
	Format    export.Format   `json:"format"`
	Image     string          `json:"image"` // the artifact's name
	SHA256    artifact.Digest `json:"sha256"`
	Size      int64           `json:"size"`
	Padded    int64           `json:"padded"`            // bytes of flash that the file fills
	Address   *uint64         `json:"address,omitempty"` // where they go; none for img
	Board     string          `json:"board,omitempty"`
	Partition string          `json:"partition,omitempty"`
}

func newExportCmd(a *app) *cobra.Command {
	var f sourceFlags
	var format, pad, address, family, out string
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
image's sidecar or of the manifest. The image is filled with 0xff up to whole
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
			if format == "" {
				if format = strings.TrimPrefix(strings.ToLower(filepath.Ext(out)), "."); format == "" {
					return &usageError{"say --format img, dfu, uf2 or hex, or name the file with -o"}
				}
			}
			e := exporter{app: a, flags: &f, pad: export.Pad(pad), out: out}
			var err error
			if e.format, err = export.ParseFormat(format); err != nil {
				return &usageError{err.Error()}
			}
			switch e.pad {
			case "", export.PadNone, export.PadErase, export.PadPartition:
			default:
				return &usageError{fmt.Sprintf("--pad takes erase, partition or none, not %q", pad)}
			}
			if address != "" {
				n, err := strconv.ParseUint(address, 0, 64)
				if err != nil {
					return &usageError{fmt.Sprintf("--address takes a number such as 0x10100000, not %q", address)}
				}
				e.address = &n
			}
			if family != "" {
				one, err := board.ParseUF2Family(family)
				if err != nil {
					return &usageError{"--uf2-family: " + err.Error()}
				}
				e.family = &one
			}
			if err := a.checkStdout(out, "the file", false); err != nil {
				return err
			}
			return e.run(cmd.Context(), path)
		},
	}
	f.add(a, cmd)
	flags := cmd.Flags()
	flags.StringVar(&format, "format", "", "`img|dfu|uf2|hex` (default: as the name after -o ends)")
	flags.StringVar(&pad, "pad", "", "fill up with 0xff: `erase|partition|none` (default: erase, where the erase unit is known)")
	flags.StringVar(&address, "address", "", "`address` of the partition's first byte; over the board's")
	flags.StringVar(&family, "uf2-family", "", "`family` of the chip, a name or number; over the board's")
	flags.StringVarP(&out, "out", "o", "", "write to `file`; - is stdout")
	a.complete(cmd, "format", "img", "dfu", "uf2", "hex")
	a.complete(cmd, "pad", "erase", "partition", "none")
	return cmd
}

// An exporter is one run of export.
type exporter struct {
	*app
	flags   *sourceFlags
	format  export.Format
	pad     export.Pad
	address *uint64
	family  *board.UF2Family
	out     string
}

// An exported image, still without its file.
type exported struct {
	image   []byte
	options export.Options
	result  exportResult
}

// run makes all files or none.
func (e *exporter) run(ctx context.Context, path string) error {
	images, err := e.read(ctx, path)
	if err != nil {
		return err
	}
	if e.out == "-" {
		x := images[0]
		if err := export.Write(e.stdout, x.image, x.options); err != nil {
			return writeError("", err)
		}
		return nil
	}
	var files []*atomicfile.File
	defer func() {
		for _, f := range files {
			f.Close()
		}
	}()
	var results []exportResult
	for _, x := range images {
		f, err := atomicfile.Create(x.result.Out)
		if err != nil {
			return &pack.OutputError{Path: x.result.Out, Err: err}
		}
		files = append(files, f)
		if err := export.Write(f, x.image, x.options); err != nil {
			return writeError(x.result.Out, err)
		}
		results = append(results, x.result)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	for i, f := range files {
		if err := f.Commit(); err != nil {
			return &pack.OutputError{Path: results[i].Out, Err: err}
		}
	}
	return e.result(oneOrAll(results), func(w io.Writer) error {
		for _, r := range results {
			if _, err := fmt.Fprintln(w, r.text()); err != nil {
				return err
			}
		}
		return nil
	})
}

// writeError tells an address that the format cannot hold from a full disk.
func writeError(path string, err error) error {
	if errors.Is(err, export.ErrAddress) {
		return err
	}
	return &pack.OutputError{Path: path, Err: err}
}

func (r *exportResult) text() string {
	s := fmt.Sprintf("%s: %s, %s of flash", r.Out, r.Format, report.Size(r.Padded))
	if r.Address != nil {
		s += fmt.Sprintf(" from 0x%08X", *r.Address)
	}
	if r.Partition != "" {
		s += fmt.Sprintf(" (%s of %s)", r.Partition, cmp.Or(r.Board, "no board"))
	}
	return s + fmt.Sprintf("; image of %s, sha256 %s", report.Size(r.Size), r.SHA256.Short())
}

// read builds or reads the images and decides how each is written.
func (e *exporter) read(ctx context.Context, path string) ([]*exported, error) {
	if isImage(path) {
		load, err := e.readPayload(ctx, path, e.flags)
		if err != nil {
			return nil, err
		}
		place, err := e.imagePlace(load)
		if err != nil {
			return nil, err
		}
		x, err := e.export(load.name, load.image, place, path)
		return []*exported{x}, err
	}
	project, err := e.flags.open(ctx, e.app, path)
	if err != nil {
		return nil, err
	}
	if e.out != "" {
		if err := project.One("-o names one file"); err != nil {
			return nil, err
		}
	}
	for _, file := range project.Files() {
		if e.out != "-" {
			project.Outputs = append(project.Outputs, e.file(file))
		}
	}
	built, err := project.Build(ctx)
	if err != nil {
		return nil, err
	}
	e.warnings(built)
	var images []*exported
	for i, im := range built {
		var b bytes.Buffer
		if err := im.Stream(ctx, &b, e.reporter); err != nil {
			return nil, err
		}
		x, err := e.export(project.Files()[i], b.Bytes(), &export.Place{Board: im.Spec.Board, Partition: im.Spec.Partition}, "")
		if err != nil {
			return nil, err
		}
		images = append(images, x)
	}
	return images, nil
}

// imagePlace finds the board and partition of a finished image: the flags',
// else the sidecar's.
func (e *exporter) imagePlace(load *payload) (*export.Place, error) {
	partition := e.flags.partition
	var size int64
	if e.flags.size != "" {
		o, err := e.flags.options(e.app, "")
		if err != nil {
			return nil, err
		}
		size = o.PartitionSize
	}
	s := load.sidecar
	if s != nil && s.Partition != nil && e.flags.board == "" {
		partition = cmp.Or(partition, s.Partition.Name)
		if load.board == nil && partition == s.Partition.Name {
			// A board file that is not here: the sidecar has the numbers.
			p := s.Partition
			return &export.Place{Partition: &board.Partition{Name: p.Name, Index: p.Index, Base: p.Base, Size: cmp.Or(size, p.Size), Erase: p.Erase}}, nil
		}
	}
	id := e.flags.board
	if id == "" && load.board != nil {
		id = load.board.ID
	}
	target, err := pack.NewTarget(id, partition, size)
	if err != nil {
		return nil, err
	}
	return &export.Place{Board: target.Board, Partition: target.Partition}, nil
}

// export decides how one image is written; from is the file that it was read
// from, if any.
func (e *exporter) export(name string, image []byte, place *export.Place, from string) (*exported, error) {
	place.Address = e.address
	switch {
	case e.family != nil:
		place.Families = []board.UF2Family{*e.family}
	case place.Board != nil:
		place.Families = place.Board.UF2
	}
	o, err := place.Options(e.format, e.pad, int64(len(image)))
	if err != nil {
		return nil, err
	}
	if e.format == export.DfuSe && place.PlainDFU() {
		e.reporter.Log(report.Warning, fmt.Sprintf("the bootloader of %s takes no DfuSe files: send it an img with `dfu-util -a %d -D FILE`, or use `romfs deploy --via dfu`", place.Board.ID, place.Partition.DFU.Alt))
	}
	r := exportResult{Out: e.file(name), Format: e.format, Image: name, SHA256: sha256.Sum256(image), Size: int64(len(image)), Padded: o.Padded(int64(len(image)))}
	if e.format.Addressed() {
		r.Address = &o.Address
	}
	if place.Board != nil {
		r.Board = place.Board.ID
	}
	if place.Partition != nil {
		r.Partition = place.Partition.Name
	}
	if from != "" && inspect.SameFile(r.Out, from) {
		return nil, &usageError{fmt.Sprintf("%s would replace the image itself; name another file with -o", r.Out)}
	}
	return &exported{image, o, r}, nil
}

// file is the name of the file for an image of that name.
func (e *exporter) file(name string) string {
	if e.out != "" {
		return e.out
	}
	for _, ext := range []string{".romfs", ".img"} {
		name = strings.TrimSuffix(name, ext)
	}
	return name + "." + string(e.format)
}
