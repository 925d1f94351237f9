package port

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"go.bug.st/serial"
)

// A Reset is one way to restart a board that does not answer: steps that set the
// lines DTR and RTS, which circuits on many boards make a reset of, or a touch.
type Reset struct {
	name  string
	steps []step
}

// A step is one of: a line that is set, a pause, a touch.
type step struct {
	line  string // "dtr" or "rts"
	on    bool
	wait  time.Duration
	touch bool
}

// ways are the resets that have names.
var ways = map[string]string{
	// The transistors of ESP boards, as of most that copy them: RTS holds the
	// chip in reset while DTR leaves its boot pin alone.
	"classic": "dtr off, rts on, wait 100ms, rts off, wait 50ms",
	// The USB port in Espressif's chips takes them from the host's requests, which
	// need their time.
	"usb-jtag": "dtr off, rts on, wait 200ms, rts off, wait 200ms",
	// Opened and closed at 1200 baud, firmware for Arduinos and some of
	// MicroPython's ports enters the bootloader.
	"touch": "touch",
}

// noReset is the text for no way at all.
const noReset = "none"

// touchBaud is the speed that means "into the bootloader".
const touchBaud = 1200

// ParseReset reads ways to restart a board, separated by semicolons, which are
// tried in order: "classic", "usb-jtag", "touch", or steps of one's own, as
// "dtr off, rts on, wait 100ms, rts off". "none" is no way; nil, without an error,
// leaves the choice to the kind of port.
func ParseReset(text string) ([]Reset, error) {
	switch strings.TrimSpace(text) {
	case "", "auto":
		return nil, nil
	case noReset:
		return []Reset{}, nil
	}
	var resets []Reset
	for way := range strings.SplitSeq(text, ";") {
		way = strings.TrimSpace(way)
		steps := way
		if known, ok := ways[way]; ok {
			steps = known
		}
		r := Reset{name: way}
		for one := range strings.SplitSeq(steps, ",") {
			s, err := parseStep(one)
			if err != nil {
				return nil, err
			}
			r.steps = append(r.steps, s)
		}
		resets = append(resets, r)
	}
	return resets, nil
}

// maxPause bounds the pause of a reset.
const maxPause = 10 * time.Second

func parseStep(text string) (step, error) {
	words := strings.Fields(strings.ToLower(text))
	if len(words) == 1 && words[0] == "touch" {
		return step{touch: true}, nil
	}
	if len(words) == 2 {
		d, err := time.ParseDuration(words[1])
		switch {
		case words[0] == "wait" && err == nil && d > 0 && d <= maxPause:
			return step{wait: d}, nil
		case (words[0] == "dtr" || words[0] == "rts") && (words[1] == "on" || words[1] == "off"):
			return step{line: words[0], on: words[1] == "on"}, nil
		}
	}
	return step{}, fmt.Errorf("reset: %q is none of auto, none, classic, usb-jtag, touch, \"dtr on\", \"rts off\" and the like, and \"wait 100ms\" (up to %v)", strings.TrimSpace(text), maxPause)
}

func (r Reset) String() string { return r.name }

// ErrNoLines is what a reset ends with on a port without DTR and RTS.
var ErrNoLines = errors.New("this port does not set DTR and RTS")

// Do restarts the board at the other end of l, which a touch closes. An error
// that wraps ErrNoLines says that nothing was done.
func (r Reset) Do(ctx context.Context, l *Link) error {
	for _, s := range r.steps {
		var err error
		switch {
		case s.touch:
			err = touch(l)
		case s.wait > 0:
			err = sleep(ctx, s.wait)
		default:
			err = l.setLine(s)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *Link) setLine(s step) error {
	port, ok := l.rwc.(lines)
	if !ok {
		return ErrNoLines
	}
	set := port.SetRTS
	if s.line == "dtr" {
		set = port.SetDTR
	}
	err := set(s.on)
	switch {
	case err == nil:
		return nil
	case isGone(err): // the reset took USB along
		return Failed("restarting the board at "+l.name, fmt.Errorf("%w: %w", ErrLost, err))
	}
	return fmt.Errorf("%w: %w", ErrNoLines, err)
}

// isGone tells whether an error says that the device is no longer there, or was
// closed.
func isGone(err error) bool {
	for _, gone := range []error{os.ErrClosed, net.ErrClosed, syscall.ENODEV, syscall.ENXIO, syscall.EIO, syscall.EPIPE} {
		if errors.Is(err, gone) {
			return true
		}
	}
	return false
}

// touch opens and closes the port at 1200 baud.
func touch(l *Link) error {
	if kind, _ := scheme(l.name); kind != "" {
		return fmt.Errorf("%w: a touch needs a serial device", ErrNoLines)
	}
	l.Close()
	p, err := serial.Open(l.name, &serial.Mode{BaudRate: touchBaud})
	if err != nil {
		return serialError(l.name, err)
	}
	p.SetDTR(false)
	return p.Close()
}

// adapters are the vendors of USB serial adapters, whose lines go to the board's
// reset circuit if to anything: Silicon Labs, WCH, FTDI, Prolific.
var adapters = []string{"10c4", "1a86", "0403", "067b"}

// usbJTAG are the USB ids of the port that Espressif's chips have built in.
const usbJTAG = "303a:1001"

// Resets returns the ways to restart a board at a port, in the order in which
// they are tried: those that are asked for, else what its kind of port suggests.
// MicroPython's own USB port resets nothing by its lines; and a touch leaves some
// boards in their bootloader, so that one is for those who ask for it.
func (o *Opener) Resets(d Device) []Reset {
	text := o.Reset
	if own := o.ResetOf[d.given]; own != "" {
		text = own
	}
	resets, err := ParseReset(text)
	if err != nil || resets != nil {
		return resets // whoever set the text has checked it
	}
	way := ""
	vendor, _, _ := strings.Cut(d.USB, ":")
	switch kind, _ := scheme(d.given); {
	case kind == rfc2217Scheme, slices.Contains(adapters, vendor):
		way = "classic"
	case d.USB == usbJTAG:
		way = "usb-jtag"
	default:
		return nil
	}
	resets, _ = ParseReset(way)
	return resets
}
