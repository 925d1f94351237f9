//go:build linux

package deploy

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"rules_romfs/packager/deploy/deploytest"
	"rules_romfs/packager/device"
	"rules_romfs/packager/port"
	"rules_romfs/packager/romfs"
	"rules_romfs/packager/simboard"
)

// A turntable is a port behind which boards change places: the first connection
// reaches the first board and is cut after so many bytes from the host, any later
// one reaches the other board.
type turntable struct {
	listener net.Listener
	boards   [2]*simboard.Board
	after    int64
}

func newTurntable(t *testing.T, after int64, first, then *simboard.Board) *turntable {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	table := &turntable{l, [2]*simboard.Board{first, then}, after}
	go table.serve()
	return table
}

func (s *turntable) port() string { return "socket://" + s.listener.Addr().String() }

func (s *turntable) serve() {
	for n := 0; ; n++ {
		host, err := s.listener.Accept()
		if err != nil {
			return
		}
		board, err := s.boards[min(n, 1)].Dial(context.Background())
		if err != nil {
			host.Close()
			return
		}
		go func() {
			io.Copy(host, board)
			host.Close()
		}()
		go func(cut bool) {
			if cut {
				io.CopyN(board, host, s.after)
				host.Close()
			} else {
				io.Copy(board, host)
			}
			board.Close()
		}(n == 0)
	}
}

// TestAnotherBoard swaps the board while an image is written: nothing is changed
// on the one that answers then, and its program goes on.
func TestAnotherBoard(t *testing.T) {
	t.Parallel()
	mine := deploytest.Image(t, romfs.Options{}, map[string][]byte{"app.py": deploytest.Code(1, 3000), "data": deploytest.Random(2, 60_000)})
	others := deploytest.Image(t, romfs.Options{}, map[string][]byte{"theirs.py": deploytest.Code(3, 2000)})
	serial := func(s string) func(*simboard.Options) { return func(o *simboard.Options) { o.Serial = s } }
	// Without a unique id: firmware without the machine module.
	anonymous := func(o *simboard.Options) { o.Faults.Missing = []string{"machine"} }
	for name, c := range map[string]struct {
		first, then []func(*simboard.Options)
		says        string
	}{
		"id":         {[]func(*simboard.Options){serial("aa01")}, []func(*simboard.Options){serial("aa02")}, "the unique id differs"},
		"machine":    {nil, []func(*simboard.Options){func(o *simboard.Options) { o.Machine = "Somebody else's board" }}, "Somebody else's board"},
		"no id":      {[]func(*simboard.Options){anonymous}, []func(*simboard.Options){anonymous, func(o *simboard.Options) { o.Release = "1.28.0" }}, "the firmware differs"},
		"ABI":        {[]func(*simboard.Options){anonymous}, []func(*simboard.Options){anonymous, func(o *simboard.Options) { o.MPY = 6 | 3<<8 }}, "built for another processor"},
		"partitions": {nil, []func(*simboard.Options){func(o *simboard.Options) { o.Partitions = []simboard.Partition{{Size: 1 << 20, Erase: 8192}} }}, "partitions are others"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := func(changes []func(*simboard.Options)) *simboard.Board {
				o := simboard.Options{Files: map[string]string{"main.py": mainFile}}
				for _, change := range changes {
					change(&o)
				}
				return deploytest.Start(t, o)
			}
			right, wrong := start(c.first), start(c.then)
			wrong.Load(0, others)
			r := request(t, right, mine)
			r.Port = newTurntable(t, 30_000, right, wrong).port()
			_, err := Run(context.Background(), r)
			var p *port.Error
			if !errors.As(err, &p) || !strings.Contains(err.Error(), "another board answers") || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v: wanted a port error that says %q", err, c.says)
			}
			if s := wrong.Stats(); s.Erases+s.Programs > 0 || !boardHolds(wrong, 0, others) {
				t.Errorf("the other board was changed: %+v", s)
			}
			if !mainRan(t, wrong) {
				t.Error("the other board's main.py does not run again")
			}
		})
	}
}

// TestTwoBoardsChangePlaces is what --all does when two boards re-enumerate at
// once and come back under each other's name.
func TestTwoBoardsChangePlaces(t *testing.T) {
	t.Parallel()
	a, b := deploytest.Start(t, simboard.Options{Serial: "0a"}), deploytest.Start(t, simboard.Options{Serial: "0b"})
	image := deploytest.Image(t, romfs.Options{}, map[string][]byte{"data": deploytest.Random(2, 60_000)})
	ports := []string{newTurntable(t, 30_000, a, b).port(), newTurntable(t, 30_000, b, a).port()}
	errs := make([]error, 2)
	var wait sync.WaitGroup
	for i, port := range ports {
		wait.Go(func() {
			r := request(t, a, image)
			r.Port = port
			_, errs[i] = Run(context.Background(), r)
		})
	}
	wait.Wait()
	for i, err := range errs {
		var other *device.OtherBoardError
		if !errors.As(err, &other) {
			t.Errorf("board %d: %v, wanted that another one answers", i, err)
		}
	}
	for i, board := range []*simboard.Board{a, b} {
		if boardHolds(board, 0, image) {
			t.Errorf("board %d holds an image that only the other port's deploy can have finished", i)
		}
	}
}

// TestTheSameBoardAgain: a board that is behind another connection goes on.
func TestTheSameBoardAgain(t *testing.T) {
	t.Parallel()
	b := deploytest.Start(t, simboard.Options{})
	image := deploytest.Image(t, romfs.Options{}, map[string][]byte{"data": deploytest.Random(2, 60_000)})
	r := request(t, b, image)
	r.Port = newTurntable(t, 30_000, b, b).port()
	result, err := Run(context.Background(), r)
	if err != nil || result.Resumed != 1 || !boardHolds(b, 0, image) {
		t.Errorf("%v, %+v", err, result)
	}
	if result.Changed != result.Blocks {
		t.Errorf("%d of %d blocks changed: those before the reconnect count too", result.Changed, result.Blocks)
	}
}
