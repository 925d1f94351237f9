package deploy

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"rules_romfs/packager/artifact"
	"rules_romfs/packager/board"
	"rules_romfs/packager/device"
	"rules_romfs/packager/port"
	"rules_romfs/packager/report"
	"rules_romfs/packager/romfs"
)

// readImage reads the image in a partition and compares it with the board's
// own digest of it. Where there is none, the error matches romfs.ErrNotImage.
func readImage(ctx context.Context, rom *device.ROM, reporter report.Reporter, name string) ([]byte, error) {
	size, _, err := rom.Image()
	switch {
	case errors.Is(err, romfs.ErrNotImage):
		return nil, err
	case err != nil:
		return nil, incompatible("%s: partition %d begins as an image, but cannot be read as one: %v", name, rom.Index, err)
	}
	task := reporter.Task(name+": reading", size, report.Bytes)
	b, err := rom.Read(ctx, 0, size, task.Add)
	if err != nil {
		task.Fail(err)
		return nil, err
	}
	task.Done()
	if rom.HasSHA256() {
		sum, err := rom.Digest(ctx, 0, size, nil)
		if err != nil {
			return nil, err
		}
		if sum != sha256.Sum256(b) {
			return nil, &VerifyError{name + ": what was read is not what the board holds"}
		}
	}
	return b, nil
}

// Pull returns the image in a partition, trimmed to its length.
func Pull(ctx context.Context, opener *port.Opener, port string, profile *board.Profile, partition string, reporter report.Reporter) (image []byte, err error) {
	b, err := device.Connect(ctx, opener, port, true)
	if err != nil {
		return nil, err
	}
	defer func() {
		if cerr := b.Close(true); err == nil {
			err = cerr
		}
	}()
	seg, _, err := FindPartition(b, profile, partition)
	if err != nil {
		return nil, err
	}
	rom, err := b.OpenROM(ctx, seg, 0)
	if err != nil {
		return nil, err
	}
	image, err = readImage(ctx, rom, reporter, port)
	switch {
	case errors.Is(err, romfs.ErrNotImage):
		return nil, incompatible("%s: partition %d holds no ROMFS image", port, seg.Index)
	case err != nil:
		return nil, err
	}
	return image, b.Stop(ctx)
}

// A Query is what a board says about itself and its partitions.
type Query struct {
	Port       string           `json:"port"`
	Machine    string           `json:"machine"`
	Firmware   string           `json:"firmware"`
	ID         string           `json:"board_id,omitempty"`   // machine.unique_id()
	USBSerial  string           `json:"usb_serial,omitempty"` // of the port
	MPY        string           `json:"mpy,omitempty"`        // ABI of its .mpy loader
	Partitions []QueryPartition `json:"partitions"`
}

// A QueryPartition is one partition and what is in it. Sizes are in bytes.
type QueryPartition struct {
	Index   int               `json:"index"`
	Name    string            `json:"name,omitempty"` // the profile's
	Kind    board.SegmentKind `json:"kind,omitempty"`
	Size    int64             `json:"size"`
	Erase   int64             `json:"erase,omitempty"` // 0: unknown
	Head    string            `json:"head,omitempty"`  // first bytes, hexadecimal
	Error   string            `json:"error,omitempty"`
	Image   int64             `json:"image_size,omitempty"`
	Payload int64             `json:"payload_size,omitempty"`
	SHA256  *artifact.Digest  `json:"sha256,omitempty"`
	Known   string            `json:"image_name,omitempty"` // from the sidecar, if it was deployed from here
}

// Ask queries a board. It does not reset it first, so that a look costs
// little; afterwards the board starts main.py anew unless stay is true.
func Ask(ctx context.Context, opener *port.Opener, port string, profile *board.Profile, cache *Cache, stay bool) (q *Query, err error) {
	b, err := device.Connect(ctx, opener, port, false)
	if err != nil {
		return nil, err
	}
	defer func() {
		if cerr := b.Close(!stay); err == nil {
			err = cerr
		}
	}()
	q = &Query{Port: b.Port, Machine: b.Info.Machine, Firmware: b.Info.Name + " " + b.Info.Version, ID: b.Info.ID, USBSerial: b.USBSerial(), Partitions: []QueryPartition{}}
	if v := b.Info.MPY; v != 0 {
		q.MPY = fmt.Sprintf("%d.%d", v&0xff, v>>8&3)
	}
	for _, seg := range b.Segments {
		p, err := queryPartition(ctx, b, seg, profile, cache)
		if err != nil {
			return nil, err
		}
		q.Partitions = append(q.Partitions, p)
	}
	return q, nil
}

// queryPartition says what a partition is, what the profile knows of it, and what is in it.
func queryPartition(ctx context.Context, b *device.Board, seg device.Segment, profile *board.Profile, cache *Cache) (QueryPartition, error) {
	p := QueryPartition{Index: seg.Index, Kind: seg.Kind, Size: seg.Size, Erase: seg.Erase, Head: fmt.Sprintf("%x", seg.Head[:min(len(seg.Head), 16)])}
	if profile != nil && profile.NoROM == "" {
		if part, err := profile.Partition(fmt.Sprint(seg.Index)); err == nil {
			p.Name, p.Erase = part.Name, cmp.Or(p.Erase, part.Erase)
		}
	}
	if seg.Err != nil {
		p.Error = seg.Err.Error()
		return p, nil
	}
	var err error
	if p.Image, p.Payload, err = seg.Image(); err != nil {
		return p, nil // none, or none that can be measured: the head shows it
	}
	m, err := b.After(ctx, seg.Index, p.Image)
	if err != nil || !m.Hashed {
		return p, err
	}
	digest := artifact.Digest(m.SHA256)
	p.SHA256 = &digest
	if s := cache.Sidecar(digest); s != nil {
		p.Known = s.Name
	}
	return p, nil
}
