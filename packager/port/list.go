package port

import (
	"context"
	"errors"
	"slices"
	"strings"
)

// An Info is a serial port of this machine.
type Info struct {
	Name     string `json:"port"`
	USB      string `json:"usb,omitempty"` // "37c5:1206"; empty when it is not USB
	Serial   string `json:"serial,omitempty"`
	Product  string `json:"product,omitempty"`
	Location string `json:"location,omitempty"` // where on the bus its device is plugged in, as "1-2.4"
	// Interface is the number of the port's USB interface: a device may have
	// several ports.
	Interface int `json:"interface,omitempty"`
}

// List lists the serial ports of this machine, by name.
func List() ([]Info, error) {
	list, err := listPorts()
	slices.SortFunc(list, func(a, b Info) int { return strings.Compare(a.Name, b.Name) })
	return list, err
}

// oneEach returns the first port of each device, in the order of list: the REPL
// is on the first interface. Ports of which the place is not known count as
// devices.
func oneEach(list []Info) []Info {
	var out []Info
	for _, p := range list {
		i := slices.IndexFunc(out, func(q Info) bool { return p.Location != "" && q.Location == p.Location })
		if i < 0 {
			out = append(out, p)
		} else if p.Interface < out[i].Interface {
			out[i] = p
		}
	}
	return out
}

// A Device is what a port belongs to, so that it is found again when it comes
// back under another name. Its zero value is one that is not on USB.
type Device struct {
	Info
	given string // the name that the port was opened by
	twin  bool   // its serial number, or having none, is not its alone
}

// Find remembers the device of a port.
func Find(name string) Device {
	if kind, _ := scheme(name); kind != "" {
		return Device{given: name}
	}
	list, err := List()
	if err != nil {
		return Device{given: name}
	}
	return find(name, list)
}

func find(name string, list []Info) Device {
	i := slices.IndexFunc(list, func(p Info) bool { return Same(p.Name, name) })
	if i < 0 {
		return Device{given: name}
	}
	p := list[i]
	return Device{p, name, p.Serial == "" || slices.ContainsFunc(list, func(q Info) bool {
		return q.Name != p.Name && q.Serial == p.Serial && (q.Location == "" || q.Location != p.Location)
	})}
}

// Open opens the port at which the device is now. While another device has its
// old port, and it is nowhere else, it is absent.
func (d Device) Open(ctx context.Context, o *Opener) (*Link, error) {
	name := d.given
	if d.USB != "" {
		if list, err := List(); err == nil {
			name = d.where(list)
		}
	}
	if name == "" {
		return nil, &Error{Port: d.given, Code: CodeAbsent, Err: errors.New("another device is there now"), Hint: "plug the board in again"}
	}
	return o.Open(ctx, name)
}

// where returns the port of the device: its old one while that is listed, else
// that of the same interface. If it is not there, or could be any of several, it
// is the old one, or none if that is another device's now.
func (d Device) where(list []Info) string {
	name := d.given
	var found []Info
	for _, p := range list {
		same := d.isAt(p)
		switch {
		case same && Same(p.Name, d.given):
			return d.given
		case same && !(d.twin && d.Location == ""):
			found = append(found, p)
		case Same(p.Name, d.given):
			name = ""
		}
	}
	found = prefer(found, func(p Info) bool { return p.Location == d.Location })
	found = prefer(found, func(p Info) bool { return p.Interface == d.Interface })
	if len(found) == 1 {
		return found[0].Name
	}
	return name
}

// isAt tells whether a port may be one of the device. Adapters without a serial
// number, and those that all have the same, are told apart by where they are
// plugged in.
func (d Device) isAt(p Info) bool {
	return p.USB != "" && strings.EqualFold(p.Serial, d.Serial) && (!d.twin || p.Location == d.Location)
}

// prefer returns those ports that are as wanted, or all if none is.
func prefer(list []Info, wanted func(p Info) bool) []Info {
	best := slices.DeleteFunc(slices.Clone(list), func(p Info) bool { return !wanted(p) })
	if len(best) > 0 {
		return best
	}
	return list
}
