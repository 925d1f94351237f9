package bazel

import (
	"context"
	"sync"
)

// Together runs the commands of several boards at once, so many of them at most, and those of one
// board in their order: run gets the index of one. After the end of ctx it begins none.
func Together(ctx context.Context, commands []Command, jobs int, run func(i int)) {
	var queues [][]int // of each board, the indices of its commands
	ofBoard := map[string]int{}
	for i, c := range commands {
		q, ok := ofBoard[c.Board]
		if !ok {
			q = len(queues)
			ofBoard[c.Board] = q
			queues = append(queues, nil)
		}
		queues[q] = append(queues[q], i)
	}
	slots := make(chan struct{}, jobs)
	var all sync.WaitGroup
	for _, queue := range queues {
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			for _, i := range queue {
				if ctx.Err() != nil {
					return
				}
				run(i)
			}
		})
	}
	all.Wait()
}
