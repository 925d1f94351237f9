package mpy

import (
	"os"
	"path/filepath"

	"rules_romfs/internal/filecache"
	"rules_romfs/internal/logcache"
)

// cacheFormat is part of every key. Count it up when the meaning of a key or
// the shape of an entry changes.
const cacheFormat = "rules_romfs mpy cache 3\n"

// Bounds of the cache: no module comes near the first, and the second holds some
// 80,000 of them.
var cacheLimits = filecache.Limits{Entry: 8 << 20, Total: 128 << 20}

// CacheRoot returns the user's folder for everything that this tool may delete
// and make again: $ROMFS_CACHE, or rules_romfs in the system's cache folder.
func CacheRoot(getenv func(string) string) (string, error) {
	if dir := getenv("ROMFS_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "rules_romfs"), nil
}

// A Cache keeps compiled modules. Several builds may use it at once, and none
// fails because of it.
type Cache struct{ *logcache.Cache }

// OpenCache returns the compile cache under root (see [CacheRoot]), which need
// not exist yet.
func OpenCache(root string) (*Cache, error) {
	logs, err := logcache.Open(filepath.Join(root, "mpy"), cacheLimits)
	if err != nil {
		return nil, err
	}
	return &Cache{logs}, nil
}

// cacheKey covers everything that decides the compiler's output.
func cacheKey(c *Compiler, o Options, source [32]byte) filecache.Key {
	return filecache.KeyOf(append([]string{cacheFormat, string(c.Digest[:]), string(source[:])}, o.args()...)...)
}
