// Package simtest is what only tests want of simulated boards: looks at their
// flash with MicroPython's own driver, replays of power cuts that it can look
// at, and what counted work would have cost on another board.
package simtest

import (
	"time"

	"rules_romfs/packager/simboard"
)

// LinkTime models how long the counted bytes take at baud bits a second, 10 a
// byte, one direction at a time, and with latency each way for each answer
// that was waited for. A baud of 0 has no limit.
func LinkTime(s simboard.Stats, baud int, latency time.Duration) time.Duration {
	t := 2 * latency * time.Duration(s.Turnarounds)
	if baud > 0 {
		t += time.Duration(float64(s.HostToBoard+s.BoardToHost) * 10 / float64(baud) * float64(time.Second))
	}
	return t
}

// FlashTime models how long the counted flash operations take: erase for each
// block, program for each step.
func FlashTime(s simboard.Stats, erase, program time.Duration) time.Duration {
	return time.Duration(s.Erases)*erase + time.Duration(s.Programs)*program
}
