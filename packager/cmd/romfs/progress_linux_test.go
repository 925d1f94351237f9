package main

import (
	"bytes"
	"encoding/json"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/creack/pty"

	"rules_romfs/internal/peer"
	"rules_romfs/packager/simboard"
)

// slowDeploy has two boards on slow links, of slow flash; its deploy takes seconds.
func slowDeploy(t *testing.T) (args []string, getenv func(string) string) {
	dir := t.TempDir()
	save(t, filepath.Join(dir, "src", "noise.bin"), noise(40_000))
	env := map[string]string{"ROMFS_MICROPYTHON": peer.MicroPython(t), "ROMFS_CACHE": filepath.Join(dir, ".cache"), "HOME": dir, "TERM": "xterm"}
	const faults = "?baud=230400&erase-time=60ms"
	return []string{"deploy", filepath.Join(dir, "src"), "--port", "sim:rp2" + faults + "&size=256KiB", "--port", "sim:openmv-n6" + faults, "--any-board"},
		func(key string) string { return env[key] }
}

// up is how a line of progress is drawn over: the cursor goes up by so many.
var up = regexp.MustCompile(`\x1b\[(\d+)A`)

// TestProgressOnTerminal: while boards are deployed to, each has one line with what
// is done, the rate, the time left, and what the board does.
func TestProgressOnTerminal(t *testing.T) {
	t.Parallel()
	args, getenv := slowDeploy(t)
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	if err := pty.Setsize(slave, &pty.Winsize{Rows: 24, Cols: 140}); err != nil {
		t.Fatal(err)
	}
	read := make(chan string)
	go func() {
		b, _ := io.ReadAll(master) // ends with EIO when the other side is closed
		read <- string(b)
	}()
	var stdout bytes.Buffer
	code := run(t.Context(), args, strings.NewReader(""), &stdout, slave, getenv)
	slave.Close()
	screen := <-read
	if code != exitOK || strings.Count(stdout.String(), "deployed src") != 2 {
		t.Fatalf("exit code %d: %s\n%s", code, &stdout, screen)
	}
	for _, want := range []string{
		`sim:rp2\S* +\[=*>? *\] +[\d.]+ KiB of 39\.1 KiB, [\d.]+ KiB/s, \d+s left, (erasing and )?writing`,
		`sim:openmv-n6\S* +\[=*>? *\] +[\d.]+ KiB of 39\.1 KiB, [\d.]+ KiB/s, \d+s left, erasing and writing`,
	} {
		if !regexp.MustCompile(want).MatchString(screen) {
			t.Errorf("the terminal never showed %s:\n%q", want, screen)
		}
	}
	for _, m := range up.FindAllStringSubmatch(screen, -1) {
		if n, _ := strconv.Atoi(m[1]); n > 2 {
			t.Errorf("two boards had %d lines:\n%q", n, screen)
			break
		}
	}
}

// TestProgressLog: with --progress log each phase of each board is one line.
func TestProgressLog(t *testing.T) {
	t.Parallel()
	args, getenv := slowDeploy(t)
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), append(args, "--progress", "log"), strings.NewReader(""), &stdout, &stderr, getenv); code != exitOK {
		t.Fatalf("exit code %d: %s", code, &stderr)
	}
	for _, board := range []string{"rp2", "openmv-n6"} {
		var phases []string
		for line := range strings.Lines(stderr.String()) {
			if strings.HasPrefix(line, "sim:"+board) && strings.Contains(line, ": done") {
				phases = append(phases, regexp.MustCompile(`: (\w+): done, 39\.1 KiB( in \d+\.\d s, [\d.]+ KiB/s)?\n$`).ReplaceAllString(line, " $1 "))
			}
		}
		for i := range phases {
			_, phases[i], _ = strings.Cut(phases[i], " ")
		}
		if want := []string{"comparing ", "writing ", "checking "}; !slices.Equal(phases, want) {
			t.Errorf("%s: %q, not %q in\n%s", board, phases, want, &stderr)
		}
	}
}

// TestLongNames: lines have as much of a long name as tells boards apart, and JSON
// all of it.
func TestLongNames(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	save(t, filepath.Join(dir, "src", "a.txt"), "a")
	env := map[string]string{"ROMFS_CACHE": filepath.Join(dir, ".cache"), "HOME": dir}
	args := []string{"deploy", filepath.Join(dir, "src")}
	var names []string
	for _, serial := range []string{"e6614104033b7b26", "e6614104044b7b26"} {
		name := filepath.Join(dir, "usb-MicroPython_Board_in_FS_mode_"+serial+"-if00")
		b, err := simboard.Start(t.Context(), simboard.Options{Interpreter: peer.MicroPython(t), Link: name})
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		args, names = append(args, "--port", name), append(names, name)
	}
	var stdout, stderr bytes.Buffer
	getenv := func(key string) string { return env[key] }
	if code := run(t.Context(), args, strings.NewReader(""), &stdout, &stderr, getenv); code != exitOK {
		t.Fatalf("exit code %d: %s", code, &stderr)
	}
	for _, want := range []string{"…3b7b26: deployed src", "…4b7b26: deployed src", "…3b7b26: 1 of 1 blocks changed", "…4b7b26: 1 of 1 blocks changed"} {
		if !strings.Contains("\n"+stdout.String()+stderr.String(), "\n"+want) {
			t.Errorf("no line begins with %q:\n%s%s", want, &stdout, &stderr)
		}
	}
	stdout.Reset()
	stderr.Reset()
	if code := run(t.Context(), append(args, "--output", "json", "--events", "json"), strings.NewReader(""), &stdout, &stderr, getenv); code != exitOK {
		t.Fatalf("exit code %d: %s", code, &stderr)
	}
	var result deployResult
	if err := json.Unmarshal(stdout.Bytes(), &result); err != nil {
		t.Fatal(err)
	}
	for i, name := range names {
		if result.Boards[i].Port != name || !strings.Contains(stderr.String(), name) {
			t.Errorf("JSON has the port %s, not %s", result.Boards[i].Port, name)
		}
	}
}

// TestBookNames: a board whose port's name is long is called as the ports file has it.
func TestBookNames(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	save(t, filepath.Join(dir, "src", "a.txt"), "a")
	book := filepath.Join(dir, "ports.yaml")
	save(t, book, "version: 1\nboards:\n  - {name: kitchen, port: \"sim:weact-h743?board=weact-h743\"}\n")
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{"deploy", filepath.Join(dir, "src"), "--port", "kitchen", "--ports-file", book, "--no-history"}, strings.NewReader(""), &stdout, &stderr, func(key string) string {
		return map[string]string{"ROMFS_MICROPYTHON": peer.MicroPython(t)}[key]
	})
	if code != exitOK || !strings.HasPrefix(stdout.String(), "kitchen: deployed src") || !strings.HasPrefix(stderr.String(), "kitchen: 1 of 1 blocks changed") {
		t.Errorf("exit code %d: %s%s", code, &stdout, &stderr)
	}
}
