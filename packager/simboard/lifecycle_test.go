//go:build linux

package simboard_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"rules_romfs/internal/peer"
	"rules_romfs/packager/simboard"
	"rules_romfs/packager/simboard/simtest"
)

// helper names what this test binary does instead of testing.
const helper = "SIMBOARD_TEST_HELPER"

func TestMain(m *testing.M) {
	switch os.Getenv(helper) {
	case "":
		os.Exit(m.Run())
	case "hold":
		helperHold()
	case "count":
		helperCount()
	case "sockets":
		helperSockets()
	}
}

func helperBoard() *simboard.Board {
	b, err := simboard.Start(context.Background(), simboard.Options{})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	return b
}

// helperHold runs a board, whose main.py never ends, until it is killed.
func helperHold() {
	o := simboard.Options{}
	if err := o.SetFault("busy-main"); err != nil {
		panic(err)
	}
	b, err := simboard.Start(context.Background(), o)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	children, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/children", os.Getpid()))
	for _, task := range must(filepath.Glob("/proc/self/task/*/children")) {
		if c, err := os.ReadFile(task); err == nil && len(c) > 0 {
			children = c
		}
	}
	fmt.Println(strings.TrimSpace(string(children)), err, filepath.Dir(b.FlashFile()))
	select {}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// helperCount starts and ends boards, and counts what is left of them.
func helperCount() {
	count := func() (files, goroutines int) {
		for _, f := range must(os.ReadDir("/proc/self/fd")) {
			// Of terminals that are gone the numbers stay taken.
			if to, err := os.Readlink("/proc/self/fd/" + f.Name()); err == nil && !strings.HasPrefix(to, "/dev/pts/") {
				files++
			}
		}
		return files, runtime.NumGoroutine()
	}
	cycle := func() {
		b := helperBoard()
		conn := must(b.Dial(context.Background()))
		pty := must(os.OpenFile(b.PTY(), os.O_RDWR, 0))
		conn.Write([]byte("\r\x03\x03while True: pass\r"))
		b.Close()
		pty.Close()
		conn.Close()
		if _, err := os.Stat(filepath.Dir(b.FlashFile())); !errors.Is(err, os.ErrNotExist) {
			fmt.Println("left behind:", b.FlashFile())
		}
	}
	cycle()
	files, goroutines := count()
	for range 10 {
		cycle()
	}
	for range 100 { // goroutines that have been told to end may need a moment
		if f, g := count(); f <= files && g <= goroutines {
			fmt.Println("ok")
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	f, g := count()
	fmt.Printf("%d files and %d goroutines, %d and %d after ten more boards\n", files, goroutines, f, g)
}

func helperCommand(t *testing.T, mode string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), must(os.Executable()))
	cmd.Env = append(os.Environ(), helper+"="+mode, "ROMFS_MICROPYTHON="+peer.MicroPython(t))
	return cmd
}

// TestDeepTemporaryFolder starts a board below a folder whose name is longer than
// MicroPython's names may be, with its flash there too.
func TestDeepTemporaryFolder(t *testing.T) {
	deep := filepath.Join(t.TempDir(), strings.Repeat("d", 200), strings.Repeat("e", 200))
	if err := os.MkdirAll(deep, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", deep)
	b, h := prompt(t, simboard.Options{Files: map[string]string{"lib/mine.py": "x = 41 + 1"}})
	if !strings.HasPrefix(b.FlashFile(), deep) {
		t.Fatalf("the board's files are in %s", b.FlashFile())
	}
	if got := h.eval("__import__('mine').x, __import__('os').listdir(), len(__import__('vfs').rom_ioctl(2, 0))"); got != "42 ['lib'] 1048576" {
		t.Errorf("it says %q", got)
	}
	if _, exc := h.exec("import _simboard"); !strings.Contains(exc, "ImportError") {
		t.Errorf("the simulator shows itself: %q", exc)
	}
}

// TestKilled kills a process that runs a board: the interpreter must not outlive it.
func TestKilled(t *testing.T) {
	t.Parallel()
	cmd := helperCommand(t, "hold")
	out := must(cmd.StdoutPipe())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := must(bufio.NewReader(out).ReadString('\n'))
	var child int
	var nothing, dir string
	if _, err := fmt.Sscan(line, &child, &nothing, &dir); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) }) // a process that is killed cannot
	if c := must(os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", child))); !strings.Contains(string(c), "_simboard") {
		t.Fatalf("process %d is no interpreter: %q", child, c)
	}
	interpreter := startTime(child)
	cmd.Process.Kill()
	cmd.Wait()
	soon(t, "the end of the interpreter, which the board's process must not leave", func() bool { return startTime(child) != interpreter })
}

// startTime returns when a process was started, which tells it from another that
// is given its number later; of a process that has ended it is empty.
func startTime(pid int) string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	// proc_pid_stat(5): the name, in brackets, may hold anything; the state is
	// field 3 and the time of start field 22.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if fields[0] == "Z" || fields[0] == "X" {
		return ""
	}
	return fields[22-3]
}

// TestNothingLeft closes boards while they are busy and connected.
func TestNothingLeft(t *testing.T) {
	t.Parallel()
	out, err := helperCommand(t, "count").CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "ok" {
		t.Errorf("%s %v", out, err)
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	b, err := simboard.Start(ctx, simboard.Options{Interpreter: peer.MicroPython(t), Faults: simboard.Faults{BusyMain: true}})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	select {
	case <-b.Done():
	case <-time.After(patience):
		t.Fatal("the end of the context did not end the board")
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if b.Contents(0) != nil {
		t.Error("a closed board has flash contents")
	}
	if _, err := simboard.Start(ctx, simboard.Options{Interpreter: peer.MicroPython(t)}); !errors.Is(err, context.Canceled) {
		t.Errorf("Start with a context that has ended: %v", err)
	}
}

// TestInterpreters tries programs that are no MicroPython.
func TestInterpreters(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"no-such-interpreter": "executable file not found",
		"/bin/true":           "it did not start",
		"/dev/null":           "permission denied",
	} {
		_, err := simboard.Start(t.Context(), simboard.Options{Interpreter: name})
		var e *simboard.InterpreterError
		if !errors.As(err, &e) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "ROMFS_MICROPYTHON") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPowerCut(t *testing.T) {
	t.Parallel()
	b, h := prompt(t, simboard.Options{})
	h.exec("x = 1")
	b.PowerCut()
	waitOff(t, b)
	h.send("print('nobody hears')\r")
	soon(t, "bytes that nobody hears", func() bool { return b.Stats().LostBytes > 0 })
	b.PowerOn()
	h.until("MicroPython v")
	h.send("\r\x03print('up')\r")
	if got := h.until("\nup\r\n"); strings.Contains(got, "nobody") {
		t.Errorf("a board heard while it was off: %q", got)
	}
	if s := b.Stats(); s.PowerCuts != 1 || s.LostBytes == 0 || s.Crashes != 0 {
		t.Errorf("%+v", s)
	}
}

// TestPowerCutInReset cuts the power of a board that is between two interpreters most of the time.
func TestPowerCutInReset(t *testing.T) {
	t.Parallel()
	b := start(t, simboard.Options{Files: map[string]string{"main.py": "import machine, sys\nprint('cause', machine.reset_cause())\nsys.exit()\n"}})
	h := connect(t, b)
	for cut := 1; cut <= 5; cut++ {
		for range 3 { // it waits the longer, the more often
			h.until("cause 5\r\n")
		}
		b.PowerCut()
		waitOff(t, b)
		if n := b.Stats().PowerCuts; n != cut {
			t.Fatalf("cut %d was counted as %d", cut, n)
		}
		b.PowerOn()
		h.until("cause 1\r\n")
	}
}

// TestStats counts the bytes of one exchange.
func TestStats(t *testing.T) {
	t.Parallel()
	b, h := prompt(t, boardWith(small))
	b.ResetStats()
	h.exec("import vfs\nvfs.rom_ioctl(3, 0, 8192)\nvfs.rom_ioctl(4, 0, 250, bytes(12))")
	s := b.Stats()
	if s.HostToBoard != 73 || s.BoardToHost != 5 || s.Turnarounds != 1 || s.Erases != 2 || s.ErasedBytes != 8192 || s.Programs != 2 || s.ProgramBytes != 12 || s.Boots != 0 {
		t.Errorf("%+v", s)
	}
	if got := simtest.LinkTime(s, 9600, time.Millisecond); got != 2*time.Millisecond+time.Duration(78*10*time.Second)/9600 {
		t.Errorf("LinkTime says %v", got)
	}
	if got := simtest.FlashTime(s, time.Second, time.Millisecond); got != 2002*time.Millisecond {
		t.Errorf("FlashTime says %v", got)
	}
}

func TestListen(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"0.0.0.0:0", "nonsense", "127.0.0.1:-1"} {
		_, err := simboard.Start(t.Context(), simboard.Options{Interpreter: peer.MicroPython(t), Listen: addr})
		if err == nil || !strings.Contains(err.Error(), addr) {
			t.Errorf("%s: %v", addr, err)
		}
	}
	link := filepath.Join(t.TempDir(), "port")
	write(t, link, "somebody's file")
	if _, err := simboard.Start(t.Context(), simboard.Options{Interpreter: peer.MicroPython(t), Link: link}); err == nil {
		t.Error("a file was replaced by a symlink")
	}
	link += "2"
	b := start(t, simboard.Options{Link: link})
	if to, err := os.Readlink(link); err != nil || to != b.PTY() {
		t.Errorf("the symlink points to %q, %v, not to %s", to, err, b.PTY())
	}
	b.Close()
	if _, err := os.Lstat(link); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the symlink was left: %v", err)
	}
}
