package simboard

import (
	"fmt"
	"time"
)

// Stats counts what happened to a board since Start, or since ResetStats.
type Stats struct {
	Erases         int      `json:"erases"`          // erase blocks erased
	ErasedBytes    int64    `json:"erased_bytes"`    // bytes in them
	Programs       int      `json:"programs"`        // program steps: pages, or write units where there are no pages
	ProgramBytes   int64    `json:"program_bytes"`   // bytes in them
	HostToBoard    int64    `json:"host_to_board"`   // bytes that the host sent
	BoardToHost    int64    `json:"board_to_host"`   // bytes that the board sent
	Turnarounds    int      `json:"turnarounds"`     // times that the board answered after the host had sent
	LostBytes      int64    `json:"lost_bytes"`      // bytes that the ring had no room for, or that came while the board was deaf or off
	Boots          int      `json:"boots"`           // interpreter starts, the first and soft resets included
	Crashes        int      `json:"crashes"`         // hard faults, and interpreters that ended by themselves
	WatchdogResets int      `json:"watchdog_resets"` // resets by the watchdog
	PowerCuts      int      `json:"power_cuts"`      // times that the power went off
	Violations     []string `json:"violations"`      // what no careful driver asks of flash, the first hundred
}

func (s *Stats) violation(format string, args ...any) {
	if len(s.Violations) < 100 {
		s.Violations = append(s.Violations, fmt.Sprintf(format, args...))
	}
}

// LinkTime models how long the counted bytes take at baud bits a second, 10 a
// byte, one direction at a time, and with latency each way for each answer
// that was waited for. A baud of 0 has no limit.
func (s Stats) LinkTime(baud int, latency time.Duration) time.Duration {
	t := 2 * latency * time.Duration(s.Turnarounds)
	if baud > 0 {
		t += time.Duration(float64(s.HostToBoard+s.BoardToHost) * 10 / float64(baud) * float64(time.Second))
	}
	return t
}

// FlashTime models how long the counted flash operations take: erase for each
// block, program for each step.
func (s Stats) FlashTime(erase, program time.Duration) time.Duration {
	return time.Duration(s.Erases)*erase + time.Duration(s.Programs)*program
}
