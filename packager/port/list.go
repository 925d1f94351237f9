package port

import (
	"cmp"
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
		return q.Serial == p.Serial && q.Location != p.Location
	})}
}

// Where returns the port at which the device is now: its old one while that is
// listed, else that of the same interface. The old one, too, if the device is
// not there, or if it could be any of several.
func (d Device) Where() string {
	if d.USB == "" {
		return d.given
	}
	list, err := List()
	if err != nil {
		return d.given
	}
	return d.where(list)
}

func (d Device) where(list []Info) string {
	var found []Info
	for _, p := range list {
		if p.USB == "" || !strings.EqualFold(p.Serial, d.Serial) {
			continue
		}
		// Adapters without a number, and those that all have the same, are told
		// apart by where they are plugged in.
		if d.twin && (d.Location == "" || p.Location != d.Location) {
			continue
		}
		if Same(p.Name, d.given) {
			return d.given
		}
		found = append(found, p)
	}
	if at := slices.DeleteFunc(slices.Clone(found), func(p Info) bool { return p.Location != d.Location }); len(at) > 0 {
		found = at
	}
	if same := slices.DeleteFunc(slices.Clone(found), func(p Info) bool { return p.Interface != d.Interface }); len(same) > 0 {
		found = same
	}
	if len(found) != 1 {
		return d.given
	}
	return cmp.Or(found[0].Name, d.given)
}
