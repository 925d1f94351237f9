package main

import (
	"context"
	"slices"

	"rules_romfs/packager/artifact"
	"rules_romfs/packager/images"
	"rules_romfs/packager/port"
	"rules_romfs/packager/report"
	"rules_romfs/packager/watch"
)

// A liveDeploy is `deploy --watch`.
type liveDeploy struct {
	a    *app
	f    *deployFlags
	path string // of the manifest, directory or image

	there []artifact.Digest // the images that the boards have; nil: who knows
	hide  func()            // ends showing what the board prints
}

// watch deploys at each change.
func (f *deployFlags) watch(ctx context.Context, a *app, path string) error {
	if err := a.checkWatch(); err != nil {
		return err
	}
	if f.via != "repl" {
		return &usageError{"--watch goes over the REPL: a bootloader would have to be entered by hand each time"}
	}
	if path == "-" {
		return &usageError{"--watch needs a file that can change; standard input is read once"}
	}
	l := &liveDeploy{a: a, f: f, path: path, hide: func() {}}
	defer func() { l.hide() }()
	return a.watch(ctx, l.reads, l.round)
}

// reads returns the paths on which the deploy depends.
func (l *liveDeploy) reads(ctx context.Context) ([]string, error) {
	book := l.f.port.bookPath(l.a)
	if images.Is(l.path) {
		return []string{l.path, artifact.Path(l.path), book}, nil
	}
	paths, err := l.f.source.reads(ctx, l.a, l.path)
	return append(paths, book), err
}

// round builds, and deploys if the boards do not have that image already. What a
// board prints is shown until then.
func (l *liveDeploy) round(ctx context.Context, c watch.Change) error {
	loads, err := l.a.payloads(ctx, l.path, &l.f.source)
	if err != nil {
		return err
	}
	var digests []artifact.Digest
	for _, load := range loads {
		digests = append(digests, load.SHA256)
	}
	if slices.Equal(digests, l.there) && !slices.Contains(c.Paths, l.f.port.bookPath(l.a)) {
		l.a.reporter.Log(report.Info, changed(c)+": the image is the same")
		return nil
	}
	l.there = nil
	l.hide()
	if err := l.a.start(); err != nil { // the bars of the last round are gone
		return err
	}
	ports, m, err := l.f.overREPL(ctx, l.a, loads)
	if err == nil {
		l.there = digests
		done := "on the board"
		if len(l.f.request.Imports) > 0 {
			done = "imported"
		}
		l.a.after(c, done)
	}
	if l.f.monitor && len(ports) == 1 && ctx.Err() == nil {
		l.show(ctx, ports[0], m)
	}
	return err
}

// show lets the user see what the board prints, until hide is called. Without a
// monitor, because the deploy failed, the port is opened anew, if it is there.
func (l *liveDeploy) show(ctx context.Context, name string, m *port.Monitor) {
	if m == nil {
		var err error
		if m, err = port.Watch(ctx, l.f.port.opener(l.a, nil), name); err != nil {
			return // why, the deploy has said
		}
	}
	shown, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.a.complain(shown, l.a.monitor(shown, name, m))
	}()
	l.hide = func() {
		stop()
		<-done
	}
}
