package peer

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A refused test keeps what would have ended it.
type refused struct {
	testing.TB
	said string
}

func (r *refused) Helper() {}

func (r *refused) Fatalf(format string, args ...any) { r.Fatal(fmt.Sprintf(format, args...)) }

func (r *refused) Fatal(args ...any) {
	r.said = fmt.Sprint(args...)
	panic(r)
}

// ends returns what find would end a test with.
func ends(t *testing.T, wanted tool) (said string) {
	t.Helper()
	r := &refused{TB: t}
	defer func() {
		if p := recover(); p != nil && p != r {
			panic(p)
		}
		said = r.said
	}()
	find(r, wanted)
	return ""
}

// TestFind: a tool that cannot be had ends the test, with the reason.
func TestFind(t *testing.T) {
	none := tool{"none-such", "ROMFS_PEER_NONE_SUCH"}
	if os.Getenv("TEST_SRCDIR") == "" { // Bazel's tests install nothing
		if said := ends(t, none); !strings.Contains(said, "tools/peers none-such") {
			t.Errorf("a tool that tools/peers does not know: %q", said)
		}
	}
	t.Setenv(none.env, filepath.Join(t.TempDir(), "gone"))
	if said := ends(t, none); !strings.Contains(said, "no such file") {
		t.Errorf("a variable that names nothing: %q", said)
	}
	here := filepath.Join(t.TempDir(), "tool")
	if err := os.WriteFile(here, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv(none.env, here)
	if got := find(t, none); got != here {
		t.Errorf("the variable names %s, and %s is found", here, got)
	}
	t.Setenv(none.env, "")
	if got := find(t, none); got != here {
		t.Errorf("what was found is not kept: %s", got)
	}
}

// TestRunfiles: under Bazel, paths count from the runfiles, and the repository is a
// copy of those files, without links.
func TestRunfiles(t *testing.T) {
	if os.Getenv("TEST_SRCDIR") != "" {
		t.Skip("every test under Bazel is one of it")
	}
	dir := t.TempDir()
	runfiles, outside := filepath.Join(dir, "runfiles"), filepath.Join(dir, "outside")
	if err := os.MkdirAll(filepath.Join(runfiles, "here", "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(outside, []byte("text"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(runfiles, "here", "sub", "file")); err != nil {
		t.Fatal(err)
	}
	relative := tool{"relative", "ROMFS_PEER_RELATIVE"}
	t.Setenv("TEST_SRCDIR", runfiles)
	t.Setenv("TEST_WORKSPACE", "here")
	t.Setenv("TEST_TMPDIR", dir)
	t.Setenv(relative.env, "here/sub/file")
	if got, want := find(t, relative), filepath.Join(runfiles, "here", "sub", "file"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if err := os.Symlink("gone", filepath.Join(dir, "dangling")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ source, root string }{
		{filepath.Join(dir, "gone"), filepath.Join(dir, "a")},
		{filepath.Join(dir, "dangling"), filepath.Join(dir, "b")},
		{runfiles, outside},
		{outside, filepath.Join(dir, "c", "d")},
	} {
		if err := copyTree(c.source, c.root); err == nil {
			t.Errorf("%s is copied to %s", c.source, c.root)
		}
	}
	copied := filepath.Join(Root(t), "sub", "file")
	info, err := os.Lstat(copied)
	if err != nil || !info.Mode().IsRegular() || info.Mode().Perm() != 0o755 {
		t.Errorf("%v, %v", info, err)
	}
	if b, err := os.ReadFile(copied); string(b) != "text" {
		t.Errorf("%q, %v", b, err)
	}
}
