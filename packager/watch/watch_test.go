package watch

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/google/go-cmp/cmp"
)

// A tree is a directory whose files a test changes while it is watched.
type tree struct {
	t    *testing.T
	root string
	w    *Watcher
}

func newTree(t *testing.T) *tree {
	w, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return &tree{t, t.TempDir(), w}
}

func (r *tree) path(name string) string { return filepath.Join(r.root, filepath.FromSlash(name)) }

func (r *tree) write(name, content string) {
	r.t.Helper()
	if err := os.MkdirAll(filepath.Dir(r.path(name)), 0o777); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(r.path(name), []byte(content), 0o666); err != nil {
		r.t.Fatal(err)
	}
}

// save writes a file as most editors do.
func (r *tree) save(name, content string) {
	r.t.Helper()
	r.write(name+".tmp", content)
	r.must(os.Rename(r.path(name+".tmp"), r.path(name)))
}

func (r *tree) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// set watches these names.
func (r *tree) set(names ...string) (more bool) {
	r.t.Helper()
	var paths []string
	for _, name := range names {
		paths = append(paths, r.path(name))
	}
	more, err := r.w.Set(paths)
	r.must(err)
	return more
}

// expect waits until all these names have changed, in however many changes a busy
// machine makes of them, and nothing else.
func (r *tree) expect(names ...string) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), time.Minute)
	defer cancel()
	var got []string
	for !slices.Equal(got, names) {
		c, err := r.w.Next(ctx)
		if err != nil {
			r.t.Fatalf("%v; changed: %q, not all of %q", err, got, names)
		}
		for _, path := range c.Paths {
			name, err := filepath.Rel(r.root, path)
			r.must(err)
			got = append(got, filepath.ToSlash(name))
		}
		slices.Sort(got)
		got = slices.Compact(got)
		for _, name := range got {
			if !slices.Contains(names, name) {
				r.t.Fatalf("changed: %q, not %q", got, names)
			}
		}
	}
}

// TestFiles: what is saved in any way is told, and what lies beside it is not.
func TestFiles(t *testing.T) {
	t.Parallel()
	r := newTree(t)
	r.write("src/a.py", "1")
	r.write("src/b.py", "1")
	if !r.set("src/a.py", "src/b.py", "src/later.py") {
		t.Error("nothing is watched")
	}
	if r.set("src/a.py", "src/b.py", "src/later.py") {
		t.Error("what was watched is watched anew")
	}
	r.write("src/a.py", "2")
	r.expect("src/a.py")
	r.save("src/a.py", "3")
	r.save("src/b.py", "3")
	r.write("src/.a.py.swp", "an output, or an editor's")
	r.expect("src/a.py", "src/b.py")
	r.write("src/later.py", "1")
	r.expect("src/later.py")
	r.must(os.Remove(r.path("src/b.py")))
	r.expect("src/b.py")
	r.must(os.Chmod(r.path("src/a.py"), 0o600))
	r.write("src/b.py", "back")
	r.expect("src/b.py") // and not the other's permissions
	r.set("src/a.py")
	r.write("src/b.py", "no longer wanted")
	r.save("src/a.py", "4")
	r.expect("src/a.py")
}

// TestDirectories: of a directory the names are told, not what is in its files.
func TestDirectories(t *testing.T) {
	t.Parallel()
	r := newTree(t)
	r.write("src/a.py", "1")
	r.set("src", "src/a.py")
	r.write("src/new.py", "1")
	r.write("src/pkg/c.py", "1")
	r.expect("src/new.py", "src/pkg")
	if !r.set("src", "src/a.py", "src/new.py", "src/pkg", "src/pkg/c.py") {
		t.Error("the new directory is not watched")
	}
	r.save("src/pkg/c.py", "2")
	r.expect("src/pkg/c.py", "src/pkg/c.py.tmp")

	// As git does between branches: away, and there again.
	r.must(os.RemoveAll(r.path("src/pkg")))
	r.expect("src/pkg", "src/pkg/c.py")
	r.write("src/pkg/c.py", "3")
	r.expect("src/pkg")
	if !r.set("src", "src/pkg", "src/pkg/c.py") {
		t.Error("the directory that came back is not watched anew")
	}
	r.write("src/pkg/c.py", "4")
	r.expect("src/pkg/c.py")
	r.must(os.Rename(r.path("src/pkg"), r.path("src/other")))
	r.expect("src/other", "src/pkg")
}

// TestAbsent: what is not there is told of when it appears, however many
// directories are missing.
func TestAbsent(t *testing.T) {
	t.Parallel()
	r := newTree(t)
	r.write("beside", "")
	r.set("a/b/c.py")
	r.write("beside2", "")
	r.write("a/x", "")
	r.expect("a/b/c.py")
	r.set("a/b/c.py")
	r.write("a/b/c.py", "1")
	r.expect("a/b/c.py")
	for r.set("a/b/c.py") {
	}
	r.write("a/b/c.py", "2")
	r.expect("a/b/c.py")
	r.must(os.RemoveAll(r.path("a")))
	r.expect("a/b/c.py")
}

// TestLinks: a save behind a symbolic link is one of the link.
func TestLinks(t *testing.T) {
	t.Parallel()
	r := newTree(t)
	r.write("shared/real.py", "1")
	r.write("shared/dir/d.py", "1")
	r.write("src/own.py", "1")
	if err := os.Symlink(r.path("shared/real.py"), r.path("src/link.py")); err != nil {
		t.Skip(err) // Windows, without the right to
	}
	r.must(os.Symlink(r.path("shared/dir"), r.path("src/dir")))
	r.set("src/link.py", "src/dir", "src/dir/d.py")
	r.save("shared/real.py", "2")
	r.expect("src/link.py")
	r.write("shared/dir/d.py", "2")
	r.expect("src/dir/d.py")
	r.write("shared/dir/e.py", "1")
	r.expect("src/dir/e.py")
	r.must(os.Remove(r.path("src/link.py")))
	r.expect("src/link.py")

	// What leads nowhere yet, over another link too.
	r.must(os.Symlink("../new/over.py", r.path("src/link.py")))
	r.set("src/link.py")
	r.must(os.Mkdir(r.path("new"), 0o777))
	r.expect("src/link.py")
	r.set("src/link.py")
	r.must(os.Symlink("end.py", r.path("new/over.py")))
	r.expect("src/link.py")
	r.set("src/link.py")
	r.write("new/end.py", "1")
	r.expect("src/link.py")
}

// TestNextEnds with the context.
func TestNextEnds(t *testing.T) {
	t.Parallel()
	r := newTree(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(os.ErrDeadlineExceeded)
	if _, err := r.w.Next(ctx); err != os.ErrDeadlineExceeded {
		t.Error(err)
	}
}

// TestBundles: what happens within a moment is one change, what goes on and on is
// told of all the same, and so is everything after events were lost.
func TestBundles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events, errs := make(chan fsnotify.Event), make(chan error)
		w := newWatcher(nil)
		dir := string(filepath.Separator)
		for _, name := range []string{"a", "b", "c"} {
			if w.places.paths == nil {
				w.places = locate(nil)
			}
			w.places.paths[dir+name] = []string{name}
		}
		go w.follow(events, errs)
		start := time.Now()
		go func() {
			for _, e := range []struct {
				name string
				op   fsnotify.Op
				then time.Duration
			}{
				{"a", fsnotify.Create, settle - 1}, {"b", fsnotify.Write, settle - 1}, {"a", fsnotify.Rename, time.Second},
				{"c", fsnotify.Chmod, 0}, {"x", fsnotify.Write, 0}, {"c", fsnotify.Write, time.Second},
			} {
				events <- fsnotify.Event{Name: dir + e.name, Op: e.op}
				time.Sleep(e.then)
			}
			for range 200 {
				events <- fsnotify.Event{Name: dir + "b", Op: fsnotify.Write}
				time.Sleep(settle / 2)
			}
			time.Sleep(time.Hour)
			errs <- fsnotify.ErrEventOverflow
			time.Sleep(time.Hour)
			errs <- os.ErrInvalid
			close(events)
			close(errs)
		}()
		var got []string
		for {
			c, err := w.Next(t.Context())
			if err != nil {
				got = append(got, err.Error())
				break
			}
			got = append(got, strings.Join(c.Paths, " ")+" "+c.At.Sub(start).Truncate(100*time.Millisecond).String())
		}
		<-w.done
		want := []string{"a b 0s", "c 1s", "b 2s", "b 3s", "b 4s", "a b c 1h0m5s", "watching files: invalid argument"}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("(-want +got)\n%s", d)
		}
	})
}
