package batch

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
)

// TestRun: results and errors are in the order of the jobs, with any number of
// workers.
func TestRun(t *testing.T) {
	t.Parallel()
	jobs := make([]int, 100)
	for i := range jobs {
		jobs[i] = i
	}
	for _, workers := range []int{0, 1, 3, 1000} {
		var done atomic.Int64
		got, err := Run(t.Context(), workers, jobs, func(i int) (string, error) { return fmt.Sprint(i), nil }, func(i int, r *string) {
			if *r != fmt.Sprint(i) {
				t.Errorf("job %d is done with %s", i, *r)
			}
			done.Add(1)
		})
		if err != nil || len(got) != 100 || got[42] != "42" || done.Load() != 100 {
			t.Errorf("%d workers: %v, %d results, %d done", workers, err, len(got), done.Load())
		}
		_, err = Run(t.Context(), workers, jobs, func(i int) (string, error) {
			if i%10 != 0 {
				return "", nil
			}
			return "", fmt.Errorf("job %d", i)
		}, nil)
		if want := "job 0,job 10,job 20,job 30,job 40,job 50,job 60,job 70,job 80,job 90"; err == nil || strings.ReplaceAll(err.Error(), "\n", ",") != want {
			t.Errorf("%d workers: %v", workers, err)
		}
	}
	if got, err := Run(t.Context(), 2, nil, func(int) (int, error) { return 0, nil }, nil); err != nil || len(got) != 0 {
		t.Errorf("%v, %v", got, err)
	}
}

// TestCancel: what was not begun is not, and the cause is the error.
func TestCancel(t *testing.T) {
	t.Parallel()
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	begun := 0
	_, err := Run(ctx, 1, make([]int, 10), func(int) (int, error) {
		if begun++; begun == 3 {
			cancel(why)
		}
		return 0, errors.New("its own")
	}, nil)
	if err != why || begun != 3 {
		t.Errorf("%v after %d jobs", err, begun)
	}
}
