package report

import (
	"io"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// Bars reports on a terminal: a bar for each running task, messages above
// them. Close must be called at the end; it restores the terminal's line.
type Bars struct {
	// Prefix decorates a level, see Log.Prefix.
	Prefix func(Level) string

	w        io.Writer
	progress *mpb.Progress
}

// NewBars returns a reporter that draws on the terminal behind w.
func NewBars(w io.Writer) *Bars {
	return &Bars{w: w, progress: mpb.New(mpb.WithOutput(w), mpb.WithWidth(40), mpb.WithAutoRefresh())}
}

// Task implements Reporter.
func (b *Bars) Task(name string, total int64, unit Unit) Task {
	counter := decor.CountersNoUnit("%d / %d "+string(unit), decor.WCSyncSpace)
	if unit == Bytes {
		counter = decor.CountersKibiByte("% .1f / % .1f", decor.WCSyncSpace)
	}
	bar, err := b.progress.Add(total, mpb.BarStyle().Lbound("[").Filler("=").Tip(">").Padding(" ").Rbound("]").Build(),
		mpb.PrependDecorators(decor.Name(name, decor.WCSyncSpaceR)),
		mpb.AppendDecorators(counter, decor.Percentage(decor.WCSyncSpace)),
		mpb.BarRemoveOnComplete())
	if err != nil { // after Close
		return noTask{}
	}
	return &barTask{bar}
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

type barTask struct{ bar *mpb.Bar }

func (t *barTask) Add(n int64) { t.bar.IncrInt64(n) }
func (t *barTask) Done()       { t.bar.SetTotal(-1, true) } // the total becomes what was done
func (t *barTask) Fail(error)  { t.bar.Abort(true) }
