package deploy

import (
	"testing"
	"testing/fstest"
)

func TestHint(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		files []string
		want  string
	}{
		{[]string{"assets/a.bin", "main.py", "weather/__init__.mpy"}, "import weather"},
		{[]string{"app.mpy", "data.json"}, "import app"},
		{[]string{"boot.py", "lib/ring.mpy", "main.py"}, "import ring"},
		{[]string{"data/x/one.bin", "main.txt"}, "open('/rom/data/x/one.bin', 'rb')"},
		{nil, ""},
	} {
		image := fstest.MapFS{}
		for _, f := range tc.files {
			image[f] = &fstest.MapFile{}
		}
		if got := hint(image); got != tc.want {
			t.Errorf("hint(%v) = %q, want %q", tc.files, got, tc.want)
		}
	}
}
