package resolve

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rules_romfs/manifest/internal/plan"
)

// Links that lead to the same directory twice, many times over, are no loop,
// but stand for more files than any machine has.
func TestDirPlanFansOut(t *testing.T) {
	root := t.TempDir()
	for _, d := range strings.Split("abcdefghijklmnopqrst", "") {
		if err := os.Mkdir(filepath.Join(root, d), 0o755); err != nil {
			t.Fatal(err)
		}
		for _, l := range []string{"1", "2"} {
			if d == "t" {
				continue
			}
			if err := os.Symlink("../"+string(d[0]+1), filepath.Join(root, d, l)); err != nil {
				t.Fatal(err)
			}
		}
	}
	_, _, err := dirPlan(t.Context(), root, plan.DirOptions{}, 1000)
	if err == nil || err.Error() != root+": the directory holds more than 1000 files; do symbolic links multiply it?" {
		t.Error(err)
	}
}
