package simboard

import "rules_romfs/packager/simboard/flashsim"

// Stats counts what happened to a board since Start, or since ResetStats.
type Stats struct {
	flashsim.Counts
	HostToBoard    int64 `json:"host_to_board"`   // bytes that the host sent
	BoardToHost    int64 `json:"board_to_host"`   // bytes that the board sent
	Turnarounds    int   `json:"turnarounds"`     // times that the board answered after the host had sent
	LostBytes      int64 `json:"lost_bytes"`      // bytes that the ring had no room for, or that came while the board was deaf or off
	Boots          int   `json:"boots"`           // interpreter starts, the first and soft resets included
	Crashes        int   `json:"crashes"`         // hard faults, and interpreters that ended by themselves
	WatchdogResets int   `json:"watchdog_resets"` // resets by the watchdog
	PowerCuts      int   `json:"power_cuts"`      // times that the power went off
}
