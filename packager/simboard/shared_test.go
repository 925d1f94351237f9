//go:build linux

package simboard_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"testing"

	"rules_romfs/packager/simboard"
)

// helperSockets starts a board and says which sockets listen that were not there before.
func helperSockets() {
	b := helperBoard()
	defer b.Close()
	conn := must(b.Dial(context.Background()))
	defer conn.Close()
	inodes := map[string]bool{}
	for _, f := range must(os.ReadDir("/proc/self/fd")) {
		if to, err := os.Readlink("/proc/self/fd/" + f.Name()); err == nil {
			inodes[strings.Trim(strings.TrimPrefix(to, "socket:"), "[]")] = true
		}
	}
	for table, columns := range map[string][3]any{"tcp": {3, "0A", 9}, "tcp6": {3, "0A", 9}, "unix": {5, "01", 6}} {
		data, err := os.ReadFile("/proc/self/net/" + table)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		for line := range strings.Lines(string(data)) {
			f := strings.Fields(line)
			listens := len(f) > columns[2].(int) && f[columns[0].(int)] == columns[1]
			if table == "unix" { // a socket with a path or a name could be found
				listens = len(f) > 7
			}
			if listens && inodes[f[columns[2].(int)]] {
				fmt.Println(table, line)
			}
		}
	}
	fmt.Println("ok")
}

// TestListensNowhere starts a board as sim: does: no other program can reach it.
func TestListensNowhere(t *testing.T) {
	t.Parallel()
	out, err := helperCommand(t, "sockets").CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "ok" {
		t.Errorf("%s %v", out, err)
	}
	if b := start(t, simboard.Options{}); b.Addr() != "" {
		t.Errorf("a board without --listen has the address %s", b.Addr())
	}
}

// TestPTYIsPrivate looks at who may write to the board's terminal.
func TestPTYIsPrivate(t *testing.T) {
	t.Parallel()
	b := start(t, simboard.Options{})
	if mode := must(os.Stat(b.PTY())).Mode().Perm(); mode&0o177 != 0 {
		t.Errorf("%s has mode %o", b.PTY(), mode)
	}
}

// TestBrowsers sends what any web page can have a browser send to a loopback
// port: none of it reaches the board.
func TestBrowsers(t *testing.T) {
	t.Parallel()
	b := start(t, simboard.Options{Listen: loopback})
	terminal := open(t, b)
	terminal.send("6*7\r")
	terminal.until("42\r\n>>> ") // what it says when it starts is no answer
	addr := strings.TrimPrefix(b.Addr(), "socket://")
	const body = "\r\x03\x01import vfs\nvfs.rom_ioctl(4, 0, 0, b'owned')\x04"
	for _, pieces := range [][]string{
		{fmt.Sprintf("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s", len(body), body)},
		{"OPT", "IONS / HTTP/1.1\r\n" + body},
		{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + body},
	} {
		conn := must(net.Dial("tcp", addr))
		for _, p := range pieces {
			conn.Write([]byte(p))
		}
		if n, _ := conn.Read(make([]byte, 1)); n > 0 { // until it is turned away
			t.Errorf("%q was answered", pieces)
		}
		conn.Close()
	}
	if got := b.Contents(0)[0]; got != 0xff {
		t.Error("a web page wrote to the flash")
	}
	h := &host{t: t, conn: must(net.Dial("tcp", addr))}
	defer h.conn.Close()
	h.send("P") // as many a terminal's first character
	h.send("=1\r")
	h.until(">>> ")
	h.send("PO=2\r")
	h.until("PO=2")
}

// TestOldPTY opens the path of a terminal that a board had, while another board
// has come: it leads to none of them.
func TestOldPTY(t *testing.T) {
	t.Parallel()
	b := start(t, simboard.Options{})
	old := b.PTY()
	b.Close()
	for range 3 {
		next := start(t, simboard.Options{})
		if next.PTY() == old {
			t.Fatalf("%s is another board's", old)
		}
	}
	if _, err := os.OpenFile(old, os.O_RDWR, 0); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the path of a board that is gone: %v", err)
	}
}
