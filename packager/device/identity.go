package device

import (
	"fmt"
	"slices"

	"rules_romfs/packager/port"
)

// An OtherBoardError says that behind a port that was opened anew there is
// another board than before. It is wrapped in a *port.Error.
type OtherBoardError struct{ Before, Now, Why string }

func (e *OtherBoardError) Error() string {
	return fmt.Sprintf("another board answers there now: %s, not %s (%s); nothing was changed on it. Connect the right one, or give its serial number as --port, and run this again", e.Now, e.Before, e.Why)
}

// recognise compares a board with the one that was asked first at this port.
func (b *Board) recognise(info *Info, segments []Segment) error {
	if b.Info == nil {
		return nil
	}
	why := differsFrom(b.Info, info)
	if why == "" && !slices.EqualFunc(b.Segments, segments, Segment.isLike) {
		why = "its ROM partitions are others"
	}
	if why == "" {
		return nil
	}
	return &port.Error{Port: b.Port, Err: &OtherBoardError{Before: b.Info.name(), Now: info.name(), Why: why}}
}

// differsFrom tells by what a board is another one, or "". The unique id decides;
// where the firmware has none, machine, firmware and ABI must do.
func differsFrom(a, b *Info) string {
	switch {
	case a.Machine != b.Machine:
		return "the machine differs"
	case a.ID != b.ID:
		return "the unique id differs"
	case a.ID != "":
		return ""
	case a.Name != b.Name || a.Version != b.Version:
		return "the firmware differs"
	case a.MPY != b.MPY || a.WordBits != b.WordBits || a.Platform != b.Platform:
		return "the firmware was built for another processor"
	}
	return ""
}

// name names a board for people.
func (i *Info) name() string {
	if i.ID == "" {
		return fmt.Sprintf("%q with %s %s", i.Machine, i.Name, i.Version)
	}
	return fmt.Sprintf("%q with id %s", i.Machine, i.ID)
}

// isLike tells whether two partitions are the same one, whatever is in it.
func (s Segment) isLike(o Segment) bool {
	return s.Index == o.Index && s.Kind == o.Kind && s.Size == o.Size && s.Erase == o.Erase && (s.Err == nil) == (o.Err == nil)
}

// USBSerial returns the USB serial number of the board's port, "" if it has none.
func (b *Board) USBSerial() string { return b.usb.Serial }
