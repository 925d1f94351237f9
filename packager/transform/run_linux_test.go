package transform

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"rules_romfs/internal/testprogram"
)

// TestOutputs: what a tool must not make, or leave out.
func TestOutputs(t *testing.T) {
	t.Parallel()
	outside := write(t, filepath.Join(t.TempDir(), "secret"), "secret", 0o666)
	for _, tc := range []struct{ name, text, want string }{
		{"nothing", ``, "it ended without an error, but made no a.bin"},
		{"another name", `echo x >../out/a.dat; echo y >../out/b.dat`, "made no a.bin; there is only a.dat, b.dat: name the file that it makes in output"},
		{"a link to a file elsewhere", `ln -s ` + outside + ` "$2"`, "its output a.bin is a symbolic link"},
		{"a link to a file beside it", `echo x >../out/b; ln -s b "$2"`, "its output a.bin is a symbolic link"},
		{"a folder behind a link", `rmdir ../out; ln -s ` + filepath.Dir(outside) + ` ../out; echo x >../out/a.bin`, "its output a.bin cannot be read: path escapes from parent"},
		{"a FIFO", `mkfifo "$2"`, "its output a.bin is no regular file (p"},
		{"a folder", `mkdir "$2"`, "its output a.bin is no regular file (d"},
		{"far too much", `truncate -s 1025M ../tmp/x`, "File size limit exceeded"},
		{"too much", `truncate -s 257M "$2"`, "has 269484032 bytes, more than the 268435456 that a transform may make"},
	} {
		j := job(t, script(t, tc.text), "a.csv", "source", "{in}", "{out}")
		j.Output = "a.bin"
		_, err := (&Batch{}).Run(t.Context(), []Job{j})
		var failed *RunError
		if !errors.As(err, &failed) || !strings.Contains(err.Error(), "data/a.csv: tools/x: ") || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", tc.name, err, tc.want)
		}
	}
}

// TestLimited: no file of a tool, nor of what it starts at once, is without a limit.
func TestLimited(t *testing.T) {
	t.Parallel()
	tool := script(t, `(ulimit -f) >"$2"`)
	var jobs []Job
	for i := range 50 {
		jobs = append(jobs, job(t, tool, fmt.Sprintf("%d.csv", i), strconv.Itoa(i), "{in}", "{out}"))
	}
	for i, r := range run(t, &Batch{}, jobs...) {
		if blocks, err := strconv.ParseInt(strings.TrimSpace(string(r.Content)), 10, 64); err != nil || blocks*512 > maxWritten {
			t.Errorf("run %d: %q blocks of 512 bytes", i, r.Content)
		}
	}
}

// TestNothingFromOutside: a source or an input that has become a link out of root
// is not read.
func TestNothingFromOutside(t *testing.T) {
	t.Parallel()
	outside := write(t, filepath.Join(t.TempDir(), "secret"), "secret", 0o666)
	tool := script(t, `cat "$1" "$3" >"$2"`)
	for _, which := range []string{"source", "input"} {
		j := job(t, tool, "a.csv", "source", "{in}", "{out}", "{inputs[0]}")
		j.Root = filepath.Dir(j.Path)
		input := File{Name: "head", Root: j.Root, Path: write(t, filepath.Join(j.Root, "head"), "input", 0o666)}
		path := map[string]string{"source": j.Path, "input": input.Path}[which]
		j.Inputs = []File{input}
		if r := run(t, &Batch{}, j); string(r[0].Content) != "sourceinput" {
			t.Errorf("%q", r[0].Content)
		}
		if err := errors.Join(os.Remove(path), os.Symlink(outside, path)); err != nil {
			t.Fatal(err)
		}
		var refused *ReadError
		if _, err := (&Batch{}).Run(t.Context(), []Job{j}); !errors.As(err, &refused) {
			t.Errorf("%s: %v", which, err)
		}
	}
}

// TestUnreadable: a source or input that cannot be read is said to be so, by its
// name in the manifest.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	tool := script(t, `cp "$1" "$2"`)
	source, input, fifo := job(t, tool, "a.csv", "x", "{in}", "{out}"), job(t, tool, "b.csv", "x", "{in}", "{out}"), job(t, tool, "c.csv", "x", "{in}", "{out}")
	source.Path += ".gone"
	input.Inputs = []File{{Name: "head", Path: filepath.Join(t.TempDir(), "gone")}}
	fifo.Path += ".fifo"
	if err := syscall.Mkfifo(fifo.Path, 0o666); err != nil {
		t.Fatal(err)
	}
	_, err := (&Batch{}).Run(t.Context(), []Job{source, input, fifo})
	want := "romfs.yaml:5:7: files[0].transform: data/a.csv: cannot be read: no such file or directory\n" +
		"romfs.yaml:5:7: files[0].transform: data/b.csv: its input head: cannot be read: no such file or directory\n" +
		"romfs.yaml:5:7: files[0].transform: data/c.csv: cannot be read: not a regular file"
	var read *ReadError
	if !errors.As(err, &read) || err.Error() != want {
		t.Errorf("%v, want\n%s", err, want)
	}
}

// TestPlaces: the output of a tool that is not told where to put it is looked
// for where it runs, and an empty one is one.
func TestPlaces(t *testing.T) {
	t.Parallel()
	beside := job(t, script(t, `cp "$1" a.bin`), "a.csv", "source", "{in}")
	beside.Output = "a.bin"
	inPlace := job(t, script(t, `echo edited >>"$1"`), "b.csv", "source\n", "{in}")
	empty := job(t, script(t, `: >"$2"`), "c.csv", "source", "{in}", "{out}")
	dash := job(t, script(t, `cat -- "$1" >"$2"; [ "$1" = ./-n.csv ]`), "-n.csv", "source", "{in}", "{out}")
	r := run(t, &Batch{}, beside, inPlace, empty, dash)
	for i, want := range []string{"source", "source\nedited\n", "", "source"} {
		if got := string(r[i].Content); got != want || r[i].Content == nil {
			t.Errorf("%d: %q, want %q", i, got, want)
		}
	}
	if data, err := os.ReadFile(inPlace.Path); string(data) != "source\n" {
		t.Errorf("the source itself is now %q, %v", data, err)
	}
}

// TestEnvironment: a run sees the source, its inputs and the variables that are
// documented, and of the user's own PATH alone.
func TestEnvironment(t *testing.T) {
	t.Setenv("SECRET_TOKEN", "x")
	t.Setenv("TZ", "Asia/Tokyo")
	tool := script(t, `{ env | sort; ls -A . ../out "$HOME" "$TMPDIR"; umask; } >"$1"; readlink /proc/self/fd/0 >>"$1" || true; [ "${HOME%/home}/work" = "$PWD" ]`)
	j := job(t, tool, "a.csv", "source", "{out}", "{in}")
	j.Inputs = []File{{Name: "head", Data: []byte("x")}}
	got := string(run(t, &Batch{}, j)[0].Content)
	for _, line := range strings.Split(got, "\n") {
		name, value, ok := strings.Cut(line, "=")
		if !ok {
			continue
		}
		want, fixed := map[string]string{"LC_ALL": "C", "TZ": "UTC", "SOURCE_DATE_EPOCH": "315532800", "PYTHONHASHSEED": "0",
			"PYTHONDONTWRITEBYTECODE": "1", "PATH": os.Getenv("PATH")}[name]
		if fixed && value != want || !fixed && !slices.Contains([]string{"HOME", "TMPDIR", "TMP", "TEMP", "USERPROFILE", "PWD", "_", "OLDPWD", "SHLVL"}, name) {
			t.Errorf("%s is in the environment", line)
		}
	}
	if want := ".:\na.csv\nhead\n"; !strings.Contains(got, want) {
		t.Errorf("it does not begin with exactly its source and inputs:\n%s", got)
	}
	if !strings.Contains(got, "/dev/null") {
		t.Errorf("it can read from our input:\n%s", got)
	}
}

// TestUmask: a umask that takes all rights changes nothing.
func TestUmask(t *testing.T) {
	old := syscall.Umask(0o777)
	tool, jobs := func() (*Tool, []Job) {
		syscall.Umask(old)
		defer syscall.Umask(0o777)
		tool := script(t, `cat "$1" "$3" >"$2"`)
		j := job(t, tool, "a.csv", "source ", "{in}", "{out}", "{inputs[0]}")
		j.Inputs = []File{{Name: "head", Data: []byte("input")}}
		return tool, []Job{j}
	}()
	r, err := (&Batch{}).Run(t.Context(), jobs)
	syscall.Umask(old)
	if err != nil {
		t.Fatal(tool.Name, err)
	}
	if got := string(r[0].Content); got != "source input" {
		t.Errorf("%q", got)
	}
}

// leftovers are the directories of runs that are still there.
func leftovers(t *testing.T, temp string) []string {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(temp, "romfs-transform-*"))
	if err != nil {
		t.Fatal(err)
	}
	return left
}

// TestCancel: Ctrl-C ends the tool and what it has started, and leaves no
// folder; the error is the interruption.
func TestCancel(t *testing.T) {
	temp, leash := t.TempDir(), testprogram.NewLeash(t)
	t.Setenv("TMPDIR", temp)
	tool := script(t, `mkdir ../tmp/locked; touch ../tmp/locked/x; chmod 0 ../tmp/locked
`+leash.Hold()+`sleep 1000 & wait`)
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("interrupted by the test")
	done := make(chan error, 1)
	go func() {
		_, err := (&Batch{Workers: 1}).Run(ctx, []Job{job(t, tool, "a.csv", "", "{in}"), job(t, tool, "b.csv", "", "{in}")})
		done <- err
	}()
	leash.Taken(1)
	cancel(why)
	if err := <-done; !errors.Is(err, why) {
		t.Errorf("%v", err)
	}
	if more := leash.Ended(); more != 0 {
		t.Errorf("%d more tools were started than may run at once", more)
	}
	if left := leftovers(t, temp); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestStrayProcess: what a tool leaves running when it ends does not go on, and
// does not hold us.
func TestStrayProcess(t *testing.T) {
	temp, leash := t.TempDir(), testprogram.NewLeash(t)
	t.Setenv("TMPDIR", temp)
	tool := script(t, leash.Hold()+`sleep 1000 & cp "$1" "$2"`)
	if r := run(t, &Batch{}, job(t, tool, "a.csv", "source", "{in}", "{out}")); string(r[0].Content) != "source" {
		t.Errorf("%q", r[0].Content)
	}
	if n := leash.Ended(); n != 1 {
		t.Errorf("%d tools were started, want 1", n)
	}
	if left := leftovers(t, temp); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestChatter: of endless output the end is kept, and no more.
func TestChatter(t *testing.T) {
	t.Parallel()
	tool := script(t, `yes "a line of text" | head -c 20000000; printf 'the cause\r\n\377' >&2; exit 1`)
	_, err := (&Batch{}).Run(t.Context(), []Job{job(t, tool, "a.csv", "", "{in}")})
	if err == nil || len(err.Error()) > 2000 || !strings.Contains(err.Error(), "the cause") || strings.Contains(err.Error(), "\xff") {
		t.Errorf("%d bytes: %.3000v", len(fmt.Sprint(err)), err)
	}
}

// TestWorkers: no more tools run at once than were asked for.
func TestWorkers(t *testing.T) {
	t.Parallel()
	notes := t.TempDir()
	tool := script(t, `mkdir '`+notes+`/busy'; sleep 0.02; rmdir '`+notes+`/busy'; cp "$1" "$2"`) // mkdir fails if two do
	var jobs []Job
	for i := range 8 {
		jobs = append(jobs, job(t, tool, fmt.Sprintf("%d.csv", i), strconv.Itoa(i), "{in}", "{out}"))
	}
	for i, r := range run(t, &Batch{Workers: 1}, jobs...) {
		if string(r.Content) != strconv.Itoa(i) {
			t.Errorf("result %d is %q", i, r.Content)
		}
	}
}

// TestFind: why a program cannot be used.
func TestFind(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "tools", "plain"), "#!/bin/sh\n", 0o666)
	testprogram.Write(t, filepath.Join(dir, "bin", "on-path"), "#!/bin/sh\n")
	t.Setenv("PATH", filepath.Join(dir, "bin"))
	for name, want := range map[string]string{
		"tools/none": "there is no such file beside the manifest", "tools/plain": "the file is not executable", "nowhere": "not found in PATH", "tools": "not found in PATH",
	} {
		if _, err := lookUp(name, dir, ""); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	if path, err := lookUp("on-path", dir, ""); err != nil || path != filepath.Join(dir, "bin", "on-path") {
		t.Errorf("%s, %v", path, err)
	}
	if _, err := lookUp("./tools", dir, ""); err == nil {
		t.Error("a folder is a program")
	}
}
