// Package watch tells when files and directories change, for work that is done
// anew after each save.
//
// It watches what it is given and nothing else, and makes one change of all that
// belongs together: editors write a file under another name and rename it, and
// save several at once. What the files are for is its user's business.
package watch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// settle is for how long nothing must happen before a change is complete.
	settle = 30 * time.Millisecond
	// patience bounds that, for files that are written to all the time.
	patience = time.Second
)

// A Watcher waits for changes of a set of paths.
type Watcher struct {
	notify *fsnotify.Watcher
	done   chan struct{} // closed when the last event was taken
	wake   chan struct{} // has a value when there may be something in changed

	mu      sync.Mutex
	places  places
	watched map[string]bool // directories, by their real paths
	changed map[string]bool
	first   time.Time // event in changed
	last    time.Time
	err     error
}

// A Change is what happened to some of the paths at about the same time.
type Change struct {
	// Paths are those of the set, as it has them, and new or removed names in
	// its directories; sorted.
	Paths []string
	At    time.Time // when it began
}

// New returns a Watcher of nothing.
func New() (*Watcher, error) {
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watching files: %w", err)
	}
	w := newWatcher(notify)
	go w.follow(notify.Events, notify.Errors)
	return w, nil
}

func newWatcher(notify *fsnotify.Watcher) *Watcher {
	return &Watcher{notify: notify, done: make(chan struct{}), wake: make(chan struct{}, 1),
		watched: map[string]bool{}, changed: map[string]bool{}}
}

// Close ends the watch.
func (w *Watcher) Close() error {
	err := w.notify.Close()
	<-w.done
	return err
}

// Set says what to watch, in place of what was watched before: of a file its
// content, through symbolic links too, of a directory the names in it, and of
// what is not there whether it appears. It reports whether something is watched
// from now on that was not before, and may so have changed unseen.
func (w *Watcher) Set(paths []string) (more bool, err error) {
	places := locate(paths)
	w.mu.Lock()
	before := maps.Clone(w.watched)
	w.places = places
	w.mu.Unlock()
	var errs []error
	for dir := range places.dirs {
		if before[dir] {
			continue
		}
		// Noted first: that it is removed again may be told at once.
		w.note(dir, true)
		switch err := w.notify.Add(dir); {
		case err == nil:
			more = true
		case errors.Is(err, fs.ErrNotExist): // gone since it was looked at
			w.note(dir, false)
			more = true
		case errors.Is(err, fs.ErrPermission): // whoever wants to read it will say so
		default:
			w.note(dir, false)
			errs = append(errs, advise(dir, err))
		}
	}
	for dir := range before {
		if !places.dirs[dir] {
			w.note(dir, false)
			_ = w.notify.Remove(dir) // it may be gone
		}
	}
	return more, errors.Join(errs...)
}

func (w *Watcher) note(dir string, watched bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if watched {
		w.watched[dir] = true
	} else {
		delete(w.watched, dir)
	}
}

// Next waits for the next change. Its error is the context's cause, or that of the
// system.
func (w *Watcher) Next(ctx context.Context) (Change, error) {
	for {
		select {
		case <-ctx.Done():
			return Change{}, context.Cause(ctx)
		case <-w.wake:
		}
		for {
			c, wait, err := w.take(time.Now())
			if err != nil || len(c.Paths) > 0 {
				return c, err
			}
			if wait < 0 {
				break
			}
			select {
			case <-ctx.Done():
				return Change{}, context.Cause(ctx)
			case <-time.After(wait):
			}
		}
	}
}

// take returns the change if it is complete by now, or how long to wait; less than
// 0 means that there is none.
func (w *Watcher) take(now time.Time) (c Change, wait time.Duration, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return c, 0, w.err
	}
	if len(w.changed) == 0 {
		return c, -1, nil
	}
	if wait := min(w.last.Add(settle).Sub(now), w.first.Add(patience).Sub(now)); wait > 0 {
		return c, wait, nil
	}
	c = Change{slices.Sorted(maps.Keys(w.changed)), w.first}
	clear(w.changed)
	return c, 0, nil
}

// follow takes the system's events as they come, so that their times are right.
func (w *Watcher) follow(events <-chan fsnotify.Event, errs <-chan error) {
	defer close(w.done)
	for events != nil || errs != nil {
		select {
		case e, ok := <-events:
			if !ok {
				events = nil
				continue
			}
			w.event(e)
		case err, ok := <-errs:
			if !ok {
				errs = nil
				continue
			}
			w.fail(err)
		}
	}
}

// event notes what of the set an event is about.
func (w *Watcher) event(e fsnotify.Event) {
	const names = fsnotify.Create | fsnotify.Remove | fsnotify.Rename
	if e.Op == fsnotify.Chmod {
		return // indexers and virus scanners do that all the time
	}
	name := filepath.Clean(e.Name)
	w.mu.Lock()
	defer w.mu.Unlock()
	if e.Has(fsnotify.Remove | fsnotify.Rename) {
		delete(w.watched, name) // a directory of that name is another one from now on
	}
	var about []string
	if given, ok := w.places.paths[name]; ok {
		about = given
	} else if dir, ok := w.places.listed[filepath.Dir(name)]; ok && e.Op&names != 0 {
		about = []string{filepath.Join(dir, filepath.Base(name))}
	}
	w.happened(about)
}

// fail notes an error of the system. After events that it had no memory for, all
// may have changed.
func (w *Watcher) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !errors.Is(err, fsnotify.ErrEventOverflow) {
		w.err = fmt.Errorf("watching files: %w", err)
		w.signal()
		return
	}
	for _, given := range w.places.paths {
		w.happened(given)
	}
}

func (w *Watcher) happened(paths []string) {
	if len(paths) == 0 {
		return
	}
	w.last = time.Now()
	if len(w.changed) == 0 {
		w.first = w.last
	}
	for _, path := range paths {
		w.changed[path] = true
	}
	w.signal()
}

func (w *Watcher) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}
