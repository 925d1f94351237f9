// Package logcache keeps many small results of a program, such as compiled
// modules, in one file that grows: to make a file for each of them, as package
// filecache does for large ones, takes up to a quarter of a first build's time
// where many files were deleted lately, since ext4 passes over all their inodes.
package logcache

import (
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"rules_romfs/internal/filecache"
)

// A Cache is a folder with two logs, which several builds may use at once.
// Results are added to the end of the newer one. When that is full it takes the
// place of the older one, whose results are lost unless a build has used them
// since: then they were added to the newer log again. So what is not used for
// long goes, and the folder never holds much more than it may.
//
// A result is named by everything that its content depends on, and found by an
// index (see block.go). It carries a digest: what does not match, because it was
// damaged or is being written, is made again. A cache never fails a build: what
// cannot be read is a miss, and what cannot be written is not kept.
type Cache struct {
	dir    string
	limits filecache.Limits

	mu      sync.Mutex
	logs    map[string]*os.File // by name; nil until the first Get
	places  map[filecache.Key]place
	made    map[filecache.Key]result // by this process
	pending []result                 // not yet written
	size    int                      // bytes of them in a block
	failed  error
}

// A place is where a log has the content of a result, behind its digest.
type place struct {
	log    *os.File
	offset int64
	length uint32 // of both
}

type result struct {
	key     filecache.Key
	content []byte
	sum     [sha256.Size]byte
}

// The logs.
const (
	newer = "log"
	older = "log.old"
)

// writeAt is the size in bytes at which results are written, rather than at the
// end of a batch: what a build that is killed has compiled in vain is no more.
const writeAt = 256 << 10

// Open returns the cache in the folder dir, which need not exist yet. Each log
// may have half of limits.Total.
func Open(dir string, limits filecache.Limits) (*Cache, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	return &Cache{dir: dir, limits: limits, made: map[filecache.Key]result{}}, nil
}

// Dir returns the folder.
func (c *Cache) Dir() string { return c.dir }

// Err returns the first reason why something was not kept, or nil.
func (c *Cache) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failed
}

// Get returns the result of that key and its sha256.
func (c *Cache) Get(k filecache.Key) (content []byte, sum [sha256.Size]byte, ok bool) {
	c.mu.Lock()
	c.open()
	r, ok := c.made[k]
	p, stored := c.places[k]
	aged := p.log == c.logs[older]
	c.mu.Unlock()
	if ok || !stored {
		return r.content, r.sum, ok
	}
	b := make([]byte, p.length)
	if _, err := p.log.ReadAt(b, p.offset); err != nil {
		return nil, sum, false
	}
	sum, content = [sha256.Size]byte(b), b[sha256.Size:]
	if sha256.Sum256(content) != sum {
		return nil, sum, false
	}
	if aged {
		c.mu.Lock()
		c.keep(result{k, content, sum})
		c.mu.Unlock()
	}
	return content, sum, true
}

// Put keeps a result, whose content must not change any more. It is written by
// the next [Cache.Flush] at the latest; where that fails, see [Cache.Err].
func (c *Cache) Put(k filecache.Key, content []byte, sum [sha256.Size]byte) {
	if int64(len(content)) > c.limits.Entry {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.made[k]; ok {
		return // two jobs of a batch are the same
	}
	c.made[k] = result{k, content, sum}
	c.keep(c.made[k])
}

func (c *Cache) keep(r result) {
	c.pending = append(c.pending, r)
	if c.size += r.size(); c.size >= writeAt {
		c.flush()
	}
}

// Flush writes what has been put.
func (c *Cache) Flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flush()
}

func (c *Cache) flush() {
	if len(c.pending) == 0 {
		return
	}
	b := encode(c.pending, c.size)
	c.pending, c.size = nil, 0
	if err := c.add(b); err != nil && c.failed == nil {
		c.failed = err
	}
}

// add writes a block to the newer log: at once and at its end, so that builds do
// not write into each other's blocks.
func (c *Cache) add(block []byte) error {
	path := filepath.Join(c.dir, newer)
	if info, err := os.Stat(path); err == nil && info.Size() > 0 && info.Size()+int64(len(block)) > c.limits.Total/2 {
		c.close() // Windows renames no file that is open
		if err := os.Rename(path, filepath.Join(c.dir, older)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := os.MkdirAll(c.dir, 0o777); err != nil { // it may be gone by now
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o666)
	if err != nil {
		return err
	}
	_, err = f.Write(block)
	return errors.Join(err, f.Close())
}

// open reads the indices of the logs, unless it has. Of two results of one key
// the later counts: the earlier one was damaged, or comes from the older log.
func (c *Cache) open() {
	if c.logs != nil {
		return
	}
	c.logs, c.places = map[string]*os.File{}, map[filecache.Key]place{}
	for _, name := range []string{older, newer} {
		if f, err := os.Open(filepath.Join(c.dir, name)); err == nil {
			c.logs[name] = f
			c.index(f)
		}
	}
}

func (c *Cache) close() {
	for _, f := range c.logs {
		f.Close()
	}
	c.logs, c.places = nil, nil
}
