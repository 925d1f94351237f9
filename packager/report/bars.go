package report

import (
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// Bars reports on a terminal: a line for each running task, messages above them.
// Close must be called at the end; it restores the terminal's line.
//
// Tasks called "NAME: TASK" are those of one name, which has one line however they
// follow each other.
type Bars struct {
	// Prefix decorates a level, see Log.Prefix.
	Prefix func(Level) string

	w        io.Writer
	progress *mpb.Progress

	mu   sync.Mutex
	last map[string]*barTask // of each name
}

// NewBars returns a reporter that draws on the terminal behind w.
func NewBars(w io.Writer) *Bars {
	return &Bars{w: w, progress: mpb.New(mpb.WithOutput(w), mpb.WithWidth(24), mpb.WithAutoRefresh()), last: map[string]*barTask{}}
}

// Task implements Reporter: a line with how much is done, how fast that went, how
// long the rest will take, and what goes on.
func (b *Bars) Task(name string, total int64, unit Unit) Task {
	t := &barTask{bars: b, total: total, unit: unit, start: time.Now(), gone: make(chan struct{})}
	t.name, t.what = name, ""
	if i := strings.LastIndex(name, ": "); i >= 0 {
		t.name, t.what = name[:i], name[i+2:]
	}
	var before *barTask
	if t.what != "" {
		b.mu.Lock()
		before, b.last[t.name] = b.last[t.name], t
		b.mu.Unlock()
	}
	if before == nil {
		t.show()
	} else {
		go func() {
			<-before.gone
			t.show()
		}()
	}
	return t
}

// status says how far a task has come within a time, and what goes on.
func status(n, total int64, unit Unit, took time.Duration, doing string) string {
	words := []string{amount(n, total, unit)}
	if n > 0 && took > 0 {
		if unit == Bytes {
			words = append(words, rate(n, took))
		}
		if left := time.Duration(float64(took) / float64(n) * float64(total-n)); left > 0 {
			words = append(words, left.Round(time.Second).String()+" left")
		}
	}
	if doing != "" {
		words = append(words, doing)
	}
	return strings.Join(words, ", ")
}

// Log implements Reporter.
func (b *Bars) Log(level Level, msg string) {
	line := prefix(b.Prefix, level) + msg + "\n"
	if _, err := io.WriteString(b.progress, line); err != nil { // after Close
		io.WriteString(b.w, line)
	}
}

// Event implements Reporter: bars are for people, so events are dropped.
func (b *Bars) Event(string, map[string]any) {}

// Close waits for the last drawing and removes what is left of the bars. It
// may be called again.
func (b *Bars) Close() error {
	b.progress.Shutdown()
	return nil
}

// A barTask is a task, and its line once that of the task before is gone.
type barTask struct {
	bars  *Bars
	name  string // of what it is about, or its own
	what  string // it is, where the name does not say it
	total int64
	unit  Unit
	start time.Time
	doing atomic.Pointer[string]
	gone  chan struct{} // closed when it has no line any more, and gets none

	mu    sync.Mutex
	bar   *mpb.Bar // nil: not yet
	n     int64
	ended bool
}

// show draws the line, if the task has not ended by now.
func (t *barTask) show() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		close(t.gone)
		return
	}
	// A bar that knows its total would vanish as soon as it is full, with checks still to come.
	bar, err := t.bars.progress.Add(0, mpb.BarStyle().Lbound("[").Filler("=").Tip(">").Padding(" ").Rbound("]").Build(),
		mpb.PrependDecorators(decor.Name(t.name, decor.WCSyncSpaceR)),
		mpb.AppendDecorators(decor.Any(func(s decor.Statistics) string {
			return " " + status(s.Current, t.total, t.unit, time.Since(t.start), t.now())
		})),
		mpb.BarRemoveOnComplete())
	if err != nil { // after Close
		t.ended = true
		close(t.gone)
		return
	}
	bar.SetTotal(t.total, false)
	bar.SetCurrent(t.n)
	t.bar = bar
	go func() {
		bar.Wait()
		close(t.gone)
	}()
}

// now is what goes on.
func (t *barTask) now() string {
	if doing := t.doing.Load(); doing != nil {
		return *doing
	}
	return t.what
}

func (t *barTask) Doing(what string) { t.doing.Store(&what) }

func (t *barTask) Add(n int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.n += n
	if t.bar != nil {
		t.bar.SetCurrent(t.n)
	}
}

func (t *barTask) Done() { t.end(func() { t.bar.SetTotal(-1, true) }) } // the total becomes what was done

func (t *barTask) Fail(error) { t.end(func() { t.bar.Abort(true) }) }

func (t *barTask) end(remove func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = true
	if t.bar != nil {
		remove()
	}
}
