package device_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"

	"rules_romfs/internal/peer"
	"rules_romfs/packager/device"
	"rules_romfs/packager/port"
)

// pyserial serves a terminal by pyserial's own server side, and a second one after
// a reset by the lines; it returns the port and what happens to the lines.
func pyserial(t *testing.T, terminals ...string) (name string, lines *bufio.Scanner) {
	t.Helper()
	lib := filepath.Join(filepath.Dir(filepath.Dir(peer.Mpremote(t))), "lib")
	cmd := exec.Command("python3", append([]string{filepath.Join("testdata", "rfc2217_server.py")}, terminals...)...)
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
	lines = bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatal("pyserial's server does not start")
	}
	return "rfc2217://127.0.0.1:" + lines.Text(), lines
}

// ser2net serves a terminal by ser2net.
func ser2net(t *testing.T, terminal string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().(*net.TCPAddr)
	l.Close()
	config := filepath.Join(t.TempDir(), "ser2net.yaml")
	text := fmt.Sprintf("%%YAML 1.1\n---\nconnection: &board\n  accepter: telnet(rfc2217=true),tcp,127.0.0.1,%d\n  connector: serialdev,%s,9600n81,local\n", addr.Port, terminal)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(peer.Ser2net(t), "-n", "-d", "-u", "-c", config, "-P", filepath.Join(t.TempDir(), "pid"))
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	name := "rfc2217://" + addr.String()
	waited := (&port.Choice{Ports: []string{name}})
	if _, err := waited.Await(t.Context(), time.Minute, func(error) {}); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestRFC2217 talks to a board through servers that we did not write.
func TestRFC2217(t *testing.T) {
	t.Parallel()
	t.Run("pyserial", func(t *testing.T) {
		t.Parallel()
		name, _ := pyserial(t, startBoard(t).PTY())
		talk(t, name)
	})
	t.Run("ser2net", func(t *testing.T) {
		t.Parallel()
		talk(t, ser2net(t, startBoard(t).PTY()))
	})
}

// A log collects warnings.
type log struct {
	mu    sync.Mutex
	lines []string
}

func (l *log) warn(message string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, message)
}

// hung returns a terminal behind which somebody takes all and says nothing.
func hung(t *testing.T) string {
	t.Helper()
	master, terminal, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close(); terminal.Close() })
	go io.Copy(io.Discard, master)
	return terminal.Name()
}

// TestHungBoard: a board that does not answer is restarted by the lines, here those
// of a server.
func TestHungBoard(t *testing.T) {
	t.Parallel()
	name, lines := pyserial(t, hung(t), startBoard(t).PTY())
	var warned log
	b, err := device.Connect(context.Background(), &port.Opener{Warn: warned.warn}, name, false)
	if err != nil {
		t.Fatalf("%v, after %q", err, warned.lines)
	}
	if err := b.Close(false); err != nil {
		t.Error(err)
	}
	var did []string
	for len(did) < 3 && lines.Scan() {
		did = append(did, lines.Text())
	}
	if got := strings.Join(did, ", "); got != "dtr off, rts on, rts off" {
		t.Errorf("the lines: %s", got)
	}
	if len(warned.lines) != 1 || !strings.Contains(warned.lines[0], "no answer; restarting the board (classic)") {
		t.Errorf("warnings: %q", warned.lines)
	}
}
