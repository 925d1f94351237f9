package logcache

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strconv"

	"rules_romfs/internal/lazyregexp"
)

// A log is a file of the cache that is open for reading.
type log struct {
	name
	file *os.File
}

// A name says of a log how new it is, and how its blocks begin: by bytes that
// nobody can guess, so that no content passes for a block.
type name struct {
	generation uint64 // from 1 on
	mark       [markLen]byte
}

func newName(generation uint64) name {
	n := name{generation: generation}
	rand.Read(n.mark[:]) // never fails
	return n
}

func (n name) String() string { return fmt.Sprintf("log.%d.%x", n.generation, n.mark) }

var nameForm = lazyregexp.New(`^log\.([1-9][0-9]{0,17})\.([0-9a-f]{16})$`)

// list returns the logs in a folder, the oldest first. Whatever else has such a
// name, such as a folder or a FIFO, is none.
func list(dir string) []name {
	entries, _ := os.ReadDir(dir)
	var names []name
	for _, e := range entries {
		m := nameForm().FindStringSubmatch(e.Name())
		if m == nil || !e.Type().IsRegular() {
			continue
		}
		var n name
		n.generation, _ = strconv.ParseUint(m[1], 10, 64) // as the form says
		hex.Decode(n.mark[:], []byte(m[2]))
		names = append(names, n)
	}
	slices.SortFunc(names, func(a, b name) int {
		return cmp.Or(cmp.Compare(a.generation, b.generation), slices.Compare(a.mark[:], b.mark[:]))
	})
	return names
}
