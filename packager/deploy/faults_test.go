//go:build linux

package deploy

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"rules_romfs/packager/deploy/deploytest"
	"rules_romfs/packager/device"
	"rules_romfs/packager/port"
	"rules_romfs/packager/romfs"
	"rules_romfs/packager/simboard"
)

// usable checks that the port is free again and that the board answers at it,
// be it with the -22 that it was told to say.
func usable(t testing.TB, r Request) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), deploytest.Patience)
	defer cancel()
	b, err := device.Connect(ctx, r.Opener, r.Port, false)
	if err != nil {
		if !strings.Contains(err.Error(), "-22") {
			t.Errorf("afterwards the board does not answer: %v", err)
		}
		return
	}
	if err := b.Close(false); err != nil {
		t.Errorf("afterwards the board is not left well: %v", err)
	}
}

func smallImage(t testing.TB) []byte { return smallImageIn(t, 0) }

// smallImageIn makes it for flash that is written in units of so many bytes.
func smallImageIn(t testing.TB, unit int64) []byte {
	return deploytest.Image(t, romfs.Options{WriteUnit: unit}, map[string][]byte{"app.py": deploytest.Code(1, 3000), "data.bin": deploytest.Random(7, 12000)})
}

// TestFaults deploys to boards and over links that misbehave. All of these end
// in success.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, faults := range []string{
		"lose=3000 seed=1", "lose=3000 seed=2", "flip=3000 seed=1", "flip=2000 seed=3", "double=2000 seed=1",
		"reply-lose=1500 seed=1", "reply-flip=1500 seed=1", "reply-double=500 seed=1",
		"lose=9000 flip=9000 double=9000 reply-lose=4000 reply-flip=4000 seed=4",
		"lose=4000 flip=4000 double=4000 reply-lose=4000 reply-flip=4000 reply-double=4000 noise=4000 seed=4",
		"lose=4000 flip=4000 double=4000 reply-lose=4000 reply-flip=4000 reply-double=4000 noise=4000 seed=6",
		"noise=300 seed=1", "noise=100 seed=2",
		"ring=128 ring-drops baud=115200", "ring=260 ring-drops baud=921600", "ring=64 window=32 ring-drops baud=115200", "deaf=1", "deaf=16",
		"intr-clears", "reset-on-open boot-time=300ms", "reset-on-open usb=300ms boot-time=300ms",
		"raw-paste=refused", "raw-paste=unknown", "window=32", "max-paste=600", "abort-paste=400",
		"heap=64KiB", "heap=24KiB", "heap=64KiB largest=16KiB",
		"missing=hashlib", "missing=hashlib.sha256", "missing=deflate", "missing=binascii.crc32", "missing=binascii", "missing=uctypes",
		"missing=hashlib missing=binascii", "missing=binascii.crc32 missing=hashlib",
		"missing=select", "missing=sys.stdin.buffer", "missing=select missing=hashlib missing=binascii missing=deflate",
		"missing=select flip=3000 seed=2", "missing=select lose=4000 reply-flip=3000 seed=3", "raw-paste=refused flip=3000 seed=1",
		"narrow", "busy-main", "old-firmware",
		"erase-time=50ms program-time=1ms", "unaligned-fails",
		"fail=5", "fail=6", "weak-block=2", "weak-block=0", "heap=48KiB largest=12KiB",
		"cut=5 power-back=500ms", "cut=20 power-back=500ms", "cut=30 power-back=500ms usb=300ms",
	} {
		t.Run(faults, func(t *testing.T) {
			t.Parallel()
			var o simboard.Options
			for f := range strings.FieldsSeq(faults) {
				if err := o.SetFault(f); err != nil {
					t.Fatal(err)
				}
			}
			b := deploytest.Start(t, o)
			image := smallImage(t)
			r := request(t, b, image)
			ctx, cancel := context.WithTimeout(context.Background(), deploytest.Patience)
			defer cancel()
			start := time.Now()
			result, err := Run(ctx, r)
			t.Logf("%v, %d retries, %d reconnects, %+v", time.Since(start), result.Retries, result.Resumed, b.Stats())
			if err != nil {
				t.Fatal(err)
			}
			if result.Healed && !strings.Contains(faults, "weak") {
				t.Error("the first writing was wrong")
			}
			if got := b.Contents(0)[:len(image)]; !bytes.Equal(got, image) {
				t.Error("it said done, but the flash holds something else")
			}
			if v := b.Stats().Violations; len(v) > 0 {
				t.Errorf("violations: %v", v)
			}
			usable(t, r)
		})
	}
}

// TestFailingOperations checks that no return value of the firmware is taken
// for granted: each operation that says -22 ends the deploy with exit code 7
// (a port.TransferError) that names it.
func TestFailingOperations(t *testing.T) {
	t.Parallel()
	blocks := []simboard.Partition{{Driver: "rp2", Size: 1 << 20}}
	for _, c := range []struct {
		fault, named string
		parts        []simboard.Partition
		old          bool
	}{
		{"fail=1", "rom_ioctl(1)", nil, false},
		{"fail=2", "rom_ioctl(2, 0)", nil, false},
		{"fail=3", "rom_ioctl(3, 0, 0, 4096)", nil, false},
		{"fail=4", "rom_ioctl(4, 0, 0, ...)", nil, false},
		{"fail=4@3", "rom_ioctl(4, 0, 8192, ...)", nil, false},
		{"fail=4@5", "rom_ioctl(4, 0, 0, ...)", nil, false}, // the commit
		{"fail=4@2", "rom_ioctl(4, 0, ", nil, true},
		{"fail=count", "ioctl(4)", blocks, false},
		{"fail=size", "ioctl(5)", blocks, false},
		{"fail=write", "writeblocks(0)", blocks, false},
		{"fail=write@3", "writeblocks(2)", blocks, false},
	} {
		t.Run(c.fault, func(t *testing.T) {
			t.Parallel()
			o := simboard.Options{Partitions: c.parts}
			if c.old {
				o.Generation = simboard.Old
			}
			if err := o.SetFault(c.fault); err != nil {
				t.Fatal(err)
			}
			b := deploytest.Start(t, o)
			r := request(t, b, smallImage(t))
			_, err := Run(context.Background(), r)
			var transfer *port.TransferError
			if !errors.As(err, &transfer) || !strings.Contains(err.Error(), c.named) || c.parts == nil && !strings.Contains(err.Error(), "-22") {
				t.Errorf("%v: wanted a transfer error that names %s and -22", err, c.named)
			}
			t.Log(err)
			usable(t, r)
		})
	}
}
