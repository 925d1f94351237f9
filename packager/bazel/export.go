package bazel

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"

	"rules_romfs/packager/artifact"
	"rules_romfs/packager/board"
	"rules_romfs/packager/export"
)

// export writes an image as a file for a flash programmer, and reads that back.
func (a *Action) export(_ context.Context, f *flags) error {
	image, err := os.ReadFile(f.image)
	if err != nil {
		return err
	}
	sidecar, err := artifact.Load(f.sidecar)
	if err != nil {
		return err
	}
	format, err := export.ParseFormat(f.format)
	if err != nil {
		return err
	}
	id := f.board
	if f.boardFile != "" {
		id = f.boardFile
	}
	var partition string
	var size int64
	if p := sidecar.Partition; p != nil && (id != "" || sidecar.Board != "") {
		partition, size = p.Name, p.Size
	}
	if id == "" {
		id = sidecar.Board
	}
	place, err := export.PlaceOf(sidecar, nil, id, partition, size)
	if err != nil {
		return err
	}
	request, err := f.exportRequest(format)
	if err != nil {
		return err
	}
	file, err := request.File("image", image, place)
	if err != nil {
		return err
	}
	for _, w := range file.Warnings {
		a.warn(f, w)
	}
	var b bytes.Buffer
	if err := file.Stream(&b); err != nil {
		return err
	}
	if err := checkExport(b.Bytes(), image, file); err != nil {
		return err
	}
	return os.WriteFile(f.out, b.Bytes(), 0o666)
}

// exportRequest is what the target says of the file.
func (f *flags) exportRequest(format export.Format) (*export.Request, error) {
	r := &export.Request{Format: format, Pad: export.Pad(f.pad)}
	if f.uf2Family != "" {
		family, err := board.ParseUF2Family(f.uf2Family)
		if err != nil {
			return nil, fmt.Errorf("uf2_family: %w", err)
		}
		r.Family = &family
	}
	if f.address != "" {
		n, err := strconv.ParseUint(f.address, 0, 64)
		if err != nil {
			return nil, fmt.Errorf("address is %q: write a number such as 0x10100000", f.address)
		}
		r.Address = &n
	}
	return r, nil
}

// checkExport compares what a programmer would write with the image.
func checkExport(written, image []byte, file *export.File) error {
	address, content, err := export.Read(written, file.Format)
	if err != nil {
		return fmt.Errorf("the file that was written does not read back: %w: a defect of rules_romfs", err)
	}
	rest, ok := bytes.CutPrefix(content, image)
	if !ok || file.Address != nil && address != *file.Address || len(bytes.Trim(rest, "\xff")) > 0 {
		return fmt.Errorf("the file that was written reads back as other bytes: a defect of rules_romfs")
	}
	return nil
}
