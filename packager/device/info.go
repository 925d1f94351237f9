// Package device is the program on a MicroPython board, and the client that
// talks to it: what a board is, a small framed protocol above the raw REPL, and the
// board's ROM partitions (vfs.rom_ioctl).
//
// It moves bytes and checks every answer; what to write where is package
// deploy's business.
package device

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"rules_romfs/packager/board"
	"rules_romfs/packager/port"
	"rules_romfs/packager/repl"
	"rules_romfs/packager/romfs"
)

// Info is what a board says about itself.
type Info struct {
	Name          string   // sys.implementation.name: "micropython"
	Version       string   // of the firmware: "1.26.1"
	Machine       string   // sys.implementation._machine
	MPY           int64    // sys.implementation._mpy; 0: loads no .mpy
	Platform      string   // sys.platform
	Free, Largest int      // heap: bytes free, and in the largest free block
	WordBits      int      // 32 or 64
	WatchdogReset bool     // a watchdog caused the last reset
	ID            string   // machine.unique_id() in hexadecimal, if it has one
	FromROM       []string // modules that boot.py imported from /rom
	Threads       []string // those of FromROM that use _thread
	Mounted       int64    // bytes of the payload of what is mounted at /rom; -1: nothing is
	Has           Features
}

// Features are the modules and functions that this package can make use of.
type Features struct {
	ROMFS, SHA256, Deflate, CRC32, Base64, Poll, Uctypes, StdinBuffer bool
}

// A Segment is one ROM partition as the board reports it.
type Segment struct {
	Index int
	Kind  board.SegmentKind
	Size  int64  // bytes
	Erase int64  // bytes that one erase clears; 0: unknown, and erasing starts at 0 only
	Head  []byte // the first bytes: with all of the header of an image
	Err   error  // why it cannot be used

	Encrypted bool // the chip stores it as blocks of a cipher
}

// Image returns the length of the image that the partition begins with, and that
// of its payload. Where there is none the error matches romfs.ErrNotImage; any
// other says why what begins as an image does cannot be measured.
func (s Segment) Image() (size, payload int64, err error) {
	if !bytes.HasPrefix(s.Head, []byte(romfs.Magic)) {
		return 0, 0, fmt.Errorf("%w: the partition begins with % x", romfs.ErrNotImage, s.Head[:min(len(s.Head), 4)])
	}
	image, err := romfs.Open(bytes.NewReader(s.Head), s.Size)
	if errors.Is(err, romfs.ErrNotImage) {
		// The magic is there: a driver refuses it, but it is not nothing.
		err = errors.New(err.Error())
	}
	if err != nil {
		return 0, 0, err
	}
	return image.Size(), image.Size() - image.HeaderSize(), nil
}

// probeTries: a thread that prints into an answer makes it unreadable.
const probeTries = 3

// probe runs a program that says one thing under a tag and returns that.
func probe(ctx context.Context, r *repl.REPL, tag, program string, limit time.Duration) (string, error) {
	var text string
	err := r.Retry(ctx, func() (err error) {
		text, err = probeOnce(ctx, r, tag, program, limit)
		return err
	})
	return text, err
}

func probeOnce(ctx context.Context, r *repl.REPL, tag, program string, limit time.Duration) (string, error) {
	for range probeTries {
		out, err := r.Run(ctx, program, limit)
		if err != nil {
			return "", err
		}
		if text, ok := repl.Said(out, tag); ok {
			return text, nil
		}
	}
	return "", port.Failed("asking "+r.Link.Name()+" what it is", errors.New("its answers are mixed with other output"))
}

// identity is the program that says what the board is.
func identity() string { return program(nil, "say", "built_in", "payload", "identity") }

// identify finds out what the board is.
func identify(ctx context.Context, r *repl.REPL) (*Info, error) {
	// Before the other questions leave their traces on the heap.
	memory, err := probe(ctx, r, "h", program(nil, "say", "memory"), repl.AnswerLimit)
	if err != nil {
		return nil, err
	}
	text, err := probe(ctx, r, "i", identity(), repl.AnswerLimit)
	if err != nil {
		return nil, err
	}
	info, err := parseInfo(text + "|" + memory)
	if err != nil {
		return nil, port.Failed("asking "+r.Link.Name()+" what it is", err)
	}
	return info, nil
}

func parseInfo(text string) (*Info, error) {
	f := strings.Split(text, "|")
	if len(f) != 13 || len(f[10]) != 8 {
		return nil, fmt.Errorf("it answered %q", text)
	}
	n := make([]int64, 5)
	for i, s := range []string{f[3], f[5], f[6], f[11], f[12]} {
		var err error
		if n[i], err = strconv.ParseInt(s, 10, 64); err != nil {
			return nil, fmt.Errorf("it answered %q", text)
		}
	}
	mounted, err := parsePayload(f[9])
	if err != nil {
		return nil, fmt.Errorf("it answered %q", text)
	}
	info := &Info{
		Name: f[0], Version: f[1], Machine: f[2], Platform: f[4], ID: f[7],
		MPY: n[0], Free: int(n[3]), Largest: int(n[4]), WatchdogReset: n[2] == 1, Mounted: mounted, WordBits: 32,
	}
	if n[1] > 1<<32 {
		info.WordBits = 64
	}
	for _, m := range strings.Split(f[8], ",") {
		if m == "" {
			continue
		}
		name, threads := strings.CutSuffix(m, "!")
		info.FromROM = append(info.FromROM, name)
		if threads {
			info.Threads = append(info.Threads, name)
		}
	}
	for i, b := range []*bool{
		&info.Has.ROMFS, &info.Has.SHA256, &info.Has.Deflate, &info.Has.CRC32,
		&info.Has.Base64, &info.Has.Poll, &info.Has.Uctypes, &info.Has.StdinBuffer,
	} {
		*b = f[10][i] == '1'
	}
	return info, nil
}

// parsePayload reads how long what is mounted at /rom is. A torn header may say more than
// any number of bytes.
func parsePayload(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if errors.Is(err, strconv.ErrRange) {
		err = nil // and n is the largest number
	}
	return n, err
}

// listSegments lists the board's ROM partitions. A partition that answers with an
// error is listed with it. An error that says how many there are is returned.
func listSegments(ctx context.Context, r *repl.REPL) ([]Segment, error) {
	text, err := probe(ctx, r, "s", program(nil, "say", "segments"), repl.AnswerLimit)
	if err != nil {
		return nil, err
	}
	list, err := parseSegments(text)
	if err != nil {
		return nil, port.Failed("asking "+r.Link.Name()+" for its partitions", err)
	}
	return list, nil
}

// maxSegment bounds what a board may call the size of a partition: more than
// any flash chip that is memory-mapped has.
const maxSegment = 1 << 30

// maxHeader bounds how many bytes a board may say that a header has.
const maxHeader = 1 << 17

// parseHead reads the first bytes of a partition, as segments.py sends them.
func parseHead(text string) ([]byte, error) {
	number, rest, padded := strings.Cut(strings.TrimPrefix(text, "*"), "*")
	if !padded {
		return hex.DecodeString(text)
	}
	n, err := strconv.Atoi(number)
	if err != nil || n < 0 || n > maxHeader {
		return nil, fmt.Errorf("a header of %q bytes", number)
	}
	b, err := hex.DecodeString(rest)
	return slices.Concat([]byte(romfs.Magic), bytes.Repeat([]byte{0x80}, n), b), err
}

func parseSegments(text string) ([]Segment, error) {
	f := strings.Split(text, "|")
	count, err := strconv.Atoi(f[0])
	if err != nil {
		return nil, fmt.Errorf("it answered %q", text)
	}
	var list []Segment
	for _, one := range f[1:] {
		p := strings.Split(one, ":")
		if len(p) < 3 {
			return nil, fmt.Errorf("it answered %q", text)
		}
		index, err := strconv.Atoi(p[0])
		if err != nil || index != len(list) {
			return nil, fmt.Errorf("it answered %q", text)
		}
		s := Segment{Index: index}
		switch {
		case p[1] == "e":
			s.Err = fmt.Errorf("vfs.rom_ioctl(2, %d) returned %s", index, p[2])
		case p[1] == "x":
			s.Err = fmt.Errorf("partition %d: %s", index, strings.Join(p[2:], ":"))
		case (p[1] == "m" || p[1] == "b") && len(p) == 6:
			s.Kind = board.Memoryview
			if p[1] == "b" {
				s.Kind = board.BlockDevice
			}
			var err1, err2, err3 error
			s.Size, err1 = strconv.ParseInt(p[2], 10, 64)
			s.Erase, err2 = strconv.ParseInt(p[3], 10, 64)
			s.Head, err3 = parseHead(p[4])
			s.Encrypted = p[5] == "1"
			if errors.Join(err1, err2, err3) != nil || s.Size < 0 || s.Size > maxSegment || s.Erase > maxSegment {
				return nil, fmt.Errorf("it answered %q", text)
			}
			s.Erase = max(s.Erase, 0)
		default:
			return nil, fmt.Errorf("it answered %q", text)
		}
		list = append(list, s)
	}
	if count <= 0 {
		// rp2 without a partition fails here and in op 2. Where op 2 works,
		// something is wrong.
		if len(list) > 0 && list[0].Err == nil && count < 0 {
			return nil, fmt.Errorf("vfs.rom_ioctl(1) returned %d", count)
		}
		return nil, nil
	}
	return list, nil
}
