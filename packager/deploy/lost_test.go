//go:build linux

package deploy

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rules_romfs/packager/deploy/deploytest"
	"rules_romfs/packager/romfs"
	"rules_romfs/packager/simboard"
)

// TestLostFiles deploys over an image that nobody here made: what disappears is
// said, by a dry run too, and not of an image that was deployed from here.
func TestLostFiles(t *testing.T) {
	t.Parallel()
	stock := map[string][]byte{"app.py": deploytest.Code(1, 500), "util.py": deploytest.Code(2, 500)}
	var want []string
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"} {
		stock[name+".tflite"] = deploytest.Random(3, 6000)
		want = append(want, name+".tflite")
	}
	want = append(want, "util.py")
	mine := func(seed uint64) []byte {
		return deploytest.Image(t, romfs.Options{}, map[string][]byte{"app.py": deploytest.Code(seed, 3000), "new.py": deploytest.Code(4, 2000)})
	}
	b := deploytest.Start(t, simboard.Options{})
	b.Load(0, deploytest.Image(t, romfs.Options{}, stock))
	r := request(t, b, mine(5))
	r.Cache = OpenCache(t.TempDir())
	var said []string
	r.Reporter = keeping{r.Reporter, &said}
	run := func() *Result {
		t.Helper()
		said = nil
		result, err := Run(context.Background(), r)
		if err != nil {
			t.Fatal(err)
		}
		return result
	}
	warning := func() string {
		i := slices.IndexFunc(said, func(s string) bool { return strings.Contains(s, "was not deployed from here") })
		if i < 0 {
			return ""
		}
		return said[i]
	}

	r.DryRun = true
	if result := run(); !slices.Equal(result.Lost, want) || !strings.Contains(warning(), "a.tflite, b.tflite") ||
		!strings.Contains(warning(), " and 3 more") || !strings.HasSuffix(warning(), "--backup FILE saves it first") {
		t.Errorf("a dry run: %q, %q", result.Lost, said)
	}
	r.DryRun, r.Backup = false, filepath.Join(t.TempDir(), "stock.romfs")
	if result := run(); !slices.Equal(result.Lost, want) || !strings.HasSuffix(warning(), "it is saved to "+r.Backup+" first") {
		t.Errorf("a deploy: %q, %q", result.Lost, said)
	}
	// From here on the board holds what this machine can bring back.
	r.Backup = ""
	for _, image := range [][]byte{mine(5), mine(6), deploytest.Image(t, romfs.Options{}, map[string][]byte{"other.py": deploytest.Code(1, 900)})} {
		r.Image = image
		if result := run(); result.Lost != nil || warning() != "" {
			t.Errorf("over an image from here: %q, %q", result.Lost, said)
		}
	}
	// Another machine.
	r.Image, r.Cache = mine(7), OpenCache(t.TempDir())
	if result := run(); !slices.Equal(result.Lost, []string{"other.py"}) {
		t.Errorf("another machine's image: %q", result.Lost)
	}
	// What cannot be listed is said, and no reason not to go on.
	b.Load(0, append([]byte(romfs.Magic), 20, 4, 99, 0))
	if result := run(); result.Lost != nil || result.Status != Deployed {
		t.Errorf("a damaged image: %+v, %q", result, said)
	}
}
