package deploy

import (
	"cmp"
	"crypto/sha256"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"rules_romfs/internal/atomicfile"
	"rules_romfs/packager/artifact"
)

// A Cache keeps the images that were deployed, by digest, so that the next
// deploy knows what is on a board without reading it back: data that merely
// moved is then copied on the board. It is a cache: an entry that is missing,
// damaged or of no use costs time, nothing else.
type Cache struct{ dir string }

// cacheEntries and cacheBytes bound the cache.
const (
	cacheEntries = 32
	cacheBytes   = 256 << 20
)

// OpenCache uses dir, which need not exist. An empty dir is a cache that keeps
// nothing.
func OpenCache(dir string) *Cache { return &Cache{dir} }

// put keeps an image and, if there is one, its sidecar.
func (c *Cache) put(digest artifact.Digest, image []byte, sidecar *artifact.Sidecar) error {
	if c.dir == "" {
		return nil
	}
	// Images may hold keys and passwords.
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return err
	}
	if err := os.Chmod(c.dir, 0o700); err != nil {
		return err
	}
	path := filepath.Join(c.dir, digest.String()+".romfs")
	if _, err := os.Stat(path); err == nil {
		now := time.Now()
		os.Chtimes(path, now, now) // only the order of eviction depends on it
	} else if err := writePrivate(path, image); err != nil {
		return err
	}
	if sidecar != nil {
		b, err := sidecar.Encode()
		if err != nil {
			return err
		}
		if err := writePrivate(artifact.Path(path), b); err != nil {
			return err
		}
	}
	c.trim()
	return nil
}

// writePrivate writes a file that only its owner may read.
func writePrivate(path string, b []byte) error {
	if err := atomicfile.WriteFile(path, b); err != nil {
		return err
	}
	return os.Chmod(path, 0o600)
}

// entries lists the digests in the cache, the latest used first.
func (c *Cache) entries() []string {
	files, err := os.ReadDir(c.dir)
	if c.dir == "" || err != nil {
		return nil
	}
	type entry struct {
		name string
		used time.Time
	}
	var all []entry
	for _, f := range files {
		name, ok := strings.CutSuffix(f.Name(), ".romfs")
		if info, err := f.Info(); ok && err == nil && len(name) == 64 {
			all = append(all, entry{name, info.ModTime()})
		}
	}
	slices.SortFunc(all, func(a, b entry) int {
		return cmp.Or(b.used.Compare(a.used), strings.Compare(a.name, b.name))
	})
	names := make([]string, len(all))
	for i, e := range all {
		names[i] = e.name
	}
	return names
}

// images yields the images in the cache, the latest used first.
func (c *Cache) images() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for _, digest := range c.entries() {
			if image := c.get(digest); image != nil && !yield(image) {
				return
			}
		}
	}
}

// get returns a cached image, or nil. A damaged one is removed.
func (c *Cache) get(digest string) []byte {
	if c.dir == "" {
		return nil
	}
	path := filepath.Join(c.dir, digest+".romfs")
	b, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	if artifact.Digest(sha256.Sum256(b)).String() != digest {
		os.Remove(path)
		return nil
	}
	return b
}

// Sidecar returns what is known about the image with this digest, or nil.
func (c *Cache) Sidecar(digest artifact.Digest) *artifact.Sidecar {
	if c.dir == "" {
		return nil
	}
	s, err := artifact.Load(artifact.Path(filepath.Join(c.dir, digest.String()+".romfs")))
	if err != nil || s.Image.SHA256 != digest {
		return nil
	}
	return s
}

// trim removes the entries that were not used for the longest.
func (c *Cache) trim() {
	var total int64
	for i, name := range c.entries() {
		path := filepath.Join(c.dir, name+".romfs")
		if info, err := os.Stat(path); err == nil {
			total += info.Size()
		}
		if i > 0 && (i >= cacheEntries || total > cacheBytes) {
			os.Remove(path)
			os.Remove(artifact.Path(path))
		}
	}
}
