// Package report is how long work tells what it is doing: tasks with
// progress, messages, and events for programs.
//
// Libraries take a Reporter and never print. The command decides what becomes
// of it: bars on a terminal, plain lines, NDJSON, or nothing.
package report

import (
	"fmt"
	"io"
	"maps"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Reporter takes what happens. Its methods may be called from several
// goroutines at once.
type Reporter interface {
	// Task begins a piece of work of total units; total 0 is unknown.
	Task(name string, total int64, unit Unit) Task
	// Log passes a message on, one line without a final newline.
	Log(level Level, msg string)
	// Event passes something on for programs to read. Fields are encoded as
	// JSON; the keys "event" and "level" are the reporter's own.
	Event(name string, fields map[string]any)
}

// A Task is one piece of work. Exactly one of Done and Fail ends it.
type Task interface {
	Add(n int64)       // n more units are done
	Doing(what string) // what goes on right now, in a word: "erasing"
	Done()             // all of it
	Fail(err error)    // err says why not
}

// Writer returns a writer that counts the bytes which are written to it as done.
func Writer(t Task) io.Writer { return taskWriter{t} }

type taskWriter struct{ Task }

func (t taskWriter) Write(b []byte) (int, error) {
	t.Add(int64(len(b)))
	return len(b), nil
}

// A Unit is what a task counts.
type Unit string

// The units.
const (
	Bytes  Unit = "bytes"
	Files  Unit = "files"
	Blocks Unit = "blocks" // of flash
)

// A Level is the weight of a message.
type Level int

// The levels.
const (
	Info Level = iota
	Warning
	Error
)

// String returns the level as messages and events show it.
func (l Level) String() string {
	switch l {
	case Info:
		return "info"
	case Warning:
		return "warning"
	case Error:
		return "error"
	}
	return fmt.Sprintf("Level(%d)", int(l))
}

// Discard returns a reporter that drops everything.
func Discard() Reporter { return discard{} }

type discard struct{}

func (discard) Task(string, int64, Unit) Task { return noTask{} }
func (discard) Log(Level, string)             {}
func (discard) Event(string, map[string]any)  {}

type noTask struct{}

func (noTask) Add(int64)    {}
func (noTask) Doing(string) {}
func (noTask) Done()        {}
func (noTask) Fail(error)   {}

// Named returns a reporter that says what the work is about: tasks are called
// "NAME: TASK", and events have NAME as their field "image".
func Named(r Reporter, name string) Reporter { return named{r, name} }

type named struct {
	Reporter
	name string
}

func (n named) Task(name string, total int64, unit Unit) Task {
	return n.Reporter.Task(n.name+": "+name, total, unit)
}

func (n named) Event(name string, fields map[string]any) {
	fields = maps.Clone(fields)
	fields["image"] = n.name
	n.Reporter.Event(name, fields)
}

// Renamed returns a reporter whose lines say names otherwise: rename is given what
// people read, the names of tasks and messages. Events are as they are, and so are
// errors: who has to do something needs the whole name.
func Renamed(r Reporter, rename func(text string) string) Reporter { return renamed{r, rename} }

type renamed struct {
	Reporter
	rename func(string) string
}

func (r renamed) Task(name string, total int64, unit Unit) Task {
	return r.Reporter.Task(r.rename(name), total, unit)
}

func (r renamed) Log(level Level, msg string) {
	if level != Error {
		msg = r.rename(msg)
	}
	r.Reporter.Log(level, msg)
}

// size writes a count the way people read it: bytes as KiB, MiB and GiB.
func size(n int64, unit Unit) string {
	if unit != Bytes {
		return fmt.Sprintf("%d", n)
	}
	return Size(n)
}

// Size writes a number of bytes for people: "812 B", "79.9 KiB", "1.5 MiB", "2.0 GiB".
func Size(n int64) string {
	if n < 1<<10 && n > -1<<10 {
		return fmt.Sprintf("%d B", n)
	}
	const units = "KMG"
	v, unit := float64(n)/(1<<10), 0
	for math.Abs(v) >= 1023.95 && unit < len(units)-1 { // it would be written as 1024.0
		v /= 1 << 10
		unit++
	}
	return fmt.Sprintf("%.1f %ciB", v, units[unit])
}

// Plural returns "1 file", "2 files": n and its noun.
func Plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// Name writes a name for a terminal: control characters and bytes that are no
// text would otherwise act on it.
func Name(name string) string {
	if !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(name)
	}
	return name
}
