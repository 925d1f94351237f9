package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/google/go-cmp/cmp"
)

// work is one life of a reporter: a task in many steps, a failed one, messages.
func work(r Reporter) {
	t := r.Task("compile", 100, Files)
	for range 100 {
		t.Add(1)
	}
	t.Done()
	r.Log(Info, "wrote a.romfs")
	r.Log(Warning, "almost full")
	r.Event("image", map[string]any{"size": 12, "path": "a<b>"})
	short := r.Task("write", 3<<20, Bytes)
	short.Add(1 << 20)
	short.Fail(errors.New("disk full"))
	short.Done() // too late: the task has ended
	unknown := r.Task("hash", 0, Bytes)
	unknown.Add(5)
	unknown.Done()
}

func TestLog(t *testing.T) {
	var b bytes.Buffer
	work(NewLog(&b))
	want := `compile: done, 100 files
wrote a.romfs
warning: almost full
write: failed at 1.0 MiB of 3.0 MiB: disk full
hash: done, 5 B
`
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}

	b.Reset()
	quiet := NewLog(&b)
	quiet.Quiet = true
	work(quiet)
	if d := cmp.Diff("wrote a.romfs\nwarning: almost full\n", b.String()); d != "" {
		t.Errorf("quiet (-want +got)\n%s", d)
	}
}

func TestNDJSON(t *testing.T) {
	var b bytes.Buffer
	r := NewNDJSON(&b)
	work(r)
	r.Event("bad", map[string]any{"f": func() {}})
	var states []string
	for line := range strings.Lines(b.String()) {
		var v map[string]any
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		switch v["event"] {
		case "task":
			states = append(states, v["task"].(string)+" "+v["state"].(string))
		case "log":
			states = append(states, v["level"].(string)+" "+v["message"].(string))
		default:
			states = append(states, strings.TrimSpace(line))
		}
	}
	want := []string{"compile start"}
	for range 9 {
		want = append(want, "compile progress")
	}
	want = append(want, "compile done", "info wrote a.romfs", "warning almost full",
		`{"event":"image","path":"a\u003cb\u003e","size":12}`,
		"write start", "write progress", "write fail", "hash start", "hash done",
		"error event bad: json: unsupported type: func()")
	if d := cmp.Diff(want, states); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// TestStatus is what a line says at each moment.
func TestStatus(t *testing.T) {
	for want, got := range map[string]string{
		"0 B of 392.0 KiB, comparing":                          status(0, 392<<10, Bytes, 0, "comparing"),
		"98.0 KiB of 392.0 KiB, 12.2 KiB/s, 24s left, erasing": status(98<<10, 392<<10, Bytes, 8*time.Second, "erasing"),
		"392.0 KiB of 392.0 KiB, 12.2 KiB/s, comparing":        status(392<<10, 392<<10, Bytes, 32*time.Second, "comparing"),
		"250 of 1000 files, 1m30s left":                        status(250, 1000, Files, 30*time.Second, ""),
		"5 B, 5 B/s":                                           status(5, 0, Bytes, time.Second, ""),
		" in 2.0 s, 12.0 KiB/s":                                pace(24<<10, Bytes, 2*time.Second),
		" in 2.0 s":                                            pace(24, Files, 2*time.Second),
		"":                                                     pace(24<<10, Bytes, long-1),
	} {
		if got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}

// TestRenamed: names are other ones in lines, and the same in events.
func TestRenamed(t *testing.T) {
	var b bytes.Buffer
	r := Renamed(NewNDJSON(&b), strings.NewReplacer("/dev/long", "…ong").Replace)
	r.Task("/dev/long: writing", 1, Bytes).Done()
	r.Log(Info, "/dev/long: done")
	r.Log(Error, "\"/dev/long\" failed")
	r.Event("deploy", map[string]any{"port": "/dev/long"})
	if got := b.String(); strings.Count(got, "…ong: ") != 3 || !strings.Contains(got, `"port":"/dev/long"`) || !strings.Contains(got, `"/dev/long\" failed"`) {
		t.Error(got)
	}
}

// TestBars draws on a real terminal: messages stay, bars are gone at the end.
func TestBars(t *testing.T) {
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	if err := pty.Setsize(slave, &pty.Winsize{Rows: 24, Cols: 100}); err != nil {
		t.Fatal(err)
	}
	read := make(chan string)
	go func() {
		b, _ := io.ReadAll(master) // ends with EIO when the other side is closed
		read <- string(b)
	}()
	bars := NewBars(slave)
	work(bars)
	abandoned := bars.Task("left running", 10, Blocks)
	abandoned.Add(1)
	bars.Close()
	bars.Close()
	bars.Log(Info, "after the end")
	bars.Task("too late", 1, Files).Done()
	slave.Close()
	got := <-read
	for _, want := range []string{"wrote a.romfs", "warning: almost full", "after the end"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not on the terminal:\n%q", want, got)
		}
	}
	if strings.Contains(got, "too late") {
		t.Errorf("drawn after Close:\n%q", got)
	}
}

func TestDiscardAndConcurrency(t *testing.T) {
	work(Discard())
	for _, r := range []Reporter{NewLog(io.Discard), NewNDJSON(io.Discard), Discard()} {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() { work(r) })
		}
		wg.Wait()
	}
}

func TestWords(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 81852: "79.9 KiB", 3 << 20: "3.0 MiB", -2048: "-2.0 KiB",
		1048524: "1023.9 KiB", 1048525: "1.0 MiB", -1<<20 + 1: "-1.0 MiB", 1<<30 - 1: "1.0 GiB", 5 << 30: "5.0 GiB", 5000 << 30: "5000.0 GiB"} {
		if got := Size(n); got != want {
			t.Errorf("Size(%d) = %q, want %q", n, got, want)
		}
	}
	if Plural(1, "file") != "1 file" || Plural(0, "file") != "0 files" {
		t.Error("Plural is wrong")
	}
}
