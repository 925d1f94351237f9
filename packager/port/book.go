package port

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"rules_romfs/internal/strictyaml"
)

// PortsFile is the name of the git-ignored file that tells where this
// machine's boards are.
const PortsFile = "romfs-ports.yaml"

// A Book is the content of a ports file: for each name, which may be the id of
// a board profile, where its boards are.
type Book struct {
	// Named says that the user named the file. One that merely lies in the
	// current folder may be somebody else's, and start no programs.
	Named  bool
	Places map[string][]Place
}

// A Place is where a board is: at a port, anything that Open takes, or wherever
// the USB device with a serial number is plugged in.
type Place struct {
	Port, Serial string
	Reset        string // how a board there is restarted, as ParseReset takes it; "" for the usual way
	Key          string // file of the public key by which images for it have to be signed; "": none
}

func (p Place) String() string {
	if p.Serial != "" {
		return "serial number " + p.Serial
	}
	return p.Port
}

// is tells whether a port is the one of that place.
func (p Place) is(port Info) bool {
	if p.Serial != "" {
		return strings.EqualFold(p.Serial, port.Serial)
	}
	return Same(p.Port, port.Name)
}

// bookFile is the form of a ports file. A name that comes several times stands
// for several boards.
type bookFile struct {
	Version int `yaml:"version" jsonschema:"required,minimum=1,maximum=1"`
	Boards  []struct {
		Name   string `yaml:"name" jsonschema:"required"`
		Port   string `yaml:"port"`
		Serial string `yaml:"serial"`
		Reset  string `yaml:"reset"`
		Key    string `yaml:"require_signature"`
	} `yaml:"boards" jsonschema:"required"`
}

// ReadBook reads a ports file. named says that the user named it. Errors are
// *BookError.
func ReadBook(path string, named bool) (Book, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Book{}, &BookError{path, err}
	}
	var f bookFile
	if err := strictyaml.Decode(data, path, &f); err != nil {
		return Book{}, &BookError{path, err}
	}
	b := Book{named, map[string][]Place{}}
	for i, e := range f.Boards {
		err := error(nil)
		if (e.Port == "") == (e.Serial == "") {
			err = errors.New("give port or serial, one of them")
		} else {
			_, err = ParseReset(e.Reset)
		}
		if err != nil {
			return Book{}, &BookError{path, fmt.Errorf("%s: boards[%d] (%s): %w", path, i, e.Name, err)}
		}
		if e.Key != "" && !filepath.IsAbs(e.Key) {
			e.Key = filepath.Join(filepath.Dir(path), filepath.FromSlash(e.Key))
		}
		b.Places[e.Name] = append(b.Places[e.Name], Place{e.Port, e.Serial, e.Reset, e.Key})
	}
	return b, nil
}

// names returns the names of the book in order.
func (b Book) names() []string { return slices.Sorted(maps.Keys(b.Places)) }

// Names returns the names of a place.
func (b Book) Names(at Place) (names []string) {
	for _, name := range b.names() {
		if slices.ContainsFunc(b.Places[name], func(p Place) bool {
			return p.Port != "" && p.Port == at.Port || p.Serial != "" && p.Serial == at.Serial
		}) {
			names = append(names, name)
		}
	}
	return names
}

// of returns the names of a port.
func (b Book) of(p Info) (names []string) {
	for _, name := range b.names() {
		if slices.ContainsFunc(b.Places[name], func(at Place) bool { return at.is(p) }) {
			names = append(names, name)
		}
	}
	return names
}

// Unlisted returns what the book names besides list, this machine's ports, with
// its names: ports that no system lists, and USB devices that are not there.
func (b Book) Unlisted(list []Info) (places []Place, names [][]string) {
	for _, name := range b.names() {
		for _, at := range b.Places[name] {
			if slices.ContainsFunc(list, at.is) {
				continue
			}
			i := slices.IndexFunc(places, func(q Place) bool { return q.Port == at.Port && q.Serial == at.Serial })
			if i < 0 {
				i, places, names = len(places), append(places, at), append(names, nil)
			}
			names[i] = append(names[i], name)
		}
	}
	return places, names
}

// A BookError says what is wrong with a ports file.
type BookError struct {
	File string
	Err  error
}

func (e *BookError) Error() string { return e.Err.Error() }
func (e *BookError) Unwrap() error { return e.Err }
