package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"rules_romfs/packager/artifact"
	"rules_romfs/packager/board"
	"rules_romfs/packager/device"
	"rules_romfs/packager/port"
	"rules_romfs/packager/repl"
	"rules_romfs/packager/report"
	"rules_romfs/packager/romfs"
)

// maxReconnects bounds how often a deploy goes on after the board restarted or
// its program was interrupted, without having come any further since.
const maxReconnects = 6

// maxShrinks bounds how often a deploy starts anew with less of the board's
// memory.
const maxShrinks = 6

// Run deploys. Errors are *artifact.MismatchError and *romfs.FormatError (of the
// image), *port.Error, *port.TransferError, *repl.Error (of the board's Python),
// *IncompatibleError, *BackupError, *VerifyError, *ImportError, *InterruptedError, the context's,
// or of the file system for a backup. The board is left at its friendly REPL, or running
// main.py, and the port is free.
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
	v := &visit{opener: requests[0].Opener, port: requests[0].Port}
	var results []*Result
	for _, r := range requests {
		j := newJob(r, v.port)
		v.jobs, results = append(v.jobs, j), append(results, j.result)
	}
	at, err := v.run(ctx)
	if imported := (*ImportError)(nil); err != nil && ctx.Err() != nil && v.wrote() && !errors.As(err, &imported) {
		err = &InterruptedError{v.port, ctx.Err()}
	}
	errs := make([]error, len(requests))
	for i, j := range v.jobs {
		errs[i] = j.differs
	}
	if err != nil {
		errs[at] = err
		v.failed(at)
	}
	if v.b != nil {
		v.account(v.jobs[at])
		v.leave(err)
	}
	return results, errs
}

// A visit is one connection to one board, for all that is to be deployed. Its
// phases are functions over all jobs; one that fails says at which.
type visit struct {
	opener *port.Opener
	port   string
	jobs   []*job
	b      *device.Board

	sent, received, retries int64 // what is in the results already
}

func (v *visit) wrote() bool {
	return slices.ContainsFunc(v.jobs, func(j *job) bool { return j.wrote })
}

// run does all phases.
func (v *visit) run(ctx context.Context) (at int, err error) {
	if at, err := v.checkImages(); err != nil {
		return at, err
	}
	if v.b, err = device.Connect(ctx, v.opener, v.port, true); err != nil {
		return 0, err
	}
	if at, err := v.preflight(); err != nil {
		return at, err
	}
	v.jobs[0].warnModules()
	setbacks := setbacks{left: -1, watched: v.b.Info.WatchdogReset}
	for {
		if at, err = v.attempt(ctx); err == nil {
			return at, nil
		}
		if err := v.recover(ctx, &setbacks, v.jobs[at], err); err != nil {
			return at, err
		}
	}
}

// checkImages looks at the images before the board is touched.
func (v *visit) checkImages() (at int, err error) {
	for i, j := range v.jobs {
		if s := j.req.Sidecar; s != nil && s.Image.SHA256 != j.digest {
			return i, &artifact.MismatchError{Got: artifact.Image{SHA256: j.digest, Size: int64(len(j.req.Image))}, Want: s.Image}
		}
		if _, err := romfs.Parse(j.req.Image); err != nil {
			return i, err
		}
	}
	return 0, nil
}

// preflight refuses what cannot work, for all images before anything is written
// for any.
func (v *visit) preflight() (at int, err error) {
	taken := map[int]bool{}
	for i, j := range v.jobs {
		j.b = v.b
		if err := j.preflight(); err != nil {
			return i, err
		}
		if taken[j.seg.Index] {
			return i, incompatible("%s: two images are for partition %d", v.b.Port, j.seg.Index)
		}
		taken[j.seg.Index] = true
	}
	return 0, nil
}

// attempt goes on with what is not done yet.
func (v *visit) attempt(ctx context.Context) (at int, err error) {
	if at, err := v.deliver(ctx); err != nil {
		return at, err
	}
	if slices.ContainsFunc(v.jobs, func(j *job) bool { return j.differs != nil }) {
		return 0, nil
	}
	if at, err := v.prove(ctx); err != nil {
		return at, err
	}
	return v.imports(ctx)
}

// deliver compares and writes each image. Nothing of the board's own runs until
// all is written: a program that is new already must not meet flash that is
// being changed.
func (v *visit) deliver(ctx context.Context) (at int, err error) {
	for i, j := range v.jobs {
		if j.done {
			continue
		}
		err := j.deliver(ctx)
		if err == nil {
			err = v.b.Stop(ctx)
		}
		v.account(j)
		if err != nil {
			return i, err
		}
	}
	return 0, nil
}

// prove soft-resets the board if it was changed, as it was before else, and checks
// from the outside that it has the images and mounts what it mounts.
func (v *visit) prove(ctx context.Context) (at int, err error) {
	task := v.checking()
	defer func() {
		if err != nil {
			task.Fail(nil) // the visit says why, or goes on
		} else {
			task.Done()
		}
	}()
	last := len(v.jobs) - 1
	if v.wrote() {
		task.Doing("restarting")
		if err := v.b.SoftReset(ctx); err != nil {
			return last, err
		}
		task.Doing("comparing")
	}
	for i, j := range v.jobs {
		if j.proven || j.result.Status != Deployed && j.result.Status != Unchanged {
			continue
		}
		err := j.after(ctx, v.wrote())
		v.account(j)
		if err != nil {
			return i, err
		}
		j.proven = true
		task.Add(int64(len(j.req.Image)))
	}
	return 0, nil
}

// checking is the task of prove, where there is something to be seen of it.
func (v *visit) checking() report.Task {
	if !v.wrote() {
		return report.Discard().Task("", 0, report.Bytes)
	}
	var total int64
	for _, j := range v.jobs {
		if !j.proven {
			total += int64(len(j.req.Image))
		}
	}
	return v.jobs[0].req.Reporter.Task(v.b.Port+": checking", total, report.Bytes)
}

// imports says how each image is used, and lets the board import what was asked
// for.
func (v *visit) imports(ctx context.Context) (at int, err error) {
	for i, j := range v.jobs {
		if j.result.Status != Deployed && j.result.Status != Unchanged {
			continue
		}
		j.result.Import = j.importHint()
		err := j.noteMain(ctx)
		if err == nil {
			err = j.imports(ctx)
		}
		v.account(j)
		if err != nil {
			return i, err
		}
	}
	return 0, nil
}

// setbacks counts what was recovered from.
type setbacks struct {
	reconnects, shrinks int  // since the last progress, and of all
	left                int  // blocks still to be written when it was counted last; -1: never
	watched             bool // the board says of itself that a watchdog reset it, before this visit
}

// recover makes the board ready for another attempt after err, which ended one of
// j, or returns an error.
func (v *visit) recover(ctx context.Context, n *setbacks, j *job, err error) error {
	if repl.OutOfMemory(err) && n.shrinks < maxShrinks && ctx.Err() == nil {
		// Ask for less: smaller frames, no buffer for a whole block.
		j.info("%s: the board ran out of memory; starting anew with less", v.b.Port)
		n.shrinks++
		v.b.Info.Largest /= 2
		return v.b.SoftReset(ctx)
	}
	if repl.OutOfMemory(err) && ctx.Err() == nil {
		return v.tooLittleMemory(j, err)
	}
	if left := v.left(); n.left < 0 || left < n.left {
		n.left, n.reconnects = left, 0
	}
	if !device.Passing(err) || ctx.Err() != nil || n.reconnects >= maxReconnects {
		return err
	}
	n.reconnects++
	j.result.Resumed++
	if rerr := v.b.Reconnect(ctx); rerr != nil {
		return fmt.Errorf("%w; %w", err, rerr)
	}
	if v.b.Info.WatchdogReset && (!n.watched || errors.Is(err, repl.ErrReset) || errors.Is(err, port.ErrLost)) {
		err = errors.New("a watchdog reset the board")
	}
	j.warn("%s: %v; going on where it stopped", v.port, err)
	// The restart may have let boot.py in again.
	if err := v.b.SoftReset(ctx); err != nil {
		return err
	}
	// What is erased goes by what the board says, so it is asked and checked anew.
	_, err = v.preflight()
	return err
}

// tooLittleMemory says that a board has not the memory for a deploy of j, however small the
// pieces are, and what to do.
func (v *visit) tooLittleMemory(j *job, err error) error {
	need := "16 KiB of free heap are enough"
	if j.seg.Kind == board.BlockDevice {
		need += " where a block has 4 KiB, and this partition's have " + report.Size(j.seg.Erase)
	}
	state := "nothing was changed"
	if v.wrote() {
		state = "the board mounts no half image"
	}
	return &port.TransferError{Op: v.b.Port + ": the board has too little memory, " + report.Size(int64(v.b.Info.Free)) + " of heap", Err: err,
		Hint: state + "; " + need + ": have boot.py take less, or write the partition through the board's bootloader"}
}

// left is how many blocks are still to be written, as far as is known.
func (v *visit) left() (n int) {
	for _, j := range v.jobs {
		switch {
		case j.done:
		case j.result.Blocks == 0: // not compared yet
			n += len(j.req.Image)
		default:
			n += j.differ
		}
	}
	return n
}

// account adds the traffic since the last call to the result of j.
func (v *visit) account(j *job) {
	sent, received, retries := v.b.Traffic()
	r := j.result
	r.Sent, r.Received, r.Retries = r.Sent+sent-v.sent, r.Received+received-v.received, r.Retries+retries-v.retries
	v.sent, v.received, v.retries = sent, received, retries
}

// failed says in the results how far the other images came when one failed.
func (v *visit) failed(at int) {
	for i, j := range v.jobs {
		switch {
		case i == at:
		case j.result.Status == "":
			j.result.Status = Skipped
		case j.wrote && !j.proven:
			j.result.Status = Written
		}
	}
}

// leave ends the visit. main.py runs again, unless an error ended the visit when
// the board was changed already: then it may not find what it imports.
func (v *visit) leave(err error) {
	for _, j := range v.jobs {
		j.result.Port = v.b.Port
	}
	var other *device.OtherBoardError // whose program was interrupted all the same
	run := err == nil || !v.wrote() || errors.As(err, &other)
	run = run && !v.jobs[0].req.NoRun
	var cerr error
	if watch := v.jobs[0].req.Watch; watch != nil && err == nil {
		var m *port.Monitor
		if m, cerr = v.b.HandOver(run); m != nil {
			watch(m)
		}
	} else {
		cerr = v.b.Close(run)
	}
	if err == nil && cerr != nil {
		v.jobs[0].warn("%s: the board did not confirm its friendly REPL: %v", v.b.Port, cerr)
	}
}
