//go:build linux

package powercuts

import (
	"bytes"
	"encoding/binary"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"rules_romfs/internal/peer"
	"rules_romfs/packager/deploy/deploytest"
	"rules_romfs/packager/romfs"
)

// as32 makes the length in the header of flash what a 32-bit board reads there:
// the driver on this machine has 64-bit words, in which the same bytes may be
// another number. The width stays. undo makes it what it was.
func as32(flash []byte) (undo func()) {
	if !bytes.HasPrefix(flash, []byte(romfs.Magic)) {
		return func() {}
	}
	end := len(romfs.Magic)
	var n uint32
	for ; end < len(flash); end++ {
		n = n<<7 | uint32(flash[end]&0x7f)
		if flash[end] < 0x80 {
			break
		}
	}
	if end == len(flash) {
		return func() {}
	}
	was := bytes.Clone(flash[:end+1])
	for i := end; i >= len(romfs.Magic); i-- {
		flash[i] = byte(n&0x7f) | flash[i]&0x80
		n >>= 7
	}
	return func() { copy(flash, was) }
}

// A driver is MicroPython's own VfsRom, asked what it makes of the contents of
// a partition.
type driver struct {
	in    io.WriteCloser
	out   io.Reader
	cmd   *exec.Cmd
	has   []byte // the contents that it was asked about last
	stale bool   // it is a new one, which has nothing yet
	sent  []byte // what is on its way to it
}

const driverSource = `
import sys, vfs, hashlib
i = sys.stdin.buffer
flash = bytearray(SIZE)
view = memoryview(flash)
def number():
    return int.from_bytes(i.read(4), "little")
def walk(fs, path, h):
    for e in fs.ilistdir(path):
        name = path + "/" + e[0]
        if e[1] == 0x4000:
            h.update("D" + name + "\0")
            walk(fs, name, h)
        else:
            h.update("F%s\0%d\0" % (name, e[3]))
            with fs.open(name, "rb") as f:
                h.update(f.read())
while True:
    size = number()
    if size == 0:
        break
    for _ in range(number()):
        at = number()
        i.readinto(view[at:at + number()])
    try:
        fs = vfs.VfsRom(view[:size])
        h = hashlib.sha256()
        walk(fs, "", h)
        r = "".join("%02x" % x for x in h.digest())
    except OSError:
        r = "-" * 64
    except Exception:
        r = "!" * 64
    sys.stdout.write(r)
`

func startDriver(t testing.TB) *driver {
	d := &driver{}
	d.start(t)
	t.Cleanup(d.stop)
	return d
}

func (d *driver) start(t testing.TB) {
	d.cmd = exec.Command(peer.MicroPython(t), "-X", "heapsize=64m", "-c", strings.Replace(driverSource, "SIZE", strconv.Itoa(deploytest.PartSize), 1))
	d.has = make([]byte, deploytest.PartSize)
	var err error
	if d.in, err = d.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if d.out, err = d.cmd.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
}

func (d *driver) stop() {
	d.in.Close()
	d.cmd.Wait() // with an error, if the driver crashed
}

// mounts returns a digest of everything in the file system, dashes if nothing
// mounts, or what went wrong: of half an image the driver may read far beyond
// the end, and crash. Behind touched the flash is as it was the last time.
func (d *driver) mounts(t testing.TB, flash []byte, touched int) string {
	t.Helper()
	// It may also read in circles.
	stuck := time.AfterFunc(20*time.Second, func() { d.cmd.Process.Kill() })
	defer stuck.Stop()
	_, err := d.in.Write(d.changes(flash, touched))
	var b [64]byte
	if err == nil {
		_, err = io.ReadFull(d.out, b[:])
	}
	if err != nil {
		d.stop()
		d.start(t)
		d.stale = true
		return "crash"
	}
	return string(b[:])
}

// changes is what the driver has to read to have flash: its length and the number of pages
// that differ from the last contents, then the place, the length and the bytes of each.
func (d *driver) changes(flash []byte, touched int) []byte {
	const page = 256
	if d.stale {
		touched, d.stale = len(flash), false
	}
	put := binary.LittleEndian.AppendUint32
	out := put(put(d.sent[:0], uint32(len(flash))), 0)
	n := uint32(0)
	for at := 0; at < touched; at += page {
		b := flash[at:min(at+page, touched)]
		if has := d.has[at : at+len(b)]; !bytes.Equal(has, b) {
			copy(has, b)
			out = append(put(put(out, uint32(at)), uint32(len(b))), b...)
			n++
		}
	}
	binary.LittleEndian.PutUint32(out[4:], n)
	d.sent = out
	return out
}
