package logcache

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"testing"

	"rules_romfs/internal/filecache"
)

// BenchmarkFirstBuild keeps what a first build of 1,000 modules makes: in one log,
// and in a file each, in a file system from which as many files were deleted.
func BenchmarkFirstBuild(b *testing.B) {
	const n, size = 1000, 1200
	type cache interface {
		Put(filecache.Key, []byte, [sha256.Size]byte)
	}
	for name, open := range map[string]func(dir string) (cache, func()){
		"log": func(dir string) (cache, func()) {
			c, err := Open(dir, wide)
			if err != nil {
				b.Fatal(err)
			}
			return c, c.Flush
		},
		"files": func(dir string) (cache, func()) {
			c, err := filecache.Open(dir, wide)
			if err != nil {
				b.Fatal(err)
			}
			return c, func() {}
		},
	} {
		b.Run(name, func(b *testing.B) {
			dir := filepath.Join(b.TempDir(), "cache")
			for b.Loop() {
				c, flush := open(dir)
				for i := range n {
					code := content(i, size)
					c.Put(key(i), code, sha256.Sum256(code))
				}
				flush()
				b.StopTimer()
				if err := os.RemoveAll(dir); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		})
	}
}
