//go:build linux

package device_test

import (
	"bufio"
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rules_romfs/internal/peer"
	"rules_romfs/packager/board"
	"rules_romfs/packager/device"
	"rules_romfs/packager/simboard"
)

func startBoard(t *testing.T) *simboard.Board {
	t.Helper()
	b, err := simboard.Start(context.Background(), simboard.Options{Interpreter: peer.MicroPython(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	b.Load(0, []byte("\xd2\xcd\x31\x00"))
	return b
}

// talk connects to a port and reads and writes the board's ROM through it.
func talk(t *testing.T, port string) {
	t.Helper()
	ctx := context.Background()
	b, err := (&device.Opener{}).Connect(ctx, port, true)
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

// TestJunkAtThePrompt has bytes left at the raw REPL that were meant for a
// program: they neither keep a reset from happening nor a program from arriving.
func TestJunkAtThePrompt(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	link, err := (&device.Opener{}).Open(ctx, startBoard(t).Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer link.Close()
	repl := &device.REPL{Link: link}
	if err := repl.Enter(ctx, time.Minute); err != nil {
		t.Fatal(err)
	}
	junk := func() {
		if err := link.Write(ctx, []byte("\n\n\n~k630000000000")); err != nil {
			t.Fatal(err)
		}
	}
	junk()
	if out, err := repl.Exec(ctx, "x=1\nprint(x)\n", time.Minute); err != nil || string(out) != "1\r\n" {
		t.Fatalf("%q, %v", out, err)
	}
	junk()
	if err := repl.SoftReset(ctx, time.Minute); err != nil {
		t.Fatal(err)
	}
	if out, err := repl.Exec(ctx, "print('x' in globals())\n", time.Minute); err != nil || string(out) != "False\r\n" {
		t.Errorf("after the reset: %q, %v", out, err)
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
	host, port, _ := strings.Cut(addr, ":")
	script := filepath.Join("testdata", "connect.py")
	talk(t, "exec:exec python3 "+script+" "+host+" "+port)
}

// TestRFC2217 goes through pyserial's own server side.
func TestRFC2217(t *testing.T) {
	t.Parallel()
	lib := filepath.Join(filepath.Dir(filepath.Dir(peer.Mpremote(t))), "lib")
	cmd := exec.Command("python3", filepath.Join("testdata", "rfc2217_server.py"), startBoard(t).PTY())
	cmd.Env = append(cmd.Environ(), "PYTHONPATH="+lib, "PYTHONDONTWRITEBYTECODE=1")
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	port, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	talk(t, "rfc2217://127.0.0.1:"+strings.TrimSpace(port))
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
	for port, says := range ports {
		t.Run(port, func(t *testing.T) {
			t.Parallel()
			b, err := (&device.Opener{}).Connect(context.Background(), port, false)
			var pe *device.PortError
			if !errors.As(err, &pe) || !strings.Contains(err.Error(), says) {
				t.Errorf("%v, %v: wanted a PortError with %q", b, err, says)
			}
		})
	}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	n6, err := board.Lookup("openmv-n6")
	if err != nil {
		t.Fatal(err)
	}
	ports := []device.Port{
		{Name: "/dev/ttyACM0", USB: "37c5:1206", Serial: "AAA"},
		{Name: "/dev/ttyACM1", USB: "37c5:1206", Serial: "BBB"},
		{Name: "/dev/ttyACM2", USB: "37c5:9206", Serial: "CCC"}, // in its bootloader
		{Name: "/dev/ttyS0"},
	}
	book := device.Book{"kitchen": {"/dev/ttyUSB7"}, "hall": {"bbb"}, "gone": {"ZZZ"}}
	for name, c := range map[string]struct {
		choice device.Choice
		list   []device.Port
		want   string // ports, or what the error says
	}{
		"asked for":         {device.Choice{Ports: []string{"/dev/x", "kitchen", "/dev/x"}}, ports, "/dev/x /dev/ttyUSB7"},
		"by serial number":  {device.Choice{Ports: []string{"aaa"}}, ports, "/dev/ttyACM0"},
		"name to serial":    {device.Choice{Ports: []string{"hall"}}, ports, "/dev/ttyACM1"},
		"unplugged":         {device.Choice{Ports: []string{"gone"}}, ports, "no USB device with this serial number"},
		"environment":       {device.Choice{Default: "kitchen"}, ports, "/dev/ttyUSB7"},
		"board in the book": {device.Choice{Board: n6, Book: device.Book{"openmv-n6": {"/dev/y"}}}, ports, "/dev/y"},
		"one by USB id":     {device.Choice{Board: n6}, ports[:1], "/dev/ttyACM0"},
		"several":           {device.Choice{Board: n6}, ports, "several ports look like openmv-n6: /dev/ttyACM0, /dev/ttyACM1"},
		"all":               {device.Choice{Board: n6, All: true}, ports, "/dev/ttyACM0 /dev/ttyACM1"},
		"none":              {device.Choice{Board: n6}, ports[2:], "no port looks like openmv-n6 (there are /dev/ttyACM2"},
		"any known board":   {device.Choice{}, ports[1:], "/dev/ttyACM1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.choice.Book == nil {
				c.choice.Book = book
			}
			c.choice.List = func() ([]device.Port, error) { return c.list, nil }
			got, err := c.choice.Choose()
			text := strings.Join(got, " ")
			if err != nil {
				text = err.Error()
			}
			if err == nil && text != c.want || err != nil && !strings.Contains(text, c.want) {
				t.Errorf("%s, wanted %s", text, c.want)
			}
		})
	}
}
