package port

import (
	"cmp"
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
	Board   *board.Profile // nil: any board

	// List returns this machine's ports; nil: List.
	List func() ([]Info, error)
}

// Choose returns the ports to use, at least one: those asked for, else
// $ROMFS_PORT, else the board's in the ports file, else the USB devices that look
// like the board. Of each place Port is the one to open. More than one without
// All is an *Error that lists them, as is none.
func (c *Choice) Choose() ([]Place, error) {
	asked := c.Ports
	if len(asked) == 0 && !c.All && c.Default != "" {
		asked = []string{c.Default}
	}
	chosen, err := c.named(asked)
	if err != nil || len(chosen) > 0 {
		return chosen, err
	}
	if c.Board != nil {
		if chosen, err = c.resolveAll(c.Book.Places[c.Board.ID], c.Board.ID); err != nil {
			return nil, err
		}
		if len(chosen) > 0 && !c.All {
			return chosen, c.one(chosen)
		}
	}
	list, err := c.list()
	if err != nil {
		return nil, err
	}
	seen := c.look(list)
	for _, s := range seen {
		if s.Taken || s.rival {
			chosen = add(chosen, c.placeOf(s.Info))
		}
	}
	if len(chosen) == 0 {
		return nil, c.none(seen)
	}
	return chosen, c.one(chosen)
}

// named returns the places that were asked for by name.
func (c *Choice) named(asked []string) (chosen []Place, err error) {
	for _, name := range asked {
		places, known := c.Book.Places[name]
		if !known {
			at, err := c.guess(name)
			if err != nil {
				return nil, err
			}
			chosen = add(chosen, at)
			continue
		}
		at, err := c.resolveAll(places, name)
		if err != nil {
			return nil, err
		}
		chosen = add(chosen, at...)
	}
	return chosen, nil
}

// add appends the places whose ports are not there yet.
func add(list []Place, more ...Place) []Place {
	for _, p := range more {
		if !slices.ContainsFunc(list, func(q Place) bool { return Same(q.Port, p.Port) }) {
			list = append(list, p)
		}
	}
	return list
}

// one refuses several ports without All.
func (c *Choice) one(chosen []Place) error {
	if len(chosen) < 2 || c.All {
		return nil
	}
	var ports []string
	for _, p := range chosen {
		ports = append(ports, p.Port)
	}
	return &Error{Code: CodeSeveral, Err: fmt.Errorf("several ports look like %s: %s", c.what(), strings.Join(ports, ", ")),
		Hint: "give --port, or --all for every one of them"}
}

// none is the error for a machine without such a board.
func (c *Choice) none(seen []Seen) error {
	msg := "no port looks like " + c.what()
	var others []string
	for _, s := range seen {
		others = append(others, describe(s.Info))
	}
	if len(others) > 0 {
		msg += " (there are " + strings.Join(others, ", ") + ")"
	}
	hint := "give --port (sim: is a simulated board), set $ROMFS_PORT, or name it in " + PortsFile
	if names := c.Book.names(); len(names) > 0 {
		hint = "give --port (the ports file names " + strings.Join(names, ", ") + "), or set $ROMFS_PORT"
	}
	return &Error{Code: CodeAbsent, Err: errors.New(msg), Hint: hint + "; `romfs ports` says why each port is not taken"}
}

func (c *Choice) what() string {
	if c.Board == nil {
		return "a board"
	}
	return c.Board.ID
}

func (c *Choice) list() ([]Info, error) {
	list := c.List
	if list == nil {
		list = List
	}
	ports, err := list()
	if err != nil {
		return nil, &Error{Err: fmt.Errorf("listing the serial ports: %w", err)}
	}
	return ports, nil
}

// resolveAll resolves the places of a name of the book.
func (c *Choice) resolveAll(places []Place, name string) (chosen []Place, err error) {
	for _, at := range places {
		if kind, _ := scheme(at.Port); kind == execScheme && !c.Book.Named {
			return nil, &Error{Port: name, Code: CodeDenied, Err: fmt.Errorf("the ports file here has it run a program, %s", at.Port),
				Hint: "if you trust it, name the file: --ports-file " + PortsFile}
		}
		if at.Serial != "" {
			if at, err = c.withSerial(at, name, fmt.Sprintf("the ports file says %s, and there is ", at)); err != nil {
				return nil, err
			}
		}
		chosen = add(chosen, at)
	}
	return chosen, nil
}

// guess finds out what was asked for: a port, or the serial number of a USB
// device. Only what is neither here is judged by how it looks, since serial
// numbers may look like much.
func (c *Choice) guess(name string) (Place, error) {
	if name == "" {
		return Place{}, &Error{Code: CodeName, Err: errors.New("the port has no name"), Hint: "leave --port out to have it found"}
	}
	if kind, _ := scheme(name); kind != "" || strings.Contains(name, "://") {
		return c.placeOf(Info{Name: name}), nil
	}
	list, err := c.list()
	if err != nil && isPath(name) {
		return Place{Port: name}, nil
	}
	if err != nil {
		return Place{}, err
	}
	for _, p := range list {
		if Same(p.Name, name) {
			return c.placeOf(Info{Name: name, Serial: p.Serial}), nil
		}
	}
	at := Place{Serial: name}
	if !slices.ContainsFunc(list, at.is) && isPath(name) {
		return c.placeOf(Info{Name: name}), nil
	}
	const none = "there is no port, no name in "
	if names := c.Book.names(); len(names) > 0 {
		return c.withSerial(at, name, none+"the ports file (it has "+strings.Join(names, ", ")+") and ")
	}
	return c.withSerial(at, name, none+PortsFile+" and ")
}

// placeOf returns the place of a port, with what the book says about it.
func (c *Choice) placeOf(p Info) Place {
	place := Place{Port: p.Name, Serial: p.Serial}
	for _, name := range c.Book.names() {
		for _, at := range c.Book.Places[name] {
			if at.is(p) {
				place.Reset, place.Key = cmp.Or(place.Reset, at.Reset), cmp.Or(place.Key, at.Key)
			}
		}
	}
	return place
}

// withSerial finds the port of the device with a serial number, for which asked
// stands. Without one, the error begins with what else was looked for.
func (c *Choice) withSerial(at Place, asked, tried string) (Place, error) {
	list, err := c.list()
	if err != nil {
		return at, err
	}
	var found []Info
	var there []string
	for _, p := range list {
		if at.is(p) {
			found = append(found, p)
		}
		there = append(there, describe(p))
	}
	switch found = oneEach(found); len(found) {
	case 1:
		at.Port = found[0].Name
		known := c.placeOf(found[0])
		at.Reset, at.Key = cmp.Or(at.Reset, known.Reset), cmp.Or(at.Key, known.Key)
		return at, nil
	case 0:
		if len(there) > 0 {
			return at, &Error{Port: asked, Code: CodeAbsent, Err: fmt.Errorf("%sno USB device with this serial number (there are %s)", tried, strings.Join(there, ", ")),
				Hint: "`romfs ports` lists what there is; --wait waits until it is plugged in"}
		}
		return at, &Error{Port: asked, Code: CodeAbsent, Err: errors.New(tried + "no USB device with this serial number"),
			Hint: "plug it in; --wait waits for that"}
	}
	var ports []string
	for _, p := range found {
		ports = append(ports, p.Name)
	}
	return at, &Error{Port: asked, Code: CodeSeveral, Err: fmt.Errorf("several USB devices have this serial number: %s", strings.Join(ports, ", ")),
		Hint: "name one of these ports"}
}

// Device returns the serial number of the one device that was asked for, by which
// tools for bootloaders know it, and the key of that place; neither if none was
// asked for. A board in its bootloader has no port, so the port of a place helps
// only while MicroPython runs.
func (c *Choice) Device() (Place, error) {
	if len(c.Ports) == 0 {
		return c.anyDevice()
	}
	name := c.Ports[0]
	places, known := c.Book.Places[name]
	if len(c.Ports) > 1 || len(places) > 1 {
		return Place{}, &Error{Code: CodeSeveral, Err: errors.New("one board at a time"), Hint: "name one of them"}
	}
	at := Place{Port: name}
	if known {
		at = places[0]
	}
	if at.Serial != "" {
		return c.device(at, at.Serial), nil
	}
	list, err := c.list()
	if err != nil {
		return Place{}, err
	}
	for _, p := range list {
		if at.is(p) && p.Serial != "" {
			return c.device(at, p.Serial), nil
		}
	}
	if kind, _ := scheme(at.Port); !known && kind == "" && !isPath(at.Port) {
		return c.device(at, name), nil // as it was given
	}
	return Place{}, &Error{Port: name, Code: CodeAbsent, Err: errors.New("no USB device is there whose serial number could be used"),
		Hint: "give the serial number as --port, or write it into the ports file in place of the port"}
}

// device is the place with that serial number, and the key that the book has for it.
func (c *Choice) device(at Place, serial string) Place {
	known := c.placeOf(Info{Name: at.Port, Serial: serial})
	at.Serial, at.Key = serial, cmp.Or(at.Key, known.Key)
	return at
}

// anyDevice is whichever board is in its bootloader. Where the book demands keys of
// some boards, it has to be known which board that is.
func (c *Choice) anyDevice() (Place, error) {
	for _, name := range c.Book.names() {
		for _, at := range c.Book.Places[name] {
			if at.Key != "" {
				return Place{}, &Error{Code: CodeSeveral, Err: fmt.Errorf("the ports file demands a signature of what %s gets, and which board is in its bootloader is not known", name),
					Hint: "name the board by its serial number or its name in the ports file: --port"}
			}
		}
	}
	return Place{}, nil
}

func describe(p Info) string {
	if p.USB == "" {
		return p.Name
	}
	return fmt.Sprintf("%s (USB %s, serial number %s)", p.Name, p.USB, p.Serial)
}
