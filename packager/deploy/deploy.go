// Package deploy puts an image into a board's ROM partition and proves that it
// arrived: what has to change, in which order, so that the board never mounts
// a half-written image, and the verification afterwards.
//
// It takes an image and its sidecar and never reads a manifest. How to talk to
// a board is package device's business.
package deploy

import (
	"time"

	"rules_romfs/packager/artifact"
	"rules_romfs/packager/board"
	"rules_romfs/packager/device"
	"rules_romfs/packager/port"
	"rules_romfs/packager/report"
)

// A Request is one deploy to one board.
type Request struct {
	Image     []byte
	Sidecar   *artifact.Sidecar // nil: nothing is known but the image
	Board     *board.Profile    // nil: any board
	Partition string            // name or index; "": the sidecar's, else the board's first

	Port   string
	Opener *port.Opener
	Cache  *Cache

	DryRun     bool // stop before anything is written
	VerifyOnly bool // only compare
	Full       bool // send everything, whatever is there
	NoRun      bool // stay at the REPL afterwards
	AnyBoard   bool // deploy to another board than the profile says
	// AllowDowngrade deploys an older release over a newer one.
	AllowDowngrade bool
	OtherCore      bool   // write a partition that another core runs from: it was stopped
	Backup         string // file for the old image, which must not hold anything else; "": none

	Imports       []string      // modules that the board must import from the image afterwards
	ImportTimeout time.Duration // that each of them has; 0: 30 s

	// Watch is given the board after a deploy that succeeded, still connected and
	// running what runs on it, so that nothing it prints is missed. It has to close
	// the monitor. Nil: the board is let go.
	Watch func(m *port.Monitor)

	Reporter report.Reporter
}

// A Result says what a deploy did. Sizes are in bytes.
type Result struct {
	Port      string          `json:"port"`
	Machine   string          `json:"machine,omitempty"`
	Firmware  string          `json:"firmware,omitempty"`
	ID        string          `json:"board_id,omitempty"`   // machine.unique_id()
	USBSerial string          `json:"usb_serial,omitempty"` // of the port
	Partition int             `json:"partition"`
	Size      int64           `json:"partition_size"`
	SHA256    artifact.Digest `json:"sha256"`
	Status    Status          `json:"status"`

	Blocks  int   `json:"blocks"`         // that the image takes
	Changed int   `json:"blocks_changed"` // that differed, each counted once
	Block   int64 `json:"block_size"`     // bytes
	Erased  int   `json:"blocks_erased"`  // erases of a block, whichever
	Literal int64 `json:"image_bytes_sent"`
	Copied  int64 `json:"image_bytes_copied"` // rebuilt from what was on the board

	Sent     int64  `json:"bytes_sent"` // on the link, everything
	Received int64  `json:"bytes_received"`
	Retries  int64  `json:"frames_repeated"`
	Healed   bool   `json:"rewritten_after_mismatch,omitempty"`
	Resumed  int    `json:"reconnects,omitempty"`
	Backup   string `json:"backup,omitempty"`
	// Lost are the files that disappear: of an image that was not deployed from
	// here, and that the new one does not have.
	Lost   []string `json:"files_lost,omitempty"`
	Import string   `json:"import,omitempty"` // how a program uses the image

	Imported []Imported `json:"imported,omitempty"` // what Request.Imports asked for
	Notes    []Note     `json:"notes,omitempty"`

	ImportFailed *device.Import `json:"import_failed,omitempty"` // the module at which that ended
}

// A Status is how a deploy ended.
type Status string

// The ways.
const (
	Deployed  Status = "deployed"
	Unchanged Status = "unchanged"
	Planned   Status = "planned"  // a dry run that found changes
	Verified  Status = "verified" // --verify-only
	Differs   Status = "differs"  // --verify-only: with a *VerifyError
	// Written: all of the image is there and was compared, but another one of
	// the same deploy failed before the board was seen to mount it.
	Written Status = "written"
	// Skipped: nothing was done, because another image of the same deploy failed.
	Skipped Status = "skipped"
)

// An IncompatibleError says that image and board do not go together. Nothing
// was erased.
type IncompatibleError struct{ Reason string }

func (e *IncompatibleError) Error() string { return e.Reason }

// A VerifyError says that the board does not hold the image.
type VerifyError struct{ Reason string }

func (e *VerifyError) Error() string { return e.Reason }

// A BackupError says that the file for the old image holds something else.
// Nothing was changed on the board.
type BackupError struct{ Path string }

func (e *BackupError) Error() string {
	return "--backup: " + e.Path + " is there already and is not the image on the board; nothing is overwritten: move it, or name another file"
}

// An InterruptedError says that a deploy was cancelled while it changed the
// board.
type InterruptedError struct {
	Port string
	Err  error
}

func (e *InterruptedError) Error() string {
	return e.Port + ": interrupted while writing; the board mounts no half image. Run the deploy again, and it goes on where it stopped"
}

func (e *InterruptedError) Unwrap() error { return e.Err }
