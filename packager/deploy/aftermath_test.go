//go:build linux

package deploy

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rules_romfs/packager/deploy/deploytest"
	"rules_romfs/packager/port"
	"rules_romfs/packager/romfs"
	"rules_romfs/packager/simboard"
)

// mainFile is a main.py that leaves a trace at the REPL.
const mainFile = "started = 'main has run'\n"

// mainRan asks a board at its friendly REPL, when it gets there, whether main.py
// has run.
func mainRan(t testing.TB, b *simboard.Board) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), deploytest.Patience)
	defer cancel()
	for ctx.Err() == nil {
		link, err := (&port.Opener{}).Open(ctx, b.Addr())
		if err != nil {
			t.Fatal(err)
		}
		// No Ctrl-C: that might end main.py before it has begun.
		err = link.Write(ctx, []byte("print(globals().get('started'))\r"))
		if err == nil {
			var said []byte
			said, err = link.WaitFor(ctx, 20*time.Second, "main has run", "None\r\n")
			if err == nil {
				link.Close()
				return bytes.Contains(said, []byte("main has run"))
			}
		}
		link.Close()
		if !errors.Is(err, port.ErrLost) { // it has not yet noticed that the deploy has left
			t.Fatal(err)
		}
	}
	t.Fatal(ctx.Err())
	return false
}

// TestMainRunsAgain: a deploy that writes nothing leaves the product running,
// however it ends.
func TestMainRunsAgain(t *testing.T) {
	t.Parallel()
	image := deploytest.Image(t, romfs.Options{}, map[string][]byte{"app.py": deploytest.Code(1, 3000)})
	other := deploytest.Image(t, romfs.Options{}, map[string][]byte{"app.py": deploytest.Code(2, 3000)})
	taken := filepath.Join(t.TempDir(), "taken")
	if err := os.WriteFile(taken, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*Request)
		fails  bool
		runs   bool
	}{
		"unchanged":           {func(r *Request) {}, false, true},
		"dry run":             {func(r *Request) { r.Image, r.DryRun = other, true }, false, true},
		"verify":              {func(r *Request) { r.VerifyOnly = true }, false, true},
		"verify, other image": {func(r *Request) { r.Image, r.VerifyOnly = other, true }, true, true},
		"refused":             {func(r *Request) { r.Partition = "3" }, true, true},
		"backup refused":      {func(r *Request) { r.Image, r.Backup = other, taken }, true, true},
		"no-run":              {func(r *Request) { r.NoRun = true }, false, false},
		"refused, no-run":     {func(r *Request) { r.Partition, r.NoRun = "3", true }, true, false},
		"import fails":        {func(r *Request) { r.Image, r.Imports = other, []string{"missing"} }, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := deploytest.Start(t, simboard.Options{Files: map[string]string{"main.py": mainFile}})
			b.Load(0, image)
			r := request(t, b, image)
			c.change(&r)
			if _, err := Run(context.Background(), r); (err != nil) != c.fails {
				t.Fatal(err)
			}
			if mainRan(t, b) != c.runs {
				t.Errorf("main.py runs afterwards: %t, wanted %t", !c.runs, c.runs)
			}
		})
	}
}

// TestUnchangedIsProven: that the bytes are right is not yet that the board uses
// them, at the second deploy as little as at the first.
func TestUnchangedIsProven(t *testing.T) {
	t.Parallel()
	b := deploytest.Start(t, simboard.Options{Files: map[string]string{"boot.py": "import vfs\nvfs.umount('/rom')\n"}})
	r := request(t, b, deploytest.Image(t, romfs.Options{}, map[string][]byte{"app.py": deploytest.Code(1, 3000)}))
	b.Load(0, r.Image)
	b.Reset()
	for i := range 2 {
		_, err := Run(context.Background(), r)
		var verify *VerifyError
		if !errors.As(err, &verify) || !strings.Contains(err.Error(), "did not mount it") {
			t.Errorf("deploy %d: %v, wanted that the board does not mount it", i, err)
		}
	}
}

// TestBackupOverwritesNothing deploys with the same --backup again and again.
func TestBackupOverwritesNothing(t *testing.T) {
	t.Parallel()
	b := deploytest.Start(t, simboard.Options{})
	image := func(n uint64) []byte {
		return deploytest.Image(t, romfs.Options{}, map[string][]byte{"app.py": deploytest.Code(n, 3000)})
	}
	b.Load(0, image(1))
	r := request(t, b, image(1))
	r.Backup = filepath.Join(t.TempDir(), "old.romfs")
	saved := func() []byte {
		got, err := os.ReadFile(r.Backup)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	for i := range 2 { // the same image is in the file: nothing is lost
		if result, err := Run(context.Background(), r); err != nil || result.Backup == "" || !bytes.Equal(saved(), image(1)) {
			t.Errorf("run %d: %v", i, err)
		}
	}
	r.Image = image(2)
	if _, err := Run(context.Background(), r); err != nil || !bytes.Equal(saved(), image(1)) || !boardHolds(b, 0, image(2)) {
		t.Error(err)
	}
	// Now the board holds another one than the file.
	b.ResetStats()
	r.Image = image(3)
	_, err := Run(context.Background(), r)
	var refused *BackupError
	if !errors.As(err, &refused) || !bytes.Equal(saved(), image(1)) || !boardHolds(b, 0, image(2)) || b.Stats().Erases+b.Stats().Programs > 0 {
		t.Errorf("%v, %+v", err, b.Stats())
	}
	// What begins as an image and cannot be read is not nothing.
	os.Remove(r.Backup)
	broken := append([]byte(romfs.Magic), 0xff, 0xff, 0xff, 0xff, 0x7f)
	b.Load(0, broken)
	b.ResetStats()
	if _, err := Run(context.Background(), r); err == nil || !strings.Contains(err.Error(), "reading the old image for --backup") || b.Stats().Erases+b.Stats().Programs > 0 {
		t.Errorf("%v, %+v", err, b.Stats())
	}
}

// TestHistoryIsPrivate: images may hold keys and passwords.
func TestHistoryIsPrivate(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "deployed")
	if err := os.Mkdir(dir, 0o755); err != nil { // as earlier versions made it
		t.Fatal(err)
	}
	b := deploytest.Start(t, simboard.Options{})
	r := request(t, b, deploytest.Image(t, romfs.Options{}, map[string][]byte{"app.py": deploytest.Code(1, 3000)}))
	r.Cache = OpenCache(dir)
	if _, err := Run(context.Background(), r); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder: %v, %v", info.Mode(), err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f.Name(), info.Mode(), err)
		}
	}
}

// TestSlowProgress: a watchdog that lets a few blocks through at a time is
// survived, however often it resets the board.
func TestSlowProgress(t *testing.T) {
	t.Parallel()
	o := simboard.Options{}
	for _, f := range []string{"watchdog=2s", "erase-time=300ms", "usb=50ms"} {
		if err := o.SetFault(f); err != nil {
			t.Fatal(err)
		}
	}
	b := deploytest.Start(t, o)
	image := deploytest.Image(t, romfs.Options{}, map[string][]byte{"data": deploytest.Random(2, 150_000)})
	result, err := Run(context.Background(), request(t, b, image))
	if err != nil || !boardHolds(b, 0, image) {
		t.Fatal(err)
	}
	if result.Resumed <= maxReconnects || result.Changed != result.Blocks {
		t.Errorf("%d reconnects, %d of %d blocks", result.Resumed, result.Changed, result.Blocks)
	}
}

// TestMainWatchdog: a watchdog that main.py started goes on when main.py is
// interrupted. It is named, and the deploy goes on.
func TestMainWatchdog(t *testing.T) {
	t.Parallel()
	o := simboard.Options{Files: map[string]string{"main.py": "import machine, time\nw = machine.WDT(timeout=3000)\nwhile True:\n    w.feed()\n    print('fed')\n    time.sleep_ms(50)\n"}}
	for _, f := range []string{"erase-time=300ms", "usb=50ms"} {
		if err := o.SetFault(f); err != nil {
			t.Fatal(err)
		}
	}
	b := deploytest.Start(t, o)
	r := request(t, b, deploytest.Image(t, romfs.Options{}, map[string][]byte{"data": deploytest.Random(2, 80_000)}))
	waitFor(t, r.Port, "fed") // before that, interrupting main.py starts no watchdog
	var said []string
	r.Reporter = keeping{r.Reporter, &said}
	result, err := Run(context.Background(), r)
	if err != nil || !boardHolds(b, 0, r.Image) {
		t.Fatal(err)
	}
	if result.Resumed == 0 || !strings.Contains(strings.Join(said, "\n"), "a watchdog reset the board; going on where it stopped") {
		t.Errorf("%d reconnects; it said %q", result.Resumed, said)
	}
}

// waitFor reads what the board at a socket prints until a text is in it.
func waitFor(t *testing.T, address, text string) {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(address, "socket://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var got []byte
	for buf := make([]byte, 256); !strings.Contains(string(got), text); {
		n, err := c.Read(buf)
		if err != nil {
			t.Fatalf("%v after %q", err, got)
		}
		got = append(got, buf[:n]...)
	}
}
