// Package batch does many things of one kind, several at a time.
package batch

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
)

// Run does each job and returns the results in their order. Workers is how many
// are done at once; 0 is one a processor. It does not stop at a job that fails:
// all errors are joined, in the order of the jobs and whatever the number of
// workers. If ctx ends, no more jobs are begun, and its cause is the error. Done,
// if not nil, is called after each success, from several goroutines.
func Run[J, R any](ctx context.Context, workers int, jobs []J, do func(J) (R, error), done func(i int, r *R)) ([]R, error) {
	results := make([]R, len(jobs))
	errs := make([]error, len(jobs))
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(workers, len(jobs)) {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(jobs) || ctx.Err() != nil {
					return
				}
				if results[i], errs[i] = do(jobs[i]); errs[i] == nil && done != nil {
					done(i, &results[i])
				}
			}
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return results, nil
}
