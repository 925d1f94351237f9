//go:build linux

package deploy

import (
	"context"
	"strings"
	"testing"
	"time"

	"rules_romfs/packager/deploy/deploytest"
	"rules_romfs/packager/romfs"
	"rules_romfs/packager/simboard"
)

// TestMainThatIsNotRun deploys a main.py, and does what is then said: it runs.
func TestMainThatIsNotRun(t *testing.T) {
	t.Parallel()
	image := deploytest.Image(t, romfs.Options{}, map[string][]byte{"main.py": []byte("import vfs\nvfs.rom_ioctl(3, 0, 65536, 4096)\n"), "app.py": []byte("X = 1\n")})
	for name, c := range map[string]struct {
		files map[string]string
		says  string // "": there is no note
	}{
		"none":           {nil, "firmware runs main.py of /flash only, so /rom/main.py will not run; write into the board's own main.py (there is none yet): "},
		"another":        {map[string]string{"main.py": "import app\n"}, "which it has and which does not mention /rom,"},
		"as is said":     {map[string]string{"main.py": "import sys; sys.path.insert(0, \"/rom\"); import main\n"}, ""},
		"in its folder":  {map[string]string{"boot.py": "import os\nos.chdir('/rom')\n"}, ""},
		"shadowed names": {map[string]string{"os.py": "getcwd = None\n"}, "/rom/main.py will not run"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := deploytest.Start(t, simboard.Options{Files: c.files})
			result, err := Run(context.Background(), request(t, b, image))
			if err != nil {
				t.Fatal(err)
			}
			if c.says == "" {
				if len(result.Notes) > 0 {
					t.Error(result.Notes)
				}
				// What main.py does is seen: it erases a block of its own.
				for end := time.Now().Add(time.Minute); b.Stats().Erases < 2; time.Sleep(10 * time.Millisecond) {
					if time.Now().After(end) {
						t.Fatal("main.py did not run")
					}
				}
				return
			}
			if len(result.Notes) != 1 || result.Notes[0].Code != NoteMainNotRun || !strings.Contains(result.Notes[0].Message, c.says) {
				t.Errorf("%+v", result.Notes)
			}
		})
	}
}
