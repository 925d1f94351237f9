//go:build linux

package deploy

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"rules_romfs/packager/deploy/deploytest"
	"rules_romfs/packager/device"
	"rules_romfs/packager/romfs"
	"rules_romfs/packager/simboard"
)

func TestImports(t *testing.T) {
	t.Parallel()
	b := deploytest.Start(t, simboard.Options{})
	image := deploytest.Image(t, romfs.Options{}, map[string][]byte{
		"app.py":     []byte("import helper\nprint('~noise|1~')\n"),
		"helper.py":  []byte("X = 1\n"),
		"broken.py":  []byte("import helper\nprint('so far')\nraise ValueError(helper.X)\n"),
		"leaves.py":  []byte("import sys\nprint('bye')\nsys.exit(3)\n"),
		"resets.py":  []byte("import machine\nprint('resetting')\nmachine.reset()\n"),
		"softly.py":  []byte("import machine\nmachine.soft_reset()\n"),
		"forever.py": []byte("import time\nprint('serving')\nwhile True:\n    time.sleep_ms(10)\n"),
		"deaf.py":    []byte("import time\nwhile True:\n    try:\n        time.sleep_ms(10)\n    except KeyboardInterrupt:\n        print('never')\n"),
		"eats.py":    []byte("x = []\nwhile True:\n    x = [x, bytearray(10000)]\n"),
	})
	for _, test := range []struct {
		module, file string
		outcome      device.Outcome
		says         []string
	}{
		{module: "app", file: "/rom/app.py"},
		{module: "broken", outcome: device.Raised, says: []string{"importing broken raised ValueError: 1\nTraceback", "broken.py\", line 3", "it had printed:\nso far"}},
		{module: "missing", outcome: device.Raised, says: []string{"importing missing raised ImportError"}},
		{module: "leaves", outcome: device.Exited, says: []string{"importing leaves ended in SystemExit, which says 3", "bye"}},
		{module: "softly", outcome: device.Exited, says: []string{"importing softly ended in SystemExit:"}},
		{module: "resets", outcome: device.Restarted, says: []string{"the board restarted while it imported resets", "resetting"}},
		{module: "forever", outcome: device.Endless, says: []string{"importing forever did not end within 700ms", "--import-timeout", "it was stopped here:\nTraceback", "serving"}},
		{module: "eats", outcome: device.Raised, says: []string{"importing eats raised MemoryError"}},
		{module: "sys", outcome: device.Imported, says: []string{"sys is a module of the firmware's own"}},
		// Nothing else can follow this one.
		{module: "deaf", outcome: device.Endless, says: []string{"it does not heed Ctrl-C"}},
	} {
		r := request(t, b, image)
		r.Imports, r.ImportTimeout = []string{test.module}, 30*time.Second
		if test.outcome == device.Endless {
			r.ImportTimeout = 700 * time.Millisecond
		}
		result, err := Run(context.Background(), r)
		if test.outcome == "" {
			if err != nil || len(result.Imported) != 1 || result.Imported[0] != (Imported{test.module, test.file}) {
				t.Errorf("importing %s: %+v, %v", test.module, result.Imported, err)
			}
			continue
		}
		var failed *ImportError
		if !errors.As(err, &failed) || failed.Import == nil || failed.Import.Outcome != test.outcome {
			t.Errorf("importing %s: %v, wanted %s", test.module, err, test.outcome)
			continue
		}
		if result.ImportFailed != failed.Import || strings.Contains(err.Error(), "<string>") || strings.ContainsAny(failed.Import.Output, "\r~\x04") {
			t.Errorf("importing %s: %+v", test.module, result.ImportFailed)
		}
		for _, says := range append(test.says, "the image is deployed, but ") {
			if !strings.Contains(err.Error(), says) {
				t.Errorf("importing %s: %v\nwhich does not say %q", test.module, err, says)
			}
		}
		if result.Status != Deployed && result.Status != Unchanged {
			t.Errorf("importing %s: status %s", test.module, result.Status)
		}
	}
}

// TestInterruptedImport has a person end the wait for a module: the image is deployed all the same.
func TestInterruptedImport(t *testing.T) {
	t.Parallel()
	b := deploytest.Start(t, simboard.Options{})
	ctx, cancel := context.WithCancel(context.Background())
	r := request(t, b, deploytest.Image(t, romfs.Options{}, map[string][]byte{"app.py": []byte("import vfs\nvfs.rom_ioctl(3, 0, 65536, 4096)\nwhile True: pass\n")}))
	r.Imports, r.ImportTimeout = []string{"app"}, time.Hour
	go func() {
		for b.Stats().Erases < 2 && ctx.Err() == nil { // the deploy's, and then the module's
			time.Sleep(10 * time.Millisecond)
		}
		cancel()
	}()
	_, err := Run(ctx, r)
	var failed *ImportError
	if !errors.As(err, &failed) || !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "the image is deployed, but importing app was interrupted") {
		t.Error(err)
	}
}
