package mpy

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"rules_romfs/internal/smallfile"
)

// cacheFormat is part of every key. Count it up when the meaning of a key or
// the shape of an entry changes.
const cacheFormat = "rules_romfs mpy cache 1\n"

// A Cache keeps compiled modules, one file each, in a folder that several
// builds may use at once: an entry is named by everything that its content
// depends on, and carries a digest of that content. What does not match, because
// it was damaged or is being written, is compiled again. A cache never fails a build:
// what cannot be read is a miss, and what cannot be written is not kept.
type Cache struct {
	dir    string
	failed atomic.Pointer[error]
}

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

// OpenCache returns the compile cache under root (see [CacheRoot]), which need
// not exist yet.
func OpenCache(root string) (*Cache, error) {
	dir := filepath.Join(root, "mpy")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	return &Cache{dir: dir}, nil
}

// Err returns the first reason why something was not kept, or nil.
func (c *Cache) Err() error {
	if p := c.failed.Load(); p != nil {
		return *p
	}
	return nil
}

type key [32]byte

// cacheKey covers everything that decides the compiler's output.
func cacheKey(c *Compiler, o Options, source [32]byte) key {
	h := sha256.New()
	io.WriteString(h, cacheFormat)
	h.Write(c.Digest[:])
	h.Write(source[:])
	var n [4]byte
	for _, a := range o.args() {
		binary.BigEndian.PutUint32(n[:], uint32(len(a)))
		h.Write(n[:])
		io.WriteString(h, a)
	}
	return key(h.Sum(nil))
}

// path spreads the entries over 16 folders: to make more of them would cost a
// first build as much as its entries do.
func (c *Cache) path(k key) string {
	name := hex.EncodeToString(k[:])
	return c.dir + string(filepath.Separator) + name[:1] + string(filepath.Separator) + name[1:]
}

// get returns the entry of that key: the sha256 of a .mpy file, and the file.
func (c *Cache) get(k key) (code []byte, sum [32]byte, ok bool) {
	path := c.path(k)
	b, used, err := smallfile.Read(path, maxEntry)
	if err != nil || len(b) < len(sum) {
		return nil, sum, false
	}
	sum, code = [32]byte(b), b[len(sum):]
	if sha256.Sum256(code) != sum {
		return nil, sum, false
	}
	if now := time.Now(); now.Sub(used) > touchAfter {
		_ = os.Chtimes(path, now, now) // only keeps the entry from being trimmed
	}
	return code, sum, true
}

func (c *Cache) put(k key, code []byte, sum [32]byte) {
	if err := c.write(c.path(k), code, sum); err != nil {
		c.failed.CompareAndSwap(nil, &err)
	}
}

// write makes an entry. A new one is written in place, which takes half the
// time of a first build's cache: a reader that comes too early, or after a
// writer that was killed, sees it by the digest. One that is there already is
// damaged, or another build is writing it, and is replaced.
func (c *Cache) write(path string, code []byte, sum [32]byte) error {
	entry := append(sum[:], code...)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	switch {
	case errors.Is(err, os.ErrNotExist):
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return err
		}
		return c.replace(path, entry)
	case errors.Is(err, os.ErrExist):
		return c.replace(path, entry)
	case err != nil:
		return err
	}
	_, err = f.Write(entry)
	if err = errors.Join(err, f.Close()); err != nil {
		os.Remove(path)
	}
	return err
}

func (c *Cache) replace(path string, entry []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(entry)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}
