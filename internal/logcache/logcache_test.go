package logcache

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"rules_romfs/internal/filecache"
)

var wide = filecache.Limits{Entry: 1 << 20, Total: 64 << 20}

// open returns the cache as another process sees it.
func open(t *testing.T, dir string, limits filecache.Limits) *Cache {
	t.Helper()
	c, err := Open(dir, limits)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.close)
	return c
}

func key(i int) filecache.Key { return filecache.KeyOf("test", fmt.Sprint(i)) }

// content is what a result of size bytes holds, and differs from that of others.
func content(i, size int) []byte {
	return bytes.Repeat([]byte(fmt.Sprintf("%d ", i)), size)[:size]
}

func put(c *Cache, i, size int) {
	b := content(i, size)
	c.Put(key(i), b, sha256.Sum256(b))
}

// has tells whether a result is there. One that is not what was put fails.
func has(t *testing.T, c *Cache, i, size int) bool {
	t.Helper()
	got, sum, ok := c.Get(key(i))
	if want := content(i, size); ok && (!bytes.Equal(got, want) || sum != sha256.Sum256(want)) {
		t.Errorf("result %d: %d bytes that were never put", i, len(got))
	}
	return ok
}

// newest returns the path of the log that is added to.
func newest(t *testing.T, dir string) string {
	t.Helper()
	names := list(dir)
	if len(names) == 0 {
		t.Fatal("no log")
	}
	return filepath.Join(dir, names[len(names)-1].String())
}

// TestFormat: a block by hand, from the comment in block.go. The digests come
// from sha256sum, and the checksum from the trailer that gzip gives the index.
func TestFormat(t *testing.T) {
	t.Parallel()
	c := open(t, t.TempDir(), wide)
	c.Put(filecache.Key{31: 1}, []byte("ab"), sha256.Sum256([]byte("ab")))
	c.Put(filecache.Key{31: 2}, nil, sha256.Sum256(nil))
	c.Flush()
	got, err := os.ReadFile(newest(t, c.Dir()))
	if err != nil {
		t.Fatal(err)
	}
	want := newest(t, c.Dir())[len(newest(t, c.Dir()))-16:] + "02000000" + "dff4608a" +
		strings.Repeat("00", 31) + "01" + "22000000" +
		strings.Repeat("00", 31) + "02" + "20000000" +
		"fb8e20fc2e4c3f248c60c39bd652f3c1347298bb977b8b4d5903b85055620603" + "6162" +
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	if hex.EncodeToString(got) != want {
		t.Errorf("got  %x\nwant %s", got, want)
	}
}

// TestKeep: what was put is found, at once and by the next process, whatever its
// size; what is larger than a result may be is neither kept nor an error.
func TestKeep(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	limits := filecache.Limits{Entry: writeAt, Total: 64 << 20}
	sizes := []int{0, 1, 100, 5000, writeAt - 1, writeAt, writeAt + 1}
	for i := len(sizes); i < 2000; i++ { // an index of more than 4 KiB
		sizes = append(sizes, i%7)
	}
	first := open(t, dir, limits)
	for i, size := range sizes {
		if has(t, first, i, size) {
			t.Errorf("result %d is there before it was made", i)
		}
		put(first, i, size)
	}
	first.Flush()
	for _, c := range []*Cache{first, open(t, dir, limits)} {
		for i, size := range sizes {
			if want := size <= writeAt; has(t, c, i, size) != want {
				t.Errorf("%d bytes: found %v, want %v", size, !want, want)
			}
		}
		if err := c.Err(); err != nil {
			t.Error(err)
		}
	}
}

// TestKilled: of a build that is killed before its end, most is there.
func TestKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := open(t, dir, wide)
	const n, size = 1000, 1500
	for i := range n {
		put(c, i, size)
	}
	next, found := open(t, dir, wide), 0
	for i := range n {
		if has(t, next, i, size) {
			found++
		}
	}
	if lost := (n - found) * size; lost > writeAt || found == n {
		t.Errorf("%d of %d results are there", found, n)
	}
}

// TestBounds: the folder does not grow beyond its limit; what builds use stays,
// and what none uses goes.
func TestBounds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	limits := filecache.Limits{Entry: 1 << 20, Total: 100_000}
	for build := range 50 {
		c := open(t, dir, limits)
		if build == 0 {
			put(c, 0, 1000)
			put(c, 1, 1000)
		} else if !has(t, c, 0, 1000) {
			t.Fatalf("build %d lacks a result that every build uses", build)
		}
		for i := range 10 {
			put(c, 100+10*build+i, 1000)
		}
		c.Flush()
		c.close()
		if err := c.Err(); err != nil {
			t.Fatal(err)
		}
		var total int64
		files, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			info, err := f.Info()
			if err != nil {
				t.Fatal(err)
			}
			total += info.Size()
		}
		if total > limits.Total || len(files) > 2 {
			t.Fatalf("%d files of %d bytes", len(files), total)
		}
		if build == 3 && !has(t, open(t, dir, limits), 1, 1000) {
			t.Error("a result went before there was need")
		}
	}
	c := open(t, dir, limits)
	if has(t, c, 1, 1000) {
		t.Error("a result that no build uses is still there")
	}
	if !has(t, c, 599, 1000) || !has(t, c, 570, 1000) {
		t.Error("a new result is gone")
	}
}

// TestDamage: whatever happens to a log, no result is wrong, and those in blocks
// that are whole are found.
func TestDamage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const size = 40
	for i := range 4 {
		c := open(t, dir, wide)
		put(c, i, size)
		c.Flush()
	}
	path := newest(t, dir)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	block := len(whole) / 4
	found := func(log []byte) (n int) {
		if err := os.WriteFile(path, log, 0o600); err != nil {
			t.Fatal(err)
		}
		c := open(t, dir, wide)
		defer c.close()
		for i := range 4 {
			if has(t, c, i, size) {
				n++
			}
		}
		return n
	}
	for n := range whole {
		if got := found(whole[:n]); got != n/block {
			t.Errorf("cut to %d bytes: %d results, want %d", n, got, n/block)
		}
		flipped := bytes.Clone(whole)
		flipped[n] ^= 1 << (n % 8)
		if got := found(flipped); got != 3 {
			t.Errorf("a bit of byte %d flipped: %d results, want 3", n, got)
		}
	}
	for zeros := 64<<10 - block; zeros < 64<<10; zeros++ { // the next block begins at each place of what is read at once
		torn := append(append(bytes.Clone(whole[:3*block-1]), make([]byte, zeros)...), whole[2*block:]...)
		if got := found(torn); got != 4 {
			t.Errorf("%d bytes between blocks: %d results, want 4", zeros, got)
		}
	}
	if got := found(bytes.Repeat(append(whole[:markLen:markLen], "\xff\xff\xff\xff"...), 1000)); got != 0 {
		t.Errorf("%d results in rubbish", got)
	}

	// After a block that was cut off comes the next build's.
	for n := 2 * block; n < 3*block; n++ {
		if got := found(append(bytes.Clone(whole[:n]), whole[2*block:]...)); got != 4 {
			t.Errorf("cut to %d bytes before more was added: %d results, want 4", n, got)
		}
	}

	// What was damaged is put again, and found from then on.
	flipped := bytes.Clone(whole)
	flipped[block-1] ^= 1
	found(flipped)
	c := open(t, dir, wide)
	if has(t, c, 0, size) {
		t.Fatal("a damaged result is found")
	}
	put(c, 0, size)
	c.Flush()
	if !has(t, c, 0, size) || !has(t, open(t, dir, wide), 0, size) {
		t.Error("what was put again is not found")
	}
}

// TestTogether: several processes add results at once, and the log is replaced
// and removed under them.
func TestTogether(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var wg sync.WaitGroup
	for process := range 6 {
		wg.Go(func() {
			c := open(t, dir, wide)
			for i := range 300 {
				put(c, 1000*process+i, 2000)
				has(t, c, 1000*((process+1)%6)+i, 2000)
			}
			c.Flush()
			if err := c.Err(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	all := open(t, dir, wide)
	for i := range 6 * 300 {
		if i = 1000*(i/300) + i%300; !has(t, all, i, 2000) {
			t.Fatalf("result %d is lost", i)
		}
	}

	dir = t.TempDir()
	small := filecache.Limits{Entry: 1 << 20, Total: 50_000}
	for process := range 6 {
		wg.Go(func() {
			for round := range 20 {
				c := open(t, dir, small)
				for i := range 10 {
					if !has(t, c, i, 1000) {
						put(c, i, 1000)
					}
				}
				c.Flush()
				if process == 0 && round%5 == 0 {
					for _, n := range list(dir) {
						os.Remove(filepath.Join(dir, n.String()))
					}
				}
				if err := c.Err(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// TestUnwritable: what cannot be kept is there for this process, and the reason
// is told once.
func TestUnwritable(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "cache")
	c := open(t, dir, wide)
	if err := errors.Join(os.Remove(dir), os.WriteFile(dir, nil, 0o666)); err != nil { // a file in its place
		t.Fatal(err)
	}
	put(c, 1, 10)
	c.Flush()
	if !has(t, c, 1, 10) || c.Err() == nil {
		t.Errorf("found %v, error %v", has(t, c, 1, 10), c.Err())
	}

	dir = filepath.Join(t.TempDir(), "gone")
	c = open(t, dir, wide)
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	put(c, 1, 10)
	c.Flush()
	if err := c.Err(); err != nil || !has(t, open(t, dir, wide), 1, 10) {
		t.Errorf("a folder that is gone is not made again: %v", err)
	}
}

// TestPlanted: content that looks like a block is none, wherever a block was cut
// off before it: nobody knows how the blocks of this log begin.
func TestPlanted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	planted := encode([]result{{key(2), content(2, 10), sha256.Sum256(content(2, 10))}}, rowLen+sha256.Size+10)
	copy(planted, "romfslog")
	c := open(t, dir, wide)
	c.Put(key(1), planted, sha256.Sum256(planted))
	c.Flush()
	path := newest(t, dir)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, log := range [][]byte{whole, whole[1:], whole[bytes.Index(whole, planted):]} {
		if err := os.WriteFile(path, log, 0o666); err != nil {
			t.Fatal(err)
		}
		if has(t, open(t, dir, wide), 2, 10) {
			t.Error("a result is found that was never put")
		}
	}
}

// TestGenerations: builds that begin a generation at once lose nothing of each
// other's, and what is no log is passed over.
func TestGenerations(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i, n := range []name{{1, [markLen]byte{1}}, {2, [markLen]byte{2}}, {2, [markLen]byte{3}}} {
		b := encode([]result{{key(i), content(i, 10), sha256.Sum256(content(i, 10))}}, rowLen+sha256.Size+10)
		copy(b, n.mark[:])
		if err := os.WriteFile(filepath.Join(dir, n.String()), b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, other := range []string{"log.3.0000000000000000", "log.99", "log"} {
		if err := os.Mkdir(filepath.Join(dir, other), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	c := open(t, dir, wide)
	for i := range 3 {
		if !has(t, c, i, 10) {
			t.Errorf("result %d is lost", i)
		}
	}
	c.Flush() // that of generation 1 was used
	if n := list(dir); len(n) != 3 {
		t.Errorf("%d logs", len(n))
	}
	if info, err := os.Stat(newest(t, dir)); err != nil || info.Size() < 2*int64(rowLen+sha256.Size+10) {
		t.Errorf("what was used is not kept in the newest log: %v", err)
	}
}
