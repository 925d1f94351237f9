package board

import (
	"embed"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"sync"

	"rules_romfs/internal/strictyaml"
)

//go:embed boards/*.yaml
var files embed.FS

// Builtin returns the profiles that come with the tool, sorted by id. The
// profiles are shared: callers must not change them.
func Builtin() []*Profile {
	all := make([]*Profile, 0, len(IDs()))
	for _, id := range IDs() {
		all = append(all, builtin(id))
	}
	return all
}

// IDs returns the ids of the boards that come with the tool, sorted.
func IDs() []string { return slices.Clone(ids()) }

// ids are the names of the embedded files, so that finding one board need not
// parse them all.
var ids = sync.OnceValue(func() []string {
	entries, err := files.ReadDir("boards")
	if err != nil {
		panic(err)
	}
	out := make([]string, len(entries))
	for i, e := range entries {
		out[i] = strings.TrimSuffix(e.Name(), ".yaml")
	}
	slices.Sort(out) // entries are sorted with their suffix: "a-b.yaml" before "a.yaml"
	return out
})

var (
	parsedMu sync.Mutex
	parsed   = map[string]*Profile{}
)

// builtin parses an embedded profile, once. That they all parse is tested.
func builtin(id string) *Profile {
	parsedMu.Lock()
	defer parsedMu.Unlock()
	if p := parsed[id]; p != nil {
		return p
	}
	name := path.Join("boards", id+".yaml")
	data, err := files.ReadFile(name)
	if err != nil {
		panic(err)
	}
	p, err := parse(data, name)
	if err != nil {
		panic(err)
	}
	parsed[id] = p
	return p
}

// Lookup returns the builtin board of that id, or reads the board file at that
// path: what contains a slash or ends in .yaml or .yml is a path. Errors are an
// [*UnknownError], a [strictyaml.Errors] or an [*os.PathError].
func Lookup(idOrPath string) (*Profile, error) {
	if IsPath(idOrPath) {
		return Load(idOrPath)
	}
	if _, ok := slices.BinarySearch(ids(), idOrPath); ok {
		return builtin(idOrPath), nil
	}
	return nil, &UnknownError{ID: idOrPath, Suggestion: suggest(idOrPath)}
}

// IsPath tells whether a board is named by the path of its file, not by its id.
func IsPath(idOrPath string) bool {
	return strings.ContainsAny(idOrPath, `/\`) || strings.HasSuffix(idOrPath, ".yaml") || strings.HasSuffix(idOrPath, ".yml")
}

// Load reads a board file.
func Load(file string) (*Profile, error) {
	fi, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	// A FIFO would block, and no honest board file comes near the limit.
	if !fi.Mode().IsRegular() || fi.Size() > strictyaml.MaxBytes {
		return nil, &os.PathError{Op: "read", Path: file, Err: fmt.Errorf("not a board file: it must be a regular file of at most %d bytes", strictyaml.MaxBytes)}
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	p, err := parse(data, file)
	if err != nil {
		return nil, err
	}
	p.File = file
	return p, nil
}

// An UnknownError is an id that no builtin board has.
type UnknownError struct {
	ID         string
	Suggestion string // what was probably meant; may be empty
}

func (e *UnknownError) Error() string {
	msg := fmt.Sprintf("no board is called %q:", e.ID)
	if e.Suggestion != "" {
		msg = fmt.Sprintf("no board is called %q; did you mean %q?", e.ID, e.Suggestion)
	}
	return msg + " `romfs boards` lists the ids, and a path (with a slash, or .yaml at its end) names a board file"
}

// suggest finds what was meant: the name of MicroPython's board folder
// ("OPENMV_N6"), the end of an id ("n6"), a chip of a family ("rp2040"), or a
// misspelling.
func suggest(id string) string {
	norm := strings.ReplaceAll(strings.ToLower(id), "_", "-")
	var ends, family string
	matches := 0
	for _, have := range ids() {
		switch {
		case have == norm:
			return have
		case norm != "" && strings.HasSuffix(have, "-"+norm):
			ends = have
			matches++
		case strings.HasPrefix(norm, have):
			family = have
		}
	}
	switch {
	case matches == 1:
		return ends
	case family != "":
		return family
	}
	return strictyaml.Closest(norm, ids())
}
