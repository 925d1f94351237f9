//go:build linux

package deploy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"rules_romfs/packager/board"
	"rules_romfs/packager/deploy/deploytest"
	"rules_romfs/packager/port"
	"rules_romfs/packager/repl"
	"rules_romfs/packager/report"
	"rules_romfs/packager/romfs"
	"rules_romfs/packager/simboard"
	"rules_romfs/packager/simboard/flashsim"
)

// hostile is a payload that would show if any of it were executed: REPL
// commands that write a file of the board, with every control character that
// ends or sends a command.
func hostile(n int) []byte {
	var b bytes.Buffer
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "\r\x03\x02\r\nopen('owned','w').close()\r\n\x04\x01open('owned','w').close()\x04\x05A\x01%d~=00ffff\x04>", i)
	}
	return b.Bytes()
}

// owned asks the board whether the payload was executed.
func owned(t testing.TB, b *simboard.Board) bool {
	t.Helper()
	ctx := context.Background()
	var r *repl.REPL
	for try := 0; ; try++ {
		link, err := (&port.Opener{}).Open(ctx, b.Addr())
		if err == nil {
			r = &repl.REPL{Link: link}
			if err = r.Enter(ctx, 20*time.Second); err == nil {
				break
			}
			link.Close() // the board has not yet noticed that the deploy has left
		}
		if try == 20 {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
	}
	defer r.Link.Close()
	said := ""
	err := r.Retry(ctx, func() error { // this line is as bad as that of the deploy
		out, err := r.Exec(ctx, "import os\nprint('files', os.listdir())\n", 10*time.Second)
		if said = string(out); err == nil && !strings.Contains(said, "files") {
			err = port.Failed("asking for files", fmt.Errorf("the board says %q", said))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(said, "owned")
}

// TestHostilePayload deploys REPL commands over lines that lose, double and
// flip bytes. None of them is executed.
func TestHostilePayload(t *testing.T) {
	t.Parallel()
	seeds := 4
	if deploytest.Full {
		seeds = 200
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			o := simboard.Options{Seed: uint64(seed + 1)}
			o.Faults.ToBoard = simboard.Disturbance{Lose: 2500, Flip: 2500, Double: 2500}
			b := deploytest.Start(t, o)
			image := deploytest.Image(t, romfs.Options{}, map[string][]byte{"x.py": hostile(12_000)})
			ctx, cancel := context.WithTimeout(context.Background(), deploytest.Patience)
			defer cancel()
			r := request(t, b, image)
			result, err := Run(ctx, r)
			var transfer *port.TransferError
			if err != nil && !errors.As(err, &transfer) {
				t.Errorf("neither success nor a transfer error: %v", err)
			}
			t.Logf("%v, %d frames repeated, %d reconnects", err, result.Retries, result.Resumed)
			if owned(t, b) {
				t.Error("a part of the image was executed")
			}
		})
	}
}

// TestInterrupt cancels a deploy in the middle, as Ctrl-C does: it ends soon,
// the port is free, the board at its friendly REPL, and the next deploy goes on.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	o := simboard.Options{}
	o.Faults.EraseTime = 100 * time.Millisecond
	b := deploytest.Start(t, o)
	image := deploytest.Image(t, romfs.Options{}, map[string][]byte{"data": deploytest.Random(5, 120_000)})
	r := request(t, b, image)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		for b.Stats().Erases < 15 && ctx.Err() == nil {
			time.Sleep(5 * time.Millisecond)
		}
		cancel()
	}()
	_, err := Run(ctx, r)
	var halfway *InterruptedError
	if !errors.As(err, &halfway) || !errors.Is(err, context.Canceled) {
		t.Fatalf("%v, wanted an InterruptedError", err)
	}
	done := b.Stats().Erases
	result, err := Run(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	if result.Changed > result.Blocks-done+2 {
		t.Errorf("%d of %d blocks were written before the interruption, but %d again", done, result.Blocks, result.Changed)
	}
}

// TestResume cuts the power at 70 % of a deploy; the next one sends only what
// is missing.
func TestResume(t *testing.T) {
	t.Parallel()
	o := simboard.Options{}
	o.Faults.USB = time.Millisecond // the port goes with the power
	b := deploytest.Start(t, o)
	image := deploytest.Image(t, romfs.Options{}, map[string][]byte{"data": deploytest.Random(5, 160_000)})
	r := request(t, b, image)
	// 16 pages and an erase a block, and 40 blocks.
	b.SetCut(flashsim.Cut{Step: 17 * 40 * 7 / 10})
	ctx := deploytest.UntilOff(t, b)
	if _, err := Run(ctx, r); err == nil {
		t.Fatal("the deploy did not notice that the power was cut")
	}
	b.PowerOn()
	result, err := Run(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d of %d blocks, %d of %d bytes", result.Changed, result.Blocks, result.Literal, len(image))
	if result.Literal > int64(len(image))*35/100 {
		t.Errorf("%d of %d bytes were sent again", result.Literal, len(image))
	}
	if !bytes.HasPrefix(b.Contents(0), image) {
		t.Error("the flash holds something else")
	}
}

// TestBeyond16MiB deploys to a 24 MiB partition whose slices overflow from
// 16 MiB on, as on 32-bit firmware, and to one whose firmware cannot help it.
func TestBeyond16MiB(t *testing.T) {
	t.Parallel()
	o := simboard.Options{Partitions: []simboard.Partition{{Size: 24 << 20, Erase: 64 * kib}}}
	o.Faults.Narrow = true
	b := deploytest.Start(t, o)
	image := deploytest.Image(t, romfs.Options{}, map[string][]byte{"big": bytes.Repeat([]byte("16 MiB and more "), (17<<20)/16)})
	result, err := Run(context.Background(), request(t, b, image))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(b.Contents(0), image) {
		t.Error("the flash holds something else")
	}
	t.Logf("%d blocks, %d bytes on the link", result.Blocks, result.Sent)
}

// TestPreflight checks what is refused, and that nothing was erased by then.
func TestPreflight(t *testing.T) {
	t.Parallel()
	image := smallImage(t)
	native := deploytest.Image(t, romfs.Options{}, map[string][]byte{"n.mpy": {'M', 6, 6 | 3<<0, 31, 1, 0, 0}})
	old := deploytest.Image(t, romfs.Options{}, map[string][]byte{"n.mpy": {'M', 5, 0, 31, 1, 0, 0}})
	other := &board.Profile{ID: "other", Machines: []string{"Other board with *"}, Partitions: []board.Partition{{Name: "romfs0", Size: 1 << 20}}}
	none := &board.Profile{ID: "none", NoROM: "no flash"}
	for name, c := range map[string]struct {
		o     simboard.Options
		image []byte
		board *board.Profile
		part  string
		says  string
	}{
		"no ROMFS":      {simboard.Options{NoROM: true}, image, nil, "", "not enabled"},
		"no partition":  {simboard.Options{Partitions: []simboard.Partition{}}, image, nil, "", "no ROM partition"},
		"size 0":        {simboard.Options{Partitions: []simboard.Partition{{}}}, image, nil, "", "size 0"},
		"too large":     {simboard.Options{Partitions: []simboard.Partition{{Size: 8192}}}, image, nil, "", "only 8192"},
		"index":         {simboard.Options{}, image, nil, "3", "no partition 3"},
		"machine":       {simboard.Options{}, image, other, "", "--any-board"},
		"profile":       {simboard.Options{}, image, none, "", "no flash"},
		".mpy version":  {simboard.Options{}, old, nil, "", "cannot load n.mpy"},
		".mpy arch":     {simboard.Options{MPY: 6 | 3<<8}, native, nil, "", "cannot load n.mpy"},
		"ROM in thread": {simboard.Options{Faults: simboard.Faults{ROMImports: []string{"app"}, ROMThread: true}}, image, nil, "", "_thread"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := deploytest.Start(t, c.o)
			if c.o.Faults.ROMThread {
				b.Load(0, deploytest.Image(t, romfs.Options{}, map[string][]byte{"app.py": []byte("import _thread, time\ndef run():\n while True:\n  time.sleep_ms(10)\n")}))
				b.Reset()
			}
			r := request(t, b, c.image)
			r.Board, r.Partition = c.board, c.part
			_, err := Run(context.Background(), r)
			var incompatible *IncompatibleError
			if !errors.As(err, &incompatible) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v: wanted an IncompatibleError with %q", err, c.says)
			}
			if s := b.Stats(); s.Erases+s.Programs > 0 {
				t.Errorf("the flash was touched: %+v", s)
			}
		})
	}
}

// TestAnyBoard: a machine that the profile does not know takes --any-board, and
// --core-stopped is about another thing.
func TestAnyBoard(t *testing.T) {
	t.Parallel()
	other, err := board.Lookup("weact-h743")
	if err != nil {
		t.Fatal(err)
	}
	b := deploytest.Start(t, simboard.Options{})
	r := request(t, b, smallImage(t))
	r.Board, r.OtherCore = other, true
	var incompatible *IncompatibleError
	if _, err := Run(context.Background(), r); !errors.As(err, &incompatible) || !strings.Contains(err.Error(), "--any-board") {
		t.Errorf("%v: wanted an IncompatibleError", err)
	}
	r.AnyBoard, r.OtherCore = true, false
	if _, err := Run(context.Background(), r); err != nil || !boardHolds(b, 0, r.Image) {
		t.Error(err)
	}
}

// TestSeveralAtOnce shows that one lock guards a port.
func TestSeveralAtOnce(t *testing.T) {
	t.Parallel()
	b := deploytest.Start(t, simboard.Options{})
	r := request(t, b, smallImage(t))
	meddled := false
	r.Reporter = meddling{r.Reporter, func() {
		meddled = true
		_, err := Run(context.Background(), request(t, b, smallImage(t)))
		var port *port.Error
		if !errors.As(err, &port) || !strings.Contains(err.Error(), "busy") {
			t.Errorf("another deploy meanwhile: %v, wanted a busy port", err)
		}
	}}
	if _, err := Run(context.Background(), r); err != nil || !meddled {
		t.Error(err, meddled)
	}
}

// keeping is a Reporter that keeps what was said.
type keeping struct {
	report.Reporter
	said *[]string
}

func (k keeping) Log(level report.Level, msg string) {
	*k.said = append(*k.said, msg)
	k.Reporter.Log(level, msg)
}

// TestWatchdog deploys to a board whose watchdog nothing feeds, and which takes
// longer to erase the blocks than that allows.
func TestWatchdog(t *testing.T) {
	t.Parallel()
	o := simboard.Options{}
	for _, f := range []string{"watchdog=8s", "erase-time=2500ms"} {
		if err := o.SetFault(f); err != nil {
			t.Fatal(err)
		}
	}
	b := deploytest.Start(t, o)
	image := smallImage(t)
	r := request(t, b, image)
	var said []string
	r.Reporter = keeping{r.Reporter, &said}
	result, err := Run(context.Background(), r)
	if err != nil || !bytes.HasPrefix(b.Contents(0), image) {
		t.Fatalf("%v, or the flash holds something else", err)
	}
	if !strings.Contains(strings.Join(said, "\n"), "a watchdog reset the board; going on where it stopped") || result.Resumed == 0 {
		t.Errorf("%d reconnects; it said %q", result.Resumed, said)
	}
}
