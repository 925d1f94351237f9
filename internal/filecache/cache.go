// Package filecache keeps what took a program some time to make, one file for
// each result, in a folder that several builds may use at once.
package filecache

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"rules_romfs/internal/atomicfile"
	"rules_romfs/internal/smallfile"
)

// A Cache is such a folder. An entry is named by everything that its content
// depends on, and carries a digest of that content. What does not match, because
// it was damaged or is being written, is made again. A cache never fails a build:
// what cannot be read is a miss, and what cannot be written is not kept.
type Cache struct {
	dir    string
	limits Limits
	failed atomic.Pointer[error]
}

// Limits bound a cache, in bytes.
type Limits struct {
	Entry int64 // the largest entry that is kept
	Total int64 // of all entries
}

// Open returns the cache in the folder dir, which need not exist yet.
func Open(dir string, limits Limits) (*Cache, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	return &Cache{dir: dir, limits: limits}, nil
}

// Dir returns the folder.
func (c *Cache) Dir() string { return c.dir }

// Err returns the first reason why something was not kept, or nil.
func (c *Cache) Err() error {
	if p := c.failed.Load(); p != nil {
		return *p
	}
	return nil
}

// A Key is a digest of everything that decides an entry's content.
type Key [32]byte

// KeyOf returns the key of a list of facts, the first of which names their kind
// and its version.
func KeyOf(facts ...string) Key {
	h := sha256.New()
	var n [4]byte
	for _, f := range facts {
		binary.BigEndian.PutUint32(n[:], uint32(len(f)))
		h.Write(n[:])
		io.WriteString(h, f)
	}
	return Key(h.Sum(nil))
}

// Path returns the file of an entry. They are spread over 16 folders.
func (c *Cache) Path(k Key) string {
	name := hex.EncodeToString(k[:])
	return c.dir + string(filepath.Separator) + name[:1] + string(filepath.Separator) + name[1:]
}

// Get returns the entry of that key and its sha256.
func (c *Cache) Get(k Key) (content []byte, sum [32]byte, ok bool) {
	path := c.Path(k)
	b, used, err := smallfile.Read(path, c.limits.Entry+sha256.Size)
	if err != nil || len(b) < len(sum) {
		return nil, sum, false
	}
	sum, content = [32]byte(b), b[len(sum):]
	if sha256.Sum256(content) != sum {
		return nil, sum, false
	}
	if now := time.Now(); now.Sub(used) > touchAfter {
		_ = os.Chtimes(path, now, now) // only keeps the entry from being trimmed
	}
	return content, sum, true
}

// Put keeps an entry. Where that fails, see [Cache.Err].
func (c *Cache) Put(k Key, content []byte, sum [32]byte) {
	if int64(len(content)) > c.limits.Entry {
		return
	}
	path := c.Path(k)
	err := os.MkdirAll(filepath.Dir(path), 0o777)
	if err == nil {
		err = atomicfile.WriteEntry(path, append(sum[:], content...))
	}
	if err != nil {
		c.failed.CompareAndSwap(nil, &err)
	}
}
