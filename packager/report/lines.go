package report

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"sync"
	"time"
)

// steps is how many lines a task may write between its start and its end.
// Counting instead of a clock keeps logs of equal builds equal.
const steps = 10

// A Log reports in plain lines, for terminals without bars, files and CI.
type Log struct {
	// Prefix decorates a level; nil writes "warning: ", "error: " and nothing
	// for Info.
	Prefix func(Level) string
	// Quiet drops tasks, so that only messages remain.
	Quiet bool

	mu sync.Mutex
	w  io.Writer
}

// NewLog returns a reporter that writes lines to w.
func NewLog(w io.Writer) *Log { return &Log{w: w} }

// long is from when on a line says how long a task took. Below it, logs of equal
// work are equal.
const long = time.Second

// Task implements Reporter: a line at its end.
func (l *Log) Task(name string, total int64, unit Unit) Task {
	if l.Quiet {
		return noTask{}
	}
	start := time.Now()
	return &countTask{total: total, emit: func(state string, n int64, err error) {
		switch state {
		case "done":
			l.line(fmt.Sprintf("%s: done, %s", name, amount(n, 0, unit)) + pace(n, unit, time.Since(start)))
		case "fail":
			line := fmt.Sprintf("%s: failed at %s", name, amount(n, total, unit))
			if err != nil { // else somebody else says it
				line += ": " + err.Error()
			}
			l.line(line)
		}
	}}
}

// amount says how much is done, and of how much where that is known.
func amount(n, total int64, unit Unit) string {
	s := size(n, unit)
	if total > 0 {
		s += " of " + size(total, unit)
	}
	if unit != Bytes { // whose size has a unit
		s += " " + string(unit)
	}
	return s
}

// pace says how long a long task took, and how fast bytes went.
func pace(n int64, unit Unit, took time.Duration) string {
	if took < long {
		return ""
	}
	s := fmt.Sprintf(" in %.1f s", took.Seconds())
	if unit == Bytes {
		s += ", " + rate(n, took)
	}
	return s
}

func rate(n int64, took time.Duration) string {
	return Size(int64(float64(n)/took.Seconds())) + "/s"
}

// Log implements Reporter.
func (l *Log) Log(level Level, msg string) { l.line(l.prefix(level) + msg) }

// Event implements Reporter: lines are for people, so events are dropped.
func (l *Log) Event(string, map[string]any) {}

func (l *Log) prefix(level Level) string { return prefix(l.Prefix, level) }

func prefix(f func(Level) string, level Level) string {
	switch {
	case f != nil:
		return f(level)
	case level == Info:
		return ""
	}
	return level.String() + ": "
}

func (l *Log) line(s string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	io.WriteString(l.w, trimRight(s)+"\n")
}

func trimRight(s string) string {
	for len(s) > 0 && s[len(s)-1] == ' ' {
		s = s[:len(s)-1]
	}
	return s
}

// NDJSON reports one JSON object a line, for programs. Each has "event":
// "task" (with task, state, n, total, unit and, where it failed, error), "log"
// (level, message) or the name that Event was given. No line has a time: what
// reads them has a clock.
type NDJSON struct {
	mu sync.Mutex
	w  io.Writer
}

// NewNDJSON returns a reporter that writes NDJSON to w.
func NewNDJSON(w io.Writer) *NDJSON { return &NDJSON{w: w} }

// Task implements Reporter.
func (j *NDJSON) Task(name string, total int64, unit Unit) Task {
	emit := func(state string, n int64, err error) {
		fields := map[string]any{"task": name, "state": state, "n": n, "unit": unit}
		if total > 0 {
			fields["total"] = total
		}
		if err != nil {
			fields["error"] = err.Error()
		}
		j.Event("task", fields)
	}
	emit("start", 0, nil)
	return &countTask{total: total, emit: emit}
}

// Log implements Reporter.
func (j *NDJSON) Log(level Level, msg string) {
	j.Event("log", map[string]any{"level": level.String(), "message": msg})
}

// Event implements Reporter. The keys of a line are sorted.
func (j *NDJSON) Event(name string, fields map[string]any) {
	object := make(map[string]any, len(fields)+1)
	maps.Copy(object, fields)
	object["event"] = name
	line, err := json.Marshal(object)
	if err != nil { // a field that JSON cannot hold: keep the stream readable
		line, _ = json.Marshal(map[string]any{"event": "log", "level": Error.String(),
			"message": fmt.Sprintf("event %s: %v", name, err)})
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.w.Write(append(line, '\n'))
}

// countTask turns a stream of Adds into at most `steps` progress reports.
type countTask struct {
	total int64
	emit  func(state string, n int64, err error)

	mu    sync.Mutex
	n     int64
	ended bool
}

func (t *countTask) Add(n int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := t.step()
	t.n += n
	if after := t.step(); !t.ended && after > before && after < steps {
		t.emit("progress", t.n, nil)
	}
}

// Doing implements Task: it is for who looks on.
func (t *countTask) Doing(string) {}

func (t *countTask) step() int64 {
	if t.total < 2*steps { // too short to be worth a report
		return 0
	}
	return t.n / (t.total / steps)
}

func (t *countTask) end(state string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.ended {
		t.ended = true
		t.emit(state, t.n, err)
	}
}

func (t *countTask) Done()          { t.end("done", nil) }
func (t *countTask) Fail(err error) { t.end("fail", err) }
