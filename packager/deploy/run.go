package deploy

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"rules_romfs/packager/artifact"
	"rules_romfs/packager/device"
	"rules_romfs/packager/port"
	"rules_romfs/packager/repl"
	"rules_romfs/packager/report"
	"rules_romfs/packager/romfs"
)

// maxReconnects bounds how often a deploy goes on after the board restarted or
// its program was interrupted.
const maxReconnects = 6

// maxShrinks bounds how often a deploy starts anew with less of the board's
// memory.
const maxShrinks = 6

// Run deploys. Errors are *port.Error, *port.TransferError,
// *IncompatibleError, *VerifyError or the context's. The board is left at its
// friendly REPL, or running main.py, and the port is free.
func Run(ctx context.Context, r Request) (*Result, error) {
	results, errs := RunAll(ctx, []Request{r})
	return results[0], errs[0]
}

// RunAll is Run for several images of one board, each for its own partition.
// They share one connection, that of the first request, and one reset at the
// end. What is refused for one is refused before anything is written for any.
// The images are written in order; the first that fails ends the deploy, except
// where they are only compared. There is a result for each request, and an
// error for the one that failed; of the others, the Status says how far they
// came.
func RunAll(ctx context.Context, requests []Request) ([]*Result, []error) {
	s := &session{errs: make([]error, len(requests))}
	var results []*Result
	for _, r := range requests {
		d := &deployer{Request: r, digest: sha256.Sum256(r.Image)}
		d.result = &Result{Port: requests[0].Port, SHA256: d.digest}
		d.Port, d.Opener = requests[0].Port, requests[0].Opener
		if d.Reporter == nil {
			d.Reporter = report.Discard()
		}
		if d.Cache == nil {
			d.Cache = OpenCache("")
		}
		s.all, results = append(s.all, d), append(results, d.result)
	}
	err := s.run(ctx)
	if err != nil {
		s.failed()
	}
	if err != nil && ctx.Err() != nil && s.wrote() {
		err = &InterruptedError{s.all[0].Port, ctx.Err()}
	}
	if err != nil && err != s.differs() {
		s.errs[s.at] = err
	}
	if s.b != nil {
		s.account()
		for _, r := range results {
			r.Port = s.b.Port
		}
		// After an error the board stays at the REPL: main.py may not find
		// what it imports.
		cerr := s.b.Close(err == nil && !s.all[0].NoRun)
		if err == nil && cerr != nil {
			s.now().warn("%s: the board did not confirm its friendly REPL: %v", s.b.Port, cerr)
		}
	}
	return results, s.errs
}

// A session is one connection to one board, for all that is to be deployed.
type session struct {
	all []*deployer
	b   *device.Board
	at  int // index of the image at hand

	errs []error // by image

	resumed                 int
	sent, received, retries int64 // what is in the results already
}

// now returns the image at hand.
func (s *session) now() *deployer { return s.all[s.at] }

func (s *session) wrote() bool {
	return slices.ContainsFunc(s.all, func(d *deployer) bool { return d.wrote })
}

// differs returns the error of the first image that was compared and is not
// what the board holds.
func (s *session) differs() error {
	return cmp.Or(s.errs...)
}

// account adds the traffic since the last call to the image at hand.
func (s *session) account() {
	sent, received, retries := s.b.Traffic()
	r := s.now().result
	r.Sent, r.Received, r.Retries = r.Sent+sent-s.sent, r.Received+received-s.received, r.Retries+retries-s.retries
	s.sent, s.received, s.retries = sent, received, retries
}

// failed says in the results how far the other images came when one failed.
func (s *session) failed() {
	for i, d := range s.all {
		switch {
		case i == s.at:
		case d.result.Status == "":
			d.result.Status = Skipped
		case d.wrote && !d.proven:
			d.result.Status = Written
		}
	}
}

func (s *session) run(ctx context.Context) error {
	for i, d := range s.all {
		s.at = i
		if s := d.Sidecar; s != nil && s.Image.SHA256 != d.digest {
			return &artifact.MismatchError{Got: artifact.Image{SHA256: d.digest, Size: int64(len(d.Image))}, Want: s.Image}
		}
		if _, err := romfs.Parse(d.Image); err != nil {
			return err
		}
	}
	s.at = 0
	b, err := device.Connect(ctx, s.all[0].Opener, s.all[0].Port, true)
	if err != nil {
		return err
	}
	s.b = b
	taken := map[int]*deployer{}
	for i, d := range s.all {
		s.at, d.b = i, b
		if err := d.preflight(); err != nil {
			return err
		}
		if taken[d.seg.Index] != nil {
			return incompatible("%s: two images are for partition %d", b.Port, d.seg.Index)
		}
		taken[d.seg.Index] = d
	}
	s.at = 0
	s.now().warnModules()
	for shrunk := 0; ; {
		err := s.attempt(ctx)
		if repl.OutOfMemory(err) && shrunk < maxShrinks && ctx.Err() == nil {
			// Ask for less: smaller frames, no buffer for a whole block.
			s.now().info("%s: the board ran out of memory; starting anew with less", b.Port)
			shrunk++
			b.Info.Largest /= 2
			if err := b.SoftReset(ctx); err != nil {
				return err
			}
			continue
		}
		if err == nil || !passing(err) || ctx.Err() != nil || s.resumed >= maxReconnects {
			return err
		}
		s.resumed++
		d := s.now()
		d.result.Resumed++
		if rerr := b.Reconnect(ctx); rerr != nil {
			return fmt.Errorf("%w; %w", err, rerr)
		}
		if b.Info.WatchdogReset && (errors.Is(err, repl.ErrReset) || errors.Is(err, port.ErrLost)) {
			err = errors.New("a watchdog reset the board")
		}
		d.warn("%s: %v; going on where it stopped", d.Port, err)
		// The restart may have let boot.py in again.
		if err := b.SoftReset(ctx); err != nil {
			return err
		}
	}
}

// passing tells errors after which trying again helps.
func passing(err error) bool {
	return errors.Is(err, port.ErrTimeout) || errors.Is(err, device.ErrSilent) || errors.Is(err, repl.ErrReset) || errors.Is(err, device.ErrEnded) || errors.Is(err, port.ErrLost)
}

// attempt goes on with the image at hand and does the rest. Nothing of the
// board's own runs until all is written: a program that is new already must not
// meet flash that is being changed.
func (s *session) attempt(ctx context.Context) error {
	for {
		err := s.now().attempt(ctx)
		if s.now().result.Status == Differs {
			s.errs[s.at] = err
		} else if err != nil {
			return err
		}
		if s.at == len(s.all)-1 {
			break
		}
		if err := s.b.Stop(ctx); err != nil {
			return err
		}
		s.account()
		s.at++
	}
	if err := s.differs(); err != nil {
		return err
	}
	return s.finish(ctx)
}

// finish leaves the program on the board, soft-resets and checks from the
// outside that the board has the images and mounts what it mounts.
func (s *session) finish(ctx context.Context) error {
	if err := s.b.Stop(ctx); err != nil {
		return err
	}
	if s.wrote() {
		if err := s.b.SoftReset(ctx); err != nil {
			return err
		}
	}
	for i, d := range s.all {
		if !d.wrote {
			continue
		}
		s.at = i
		if err := d.after(ctx); err != nil {
			return err
		}
		d.proven = true
	}
	for i, d := range s.all {
		if d.result.Status != Deployed && d.result.Status != Unchanged {
			continue
		}
		s.at = i
		d.result.Import = d.importHint()
		if err := d.imports(ctx); err != nil {
			return err
		}
	}
	return nil
}
