package board

import (
	"embed"
	"fmt"
	"os"
	"path"
	"strings"
	"sync"
)

//go:embed boards/*.yaml
var files embed.FS

// Builtin returns the profiles that come with the tool, sorted by id. The
// profiles are shared: callers must not change them.
func Builtin() []*Profile { return builtin() }

var builtin = sync.OnceValue(func() []*Profile {
	entries, err := files.ReadDir("boards")
	if err != nil {
		panic(err)
	}
	var all []*Profile
	for _, e := range entries {
		data, err := files.ReadFile(path.Join("boards", e.Name()))
		if err != nil {
			panic(err)
		}
		p, err := parse(data, e.Name())
		if err != nil {
			panic(err)
		}
		all = append(all, p)
	}
	return all
})

// Lookup returns the builtin board of that id, or reads the board file at that
// path: what has a slash or ends in .yaml or .yml is a path.
func Lookup(idOrPath string) (*Profile, error) {
	if strings.ContainsAny(idOrPath, `/\`) || strings.HasSuffix(idOrPath, ".yaml") || strings.HasSuffix(idOrPath, ".yml") {
		data, err := os.ReadFile(idOrPath)
		if err != nil {
			return nil, err
		}
		p, err := parse(data, idOrPath)
		if err != nil {
			return nil, err
		}
		p.File = idOrPath
		return p, nil
	}
	for _, p := range Builtin() {
		if p.ID == idOrPath {
			return p, nil
		}
	}
	return nil, fmt.Errorf("unknown board %q: `romfs boards` lists the known ones, and a path names a board file", idOrPath)
}
