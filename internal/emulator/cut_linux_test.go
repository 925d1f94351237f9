package emulator

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"rules_romfs/internal/peer"
)

// fullCuts makes the test of power cuts take a hundred and more, in about ten
// minutes on two cores.
var fullCuts = os.Getenv("ROMFS_FULL_SWEEP") != ""

// A verdict is what boot.py found at /rom: a digest of all names and contents.
type verdict [32]byte

var sha256OfNothing = verdict(sha256.Sum256(nil))

// verdictAt is where boot.py leaves it, behind a word that says that it did.
const verdictAt = 0x21f02000

// inspect is boot.py: what is mounted when the board has started.
var inspect = fmt.Sprintf(`
import hashlib, os, uctypes
d = hashlib.sha256()
def walk(path):
    for e in sorted(os.ilistdir(path)):
        name = path + "/" + e[0]
        d.update(name)
        if e[1] == 0x4000:
            walk(name)
        else:
            with open(name, "rb") as f:
                while True:
                    b = f.read(512)
                    if not b:
                        break
                    d.update(b)
if "rom" in os.listdir("/"):
    walk("/rom")
a = uctypes.bytearray_at(%#x, 36)
a[4:] = d.digest()
a[0] = 1
del walk, d, a
`, verdictAt)

// mounts starts the board and returns what it mounts.
func (b *bench) mounts(t testing.TB) verdict {
	t.Helper()
	at := b.memory[verdictAt-memory:]
	at[0] = 0
	b.PowerOn(t)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		if at[0] == 1 {
			return verdict(at[4:36])
		}
		if time.Now().After(deadline) {
			t.Fatal("boot.py does not end")
		}
	}
}

// deploying starts a deploy and waits until the flash has made so many steps.
// It returns whether the deploy goes on: it has been started, not waited for.
func (b *bench) deploying(t testing.TB, steps uint32, args ...string) (*exec.Cmd, chan struct{}) {
	t.Helper()
	cmd := b.command(t, "deploy", args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	from := b.Counters().Steps
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		cmd.Wait()
		close(ended)
	}()
	for b.Counters().Steps-from < steps {
		select {
		case <-ended:
			t.Logf("romfs ended after %d of %d steps: %s", b.Counters().Steps-from, steps, stderr.String())
			return cmd, ended
		default:
			time.Sleep(20 * time.Microsecond)
		}
	}
	return cmd, ended
}

// TestPowerCuts cuts the power at random moments of a deploy: the board then
// mounts nothing, the old image or the new one, and the next deploy repairs it.
func TestPowerCuts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		Options
		profile string
	}{
		"nor":       {Options{}, "erase: 4096, write: 4, segment: memoryview"},
		"no op 6":   {Options{NoOp6: true, Erase: 1024}, "erase: 1024, write: 4, segment: memoryview"},
		"once 16":   {Options{Cells: Once, Write: 16, Erase: 2048}, "erase: 2048, write: 16, segment: memoryview, medium: ecc"},
		"once 32":   {Options{Cells: Once, Write: 32, Erase: 8192, NoOp6: true}, "erase: 8192, write: 32, segment: memoryview, medium: ecc"},
		"mram":      {Options{Cells: MRAM, Write: 16, Erase: 16}, "erase: 16, write: 16, segment: memoryview, medium: mram"},
		"rewritten": {Options{Cells: Rewritten, Erase: 512}, "erase: 512, write: 4, segment: memoryview, rewrites: 8KiB"},
		"blocks":    {Options{Segment: Blocks}, "erase: 4096, write: 256, segment: blockdev"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.EraseTime, c.ProgramTime = 4*time.Millisecond, 400*time.Microsecond
			c.Files = map[string]string{"boot.py": inspect}
			n := 2
			if fullCuts {
				n = 24
			}
			powerCuts(t, newBench(t, c.Options, c.profile), n)
		})
	}
}

func powerCuts(t *testing.T, b *bench, n int) {
	b.image(t, "old", app(1))
	files := app(40)
	files["data.bin"] = random(2, 7000)
	newer := b.image(t, "new", files)
	b.deploys(t, "old.romfs")
	b.PowerOff()
	states := map[verdict]string{sha256OfNothing: "nothing", b.mounts(t): "old"}
	b.PowerOff()
	before := bytes.Clone(b.memory)

	// What a deploy takes that is not cut.
	b.PowerOn(t)
	from := b.Counters().Steps
	b.deploys(t, "new.romfs")
	total := b.Counters().Steps - from
	b.PowerOff()
	states[b.mounts(t)] = "new"
	if len(states) != 3 {
		t.Fatalf("the states look alike: %q", states)
	}

	moments := rand.New(rand.NewPCG(uint64(total), 1))
	seen := map[string]int{}
	for range n {
		b.PowerOff()
		copy(b.memory, before)
		b.PowerOn(t)
		cmd, ended := b.deploying(t, moments.Uint32N(total), "new.romfs")
		time.Sleep(time.Duration(moments.IntN(1000)) * time.Microsecond)
		b.PowerOff()
		at := b.Counters()
		cmd.Process.Kill()
		<-ended
		state := states[b.mounts(t)]
		seen[cmp.Or(state, "half an image")]++
		t.Logf("cut at step %d of %d, within one: %d; then the board mounts %q", at.Steps-from, total, at.Busy, state)
		if state == "" {
			t.Errorf("after a cut at step %d of %d the board mounts half an image", at.Steps-from, total)
		}
		b.deploys(t, "new.romfs")
		b.holds(t, newer)
	}
	t.Logf("%d cuts: %v", n, seen)
}

// TestCutsAreNoticed shows that the test of power cuts would fail for a deploy
// that writes an image from its beginning.
func TestCutsAreNoticed(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{ProgramTime: 20 * time.Millisecond, Files: map[string]string{"boot.py": inspect}}, "")
	b.image(t, "app", app(1))
	cmd := exec.Command(peer.Mpremote(t), "connect", b.Port, "romfs", "deploy", "app.romfs")
	cmd.Dir = b.dir
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for b.Counters().Programs < 17 { // the first block, and a page
		time.Sleep(time.Millisecond)
	}
	b.PowerOff()
	cmd.Process.Kill()
	cmd.Wait()
	cut := b.mounts(t)
	b.PowerOff()
	copy(b.Partition(), b.read(t, "app.romfs"))
	if whole := b.mounts(t); cut == sha256OfNothing || cut == whole {
		t.Errorf("half an image does not show: %x, %x", cut, whole)
	}
}
