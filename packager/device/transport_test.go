//go:build linux

package device_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"rules_romfs/internal/peer"
	"rules_romfs/packager/device"
	"rules_romfs/packager/port"
	"rules_romfs/packager/simboard"
)

func startBoard(t *testing.T) *simboard.Board {
	t.Helper()
	b, err := simboard.Start(context.Background(), simboard.Options{Interpreter: peer.MicroPython(t), Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	b.Load(0, []byte("\xd2\xcd\x31\x00"))
	return b
}

// talk connects to a port and reads and writes the board's ROM through it.
func talk(t *testing.T, name string) {
	t.Helper()
	ctx := context.Background()
	b, err := device.Connect(ctx, &port.Opener{}, name, true)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.Close(true); err != nil {
			t.Error(err)
		}
	}()
	if len(b.Segments) != 1 || string(b.Segments[0].Head[:4]) != "\xd2\xcd\x31\x00" {
		t.Fatalf("segments: %+v", b.Segments)
	}
	rom, err := b.OpenROM(ctx, b.Segments[0], 0)
	if err != nil {
		t.Fatal(err)
	}
	// Every byte value, 255 of telnet among them.
	all := make([]byte, 1024)
	for i := range all {
		all[i] = byte(i)
	}
	var ops device.Ops
	ops.Put(0, all).EraseRange(8192, 4096).Write(8192, 1024)
	if _, err := rom.Run(ctx, &ops); err != nil {
		t.Fatal(err)
	}
	got, err := rom.Read(ctx, 8192, 1024, nil)
	if err != nil || string(got) != string(all) {
		t.Fatalf("%v: read back %x", err, got)
	}
	if err := b.Stop(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestSerial(t *testing.T) {
	t.Parallel()
	talk(t, startBoard(t).PTY())
}

func TestSocket(t *testing.T) {
	t.Parallel()
	talk(t, startBoard(t).Addr())
}

func TestProcess(t *testing.T) {
	t.Parallel()
	addr := strings.TrimPrefix(startBoard(t).Addr(), "socket://")
	host, number, _ := strings.Cut(addr, ":")
	script := filepath.Join("testdata", "connect.py")
	talk(t, "exec:exec python3 "+script+" "+host+" "+number)
}

func TestOpenErrors(t *testing.T) {
	t.Parallel()
	ports := map[string]string{
		"":                        "no name",
		"/dev/no-such-port":       "there is no such port",
		"socket://127.0.0.1":      "socket://HOST:PORT",
		"ftp://127.0.0.1:1":       "no kind of port",
		"socket://127.0.0.1:1":    "refused",
		"exec:":                   "exec:COMMAND",
		"sim:":                    "not available",
		"exec:exit 3":             "exit status 3",
		"rfc2217://127.0.0.1:abc": "rfc2217://HOST:PORT",
		"/dev/null":               "no serial port",
	}
	for name, says := range ports {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, err := device.Connect(context.Background(), &port.Opener{}, name, false)
			var pe *port.Error
			if !errors.As(err, &pe) || !strings.Contains(err.Error(), says) {
				t.Errorf("%v, %v: wanted a port.Error with %q", b, err, says)
			}
		})
	}
}
