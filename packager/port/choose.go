package port

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"rules_romfs/packager/board"
)

// A Choice is what decides which ports a command uses.
type Choice struct {
	Ports   []string       // asked for: ports, names of the book, or USB serial numbers
	All     bool           // every board that matches, not exactly one
	Default string         // $ROMFS_PORT
	Book    Book           // the ports file
	Board   *board.Profile // nil: any board that a profile knows

	// List returns this machine's ports; nil: List.
	List func() ([]Info, error)
}

// Choose returns the ports to use, at least one: those asked for, else
// $ROMFS_PORT, else the board's in the ports file, else the USB devices with
// the board's ids. More than one without All is a *Error that lists them.
func (c *Choice) Choose() ([]string, error) {
	asked := c.Ports
	if len(asked) == 0 && !c.All && c.Default != "" {
		asked = []string{c.Default}
	}
	var out []string
	add := func(ports ...string) {
		for _, p := range ports {
			if !slices.Contains(out, p) {
				out = append(out, p)
			}
		}
	}
	for _, name := range asked {
		ports, known := c.Book[name]
		if !known {
			ports = []string{name}
		}
		for _, p := range ports {
			port, err := c.resolve(p, name)
			if err != nil {
				return nil, err
			}
			add(port)
		}
	}
	if len(out) > 0 && !c.All {
		return out, nil
	}
	if c.Board != nil {
		for _, p := range c.Book[c.Board.ID] {
			port, err := c.resolve(p, c.Board.ID)
			if err != nil {
				return nil, err
			}
			add(port)
		}
		if len(out) > 0 && !c.All {
			return c.one(out, nil)
		}
	}
	list, err := c.list()
	if err != nil {
		return nil, &Error{Err: fmt.Errorf("listing the serial ports: %w", err)}
	}
	var others []string
	for _, p := range list {
		if c.matches(p) {
			add(p.Name)
		} else {
			others = append(others, describe(p))
		}
	}
	return c.one(out, others)
}

// one demands at least one port, and no more than one without All.
func (c *Choice) one(ports, others []string) ([]string, error) {
	what := "a board"
	if c.Board != nil {
		what = c.Board.ID
	}
	switch {
	case len(ports) == 0:
		msg := "no port looks like " + what
		if len(others) > 0 {
			msg += " (there are " + strings.Join(others, ", ") + ")"
		}
		if len(c.Book) > 0 {
			return nil, &Error{Err: fmt.Errorf("%s; give --port (the ports file names %s), or set $ROMFS_PORT", msg, c.Book.names())}
		}
		return nil, &Error{Err: errors.New(msg + "; give --port, set $ROMFS_PORT, or name it in " + PortsFile)}
	case len(ports) > 1 && !c.All:
		return nil, &Error{Err: fmt.Errorf("several ports look like %s: %s; give --port, or --all for every one of them", what, strings.Join(ports, ", "))}
	}
	return ports, nil
}

func (c *Choice) list() ([]Info, error) {
	if c.List != nil {
		return c.List()
	}
	return List()
}

// resolve turns a USB serial number into the port where that device is now.
// What looks like a port is one. name is what was asked for: the port, or a name
// of the book.
func (c *Choice) resolve(port, name string) (string, error) {
	if port == "" {
		return "", &Error{Err: errors.New("the port has no name; leave --port out to have it found")}
	}
	if isPort(port) {
		return port, nil
	}
	list, err := c.list()
	if err != nil {
		return "", &Error{Port: port, Err: err}
	}
	var there []string
	for _, p := range list {
		if strings.EqualFold(p.Serial, port) {
			return p.Name, nil
		}
		if p.Name == port {
			return port, nil
		}
		there = append(there, describe(p))
	}
	msg := "there is no port, no name in " + PortsFile + " and no USB device with this serial number"
	if _, known := c.Book[name]; known {
		msg = fmt.Sprintf("the ports file says %s, and there is no port and no USB device with this serial number", port)
	} else if len(c.Book) > 0 {
		msg = fmt.Sprintf("there is no port, no name in the ports file (it has %s) and no USB device with this serial number", c.Book.names())
	}
	if len(there) > 0 {
		msg += " (there are " + strings.Join(there, ", ") + ")"
	}
	return "", &Error{Port: name, Err: errors.New(msg)}
}

// isPort tells what looks like a port from a name or serial number.
func isPort(s string) bool {
	return strings.ContainsAny(s, "/:\\") || strings.HasPrefix(strings.ToUpper(s), "COM")
}

func describe(p Info) string {
	if p.USB == "" {
		return p.Name
	}
	return fmt.Sprintf("%s (USB %s, serial number %s)", p.Name, p.USB, p.Serial)
}

// matches tells whether a port is one of the board, by its USB ids.
func (c *Choice) matches(p Info) bool {
	return len(Profiles(p, c.Board)) > 0
}

// Profiles returns the ids of the board profiles whose firmware shows up as p
// does; of only, if that is not nil, else of all.
func Profiles(p Info, only *board.Profile) []string {
	list := board.Builtin()
	if only != nil {
		list = []*board.Profile{only}
	}
	var ids []string
	for _, b := range list {
		for _, id := range b.USB {
			if p.USB != "" && id.Mode != "bootloader" && strings.EqualFold(id.String(), p.USB) && !slices.Contains(ids, b.ID) {
				ids = append(ids, b.ID)
			}
		}
	}
	return ids
}
