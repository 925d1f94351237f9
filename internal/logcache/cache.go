// Package logcache keeps many small results of a program, such as compiled
// modules, in a file that grows: to make a file for each of them, as package
// filecache does for large ones, takes up to a quarter of a first build's time
// where many files were deleted lately, since ext4 passes over all their inodes.
package logcache

import (
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"sync"

	"rules_romfs/internal/filecache"
	"rules_romfs/internal/smallfile"
)

// A Cache is a folder with logs, which several builds may use at once. Results
// are added to the end of the newest one. When that is full a build begins the
// next generation and removes those before the last, whose results are lost
// unless a build has used them since: then they were added to the newest log
// again. So what is not used for long goes, and the folder never holds much more
// than it may. Two builds that begin a generation at once make two logs of it:
// both are read, and one of them is added to.
//
// A result is named by everything that its content depends on, and found by an
// index (see block.go). It carries a digest: what does not match, because it was
// damaged or is being written, is made again. A cache never fails a build: what
// cannot be read is a miss, and what cannot be written is not kept.
type Cache struct {
	dir    string
	limits filecache.Limits

	mu      sync.Mutex
	opened  bool // at the first Get
	logs    []*log
	places  map[filecache.Key]place
	made    map[filecache.Key]result // by this process
	pending []result                 // not yet written
	size    int                      // bytes of them in a block
	failed  error
}

// A place is where a log has the content of a result, behind its digest.
type place struct {
	log    *log
	offset int64
	length uint32 // of both
}

type result struct {
	key     filecache.Key
	content []byte
	sum     [sha256.Size]byte
}

// writeAt is the size in bytes at which results are written, rather than at the
// end of a batch: what a build that is killed has compiled in vain is no more.
const writeAt = 256 << 10

// Open returns the cache in the folder dir, which need not exist yet. Each generation
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
	aged := stored && p.log.generation < c.logs[len(c.logs)-1].generation
	c.mu.Unlock()
	if ok || !stored {
		return r.content, r.sum, ok
	}
	b := make([]byte, p.length)
	if _, err := p.log.file.ReadAt(b, p.offset); err != nil {
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

// add writes a block to the newest log: at once and at its end, so that builds do
// not write into each other's blocks.
func (c *Cache) add(block []byte) error {
	names := list(c.dir)
	var newest name
	if len(names) > 0 {
		newest = names[len(names)-1]
	}
	info, err := os.Stat(filepath.Join(c.dir, newest.String()))
	if err != nil || newest.generation == 0 || info.Size()+int64(len(block)) > c.limits.Total/2 {
		c.remove(names, newest.generation)
		newest = newName(newest.generation + 1)
	}
	copy(block, newest.mark[:])
	if err := os.MkdirAll(c.dir, 0o777); err != nil { // it may be gone by now
		return err
	}
	f, err := os.OpenFile(filepath.Join(c.dir, newest.String()), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o666)
	if err != nil {
		return err
	}
	_, err = f.Write(block)
	return errors.Join(err, f.Close())
}

// remove deletes the logs of the generations before one. On Windows it takes
// until nobody has them open; the next generation tries again.
func (c *Cache) remove(names []name, before uint64) {
	for _, n := range names {
		if n.generation < before {
			os.Remove(filepath.Join(c.dir, n.String()))
		}
	}
}

// open reads the indices of the logs, unless it has. Of two results of one key
// the later counts: the earlier one was damaged, or comes from an older log.
func (c *Cache) open() {
	if c.opened {
		return
	}
	c.opened, c.places = true, map[filecache.Key]place{}
	for _, n := range list(c.dir) {
		if f, err := smallfile.Open(filepath.Join(c.dir, n.String())); err == nil {
			l := &log{n, f}
			c.logs = append(c.logs, l)
			c.index(l)
		}
	}
}

func (c *Cache) close() {
	for _, l := range c.logs {
		l.file.Close()
	}
	c.opened, c.logs, c.places = false, nil, nil
}
