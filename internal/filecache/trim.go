package filecache

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"rules_romfs/internal/atomicfile"
)

// Bounds of the cache.
const (
	keepUnused = 30 * 24 * time.Hour // entries that no build has used for so long go
	trimEvery  = 24 * time.Hour      // how often a build looks
	touchAfter = 24 * time.Hour      // how exactly an entry's last use is known
)

// Trim removes what has not been used for long, and if the cache is still too
// big what was used least recently. Another build that loses an entry this way
// makes it again.
func (c *Cache) Trim(now time.Time) {
	stamp := filepath.Join(c.dir, "trimmed")
	if fi, err := os.Stat(stamp); err == nil && now.Sub(fi.ModTime()) < trimEvery {
		return
	}
	if os.WriteFile(stamp, nil, 0o666) != nil || os.Chtimes(stamp, now, now) != nil {
		return // a cache that cannot be written does not grow either
	}
	c.remove(now, c.limits.Total)
}

func (c *Cache) remove(now time.Time, limit int64) {
	type entry struct {
		path string
		size int64
		used time.Time
	}
	var entries []entry
	var total int64
	folders, _ := filepath.Glob(filepath.Join(c.dir, "[0-9a-f]"))
	for _, dir := range folders {
		Sweep(dir, now)
		files, _ := os.ReadDir(dir)
		for _, f := range files {
			// What another build removes meanwhile has no info, and need not be removed.
			if fi, err := f.Info(); err == nil && fi.Mode().IsRegular() && f.Name()[0] != '.' {
				entries = append(entries, entry{filepath.Join(dir, f.Name()), fi.Size(), fi.ModTime()})
				total += fi.Size()
			}
		}
	}
	slices.SortFunc(entries, func(a, b entry) int { return a.used.Compare(b.used) })
	target := limit
	if total > limit {
		target = limit / 4 * 3 // make room for some days
	}
	for _, e := range entries {
		if now.Sub(e.used) < keepUnused && total <= target {
			return
		}
		if os.Remove(e.path) == nil {
			total -= e.size
		}
	}
}

// Sweep removes what builds that were killed left behind in a cache folder.
func Sweep(dir string, now time.Time) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		leftover := strings.HasPrefix(e.Name(), ".new-") || strings.HasPrefix(e.Name(), atomicfile.Prefix)
		if fi, err := e.Info(); err == nil && leftover && now.Sub(fi.ModTime()) > 24*time.Hour {
			os.RemoveAll(filepath.Join(dir, e.Name()))
		}
	}
}
