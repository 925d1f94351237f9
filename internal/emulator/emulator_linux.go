package emulator

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"rules_romfs/internal/peer"
)

// A Board is firmware in QEMU.
type Board struct {
	Port string // as romfs takes it; another one after PowerOn

	options Options
	dir     string // of the files that QEMU reads
	memory  []byte // the PSRAM, also while QEMU runs
	qemu    *exec.Cmd
	stdin   io.Closer
}

// Start starts a new board, which the end of the test ends.
func Start(tb testing.TB, o Options) *Board {
	tb.Helper()
	b := &Board{options: o.withDefaults(), dir: tb.TempDir()}
	for name, content := range map[string][]byte{"settings": b.options.settings(), "files": b.options.files()} {
		if err := os.WriteFile(b.file(name), content, 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	if err := b.mapMemory(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		b.PowerOff()
		syscall.Munmap(b.memory)
	})
	copy(b.memory, o.Image)
	b.PowerOn(tb)
	return b
}

func (b *Board) file(name string) string { return filepath.Join(b.dir, name) }

// option is a file as the value of one of QEMU's options.
func (b *Board) option(name string) string { return strings.ReplaceAll(b.file(name), ",", ",,") }

// mapMemory makes the file that is the board's memory.
func (b *Board) mapMemory() error {
	f, err := os.Create(b.file("memory"))
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Truncate(memorySize); err != nil {
		return err
	}
	b.memory, err = syscall.Mmap(int(f.Fd()), 0, memorySize, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	return err
}

// PowerOn starts the board with the memory that it had.
func (b *Board) PowerOn(tb testing.TB) {
	tb.Helper()
	qemu := exec.Command(peer.QEMUARM(tb),
		"-machine", "mps2-an385,memory-backend=psram", "-nodefaults", "-display", "none",
		"-object", fmt.Sprintf("memory-backend-file,id=psram,size=%d,share=on,mem-path=%s", memorySize, b.option("memory")),
		"-device", fmt.Sprintf("loader,file=%s,addr=%#x,force-raw=on", b.option("settings"), settingsAt),
		"-device", fmt.Sprintf("loader,file=%s,addr=%#x,force-raw=on", b.option("files"), filesAt),
		// Without nodelay each turn would wait for an acknowledgement.
		"-chardev", "socket,id=line,host=127.0.0.1,port=0,server=on,wait=off,nodelay=on", "-serial", "chardev:line",
		"-qmp", "stdio", "-kernel", peer.Firmware(tb))
	var stderr bytes.Buffer
	qemu.Stderr = &stderr
	qemu.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stdin, err := qemu.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	stdout, err := qemu.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := startKept(qemu); err != nil {
		tb.Fatal(err)
	}
	b.qemu, b.stdin = qemu, stdin
	address, err := lineAddress(stdin, stdout)
	if err != nil {
		b.PowerOff()
		tb.Fatalf("QEMU: %v\n%s", err, stderr.String())
	}
	b.Port = "socket://" + address
}

// starts are the programs to start. One thread starts all, and stays: they end
// with the thread that started them (Pdeathsig).
var starts = make(chan func())

func init() {
	go func() {
		runtime.LockOSThread()
		for start := range starts {
			start()
		}
	}()
}

func startKept(cmd *exec.Cmd) error {
	result := make(chan error)
	starts <- func() { result <- cmd.Start() }
	return <-result
}

// lineAddress asks QEMU where it listens for the board's UART.
func lineAddress(w io.Writer, r io.Reader) (string, error) {
	if _, err := io.WriteString(w, `{"execute":"qmp_capabilities"}{"execute":"query-chardev"}`); err != nil {
		return "", err
	}
	for d := json.NewDecoder(r); ; {
		var message struct{ Return json.RawMessage }
		if err := d.Decode(&message); err != nil {
			return "", err
		}
		var devices []struct{ Label, Filename string }
		if json.Unmarshal(message.Return, &devices) != nil {
			continue
		}
		for _, dev := range devices {
			if _, address, ok := strings.Cut(dev.Filename, "tcp:"); ok && dev.Label == "line" {
				address, _, _ = strings.Cut(address, ",")
				return address, nil
			}
		}
	}
}

// PowerOff ends the board between any two instructions, as a power cut does.
func (b *Board) PowerOff() {
	if b.qemu == nil {
		return
	}
	b.qemu.Process.Kill()
	b.stdin.Close()
	b.qemu.Wait() // with the signal as its error
	b.qemu = nil
}

// Partition is the memory of the ROM partition, also while the board runs.
func (b *Board) Partition() []byte { return b.memory[:b.options.Size] }

// Counters returns what the board has counted so far, also while it runs.
func (b *Board) Counters() Counters {
	var c Counters
	if _, err := binary.Decode(b.memory[countersAt-memory:], binary.LittleEndian, &c); err != nil {
		panic(err) // it has a fixed size
	}
	return c
}
