package bazel

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestTogether: of one board the commands keep their order, and no more run at once than may.
func TestTogether(t *testing.T) {
	const boards, each, jobs = 5, 4, 2
	var commands []Command
	for i := range boards * each {
		commands = append(commands, Command{Board: strconv.Itoa(i % boards)})
	}
	var lock sync.Mutex
	running, most := 0, 0
	order := map[string][]int{}
	count := func(n int) {
		lock.Lock()
		defer lock.Unlock()
		running += n
		most = max(most, running)
	}
	synctest.Test(t, func(t *testing.T) {
		Together(t.Context(), commands, jobs, func(i int) {
			count(1)
			defer count(-1)
			time.Sleep(time.Second) // all that may run at once have begun
			lock.Lock()
			defer lock.Unlock()
			order[commands[i].Board] = append(order[commands[i].Board], i)
		})
	})
	if most != jobs || len(order) != boards {
		t.Errorf("%d at once, %d boards", most, len(order))
	}
	for b, did := range order {
		if len(did) != each || !slices.IsSorted(did) {
			t.Errorf("board %s: %v", b, did)
		}
	}
}

// TestTogetherEnds: after the end of the context none begins.
func TestTogetherEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ran := 0
	Together(ctx, []Command{{}, {}, {}}, 1, func(int) { ran++; cancel() })
	if ran != 1 {
		t.Errorf("%d commands ran", ran)
	}
}
