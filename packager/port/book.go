package port

import (
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
// a board profile, its ports. A port is anything that Open takes, or the serial
// number of a USB device.
type Book map[string][]string

// bookFile is the form of a ports file. A name that comes several times stands
// for several boards.
type bookFile struct {
	Version int `yaml:"version" jsonschema:"required,minimum=1,maximum=1"`
	Boards  []struct {
		Name   string `yaml:"name" jsonschema:"required"`
		Port   string `yaml:"port"`
		Serial string `yaml:"serial"`
	} `yaml:"boards" jsonschema:"required"`
}

// ReadBook reads a ports file. Errors are *BookError.
func ReadBook(path string) (Book, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, &BookError{path, err}
	}
	var f bookFile
	if err := strictyaml.Decode(data, path, &f); err != nil {
		return nil, &BookError{path, err}
	}
	b := Book{}
	for i, e := range f.Boards {
		if (e.Port == "") == (e.Serial == "") {
			return nil, &BookError{path, fmt.Errorf("%s: boards[%d] (%s): give port or serial, one of them", path, i, e.Name)}
		}
		b[e.Name] = append(b[e.Name], e.Port+e.Serial)
	}
	return b, nil
}

// names returns the names of the book, for people.
func (b Book) names() string {
	return strings.Join(slices.Sorted(maps.Keys(b)), ", ")
}

// Merge adds to list, this machine's ports, what else the book names: ports
// that no system lists, and serial numbers of USB devices that are not there.
// It returns the names of each.
func (b Book) Merge(list []Info) ([]Info, [][]string) {
	names := make([][]string, len(list))
	for _, name := range slices.Sorted(maps.Keys(b)) {
		for _, where := range b[name] {
			real, err := filepath.EvalSymlinks(where)
			if err != nil {
				real = where
			}
			i := slices.IndexFunc(list, func(p Info) bool {
				return p.Name != "" && (p.Name == where || p.Name == real) || p.Serial != "" && strings.EqualFold(p.Serial, where)
			})
			if i < 0 {
				p := Info{Serial: where}
				if isPort(where) {
					p = Info{Name: where}
				}
				i, list, names = len(list), append(list, p), append(names, nil)
			}
			names[i] = append(names[i], name)
		}
	}
	return list, names
}

// A BookError says what is wrong with a ports file.
type BookError struct {
	File string
	Err  error
}

func (e *BookError) Error() string { return e.Err.Error() }
func (e *BookError) Unwrap() error { return e.Err }
