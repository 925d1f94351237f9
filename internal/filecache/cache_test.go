package filecache

import (
	"bytes"
	"crypto/sha256"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestTrim(t *testing.T) {
	t.Parallel()
	cache, err := Open(t.TempDir(), Limits{Entry: 1 << 20, Total: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	put := func(n byte, size int, age time.Duration) string {
		k := Key{n, n}
		cache.Put(k, make([]byte, size), [32]byte{})
		path := cache.Path(k)
		if err := os.Chtimes(path, now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const day = 24 * time.Hour
	stale, old, fresh := put(1, 1000, 31*day), put(2, 1000, 20*day), put(3, 1000, day)
	leftover, unfinished := filepath.Join(filepath.Dir(old), ".new-1"), filepath.Join(filepath.Dir(old), ".romfs-1")
	for _, path := range []string{leftover, unfinished} {
		if err := os.WriteFile(path, nil, 0o666); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, now.Add(-2*day), now.Add(-2*day)); err != nil {
			t.Fatal(err)
		}
	}
	there := func(path string) bool { _, err := os.Stat(path); return err == nil }

	cache.remove(now, 1<<20)
	if there(stale) || there(leftover) || there(unfinished) || !there(old) || !there(fresh) {
		t.Error("not exactly what was unused for 30 days has gone")
	}
	cache.remove(now, 2000) // 2,064 bytes are left: room is made
	if there(old) || !there(fresh) {
		t.Error("not exactly what was used least recently has gone")
	}

	// The first build of a day looks, the next does not, whatever there is.
	cache.Trim(now)
	stale = put(4, 10, 40*day)
	cache.Trim(now.Add(day - time.Minute))
	if !there(stale) {
		t.Error("every build looks through the cache")
	}
	cache.Trim(now.Add(day + time.Minute))
	if there(stale) {
		t.Error("no build looks through the cache")
	}
}

// TestEntrySize: what is larger than an entry may be is neither kept nor an error.
func TestEntrySize(t *testing.T) {
	t.Parallel()
	cache, err := Open(t.TempDir(), Limits{Entry: 100, Total: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{0, 100, 101} {
		content := bytes.Repeat([]byte("x"), size)
		k := KeyOf("size", string(rune(size)))
		cache.Put(k, content, sha256.Sum256(content))
		got, _, ok := cache.Get(k)
		if want := size <= 100; ok != want || ok && !bytes.Equal(got, content) {
			t.Errorf("%d bytes: found %v, %d bytes", size, ok, len(got))
		}
	}
	if err := cache.Err(); err != nil {
		t.Error(err)
	}
}

// TestKeyOf: facts that read alike when they are joined have keys of their own.
func TestKeyOf(t *testing.T) {
	t.Parallel()
	seen := map[Key][]string{}
	for _, facts := range [][]string{{}, {""}, {"", ""}, {"ab"}, {"a", "b"}, {"", "ab"}, {"ab", ""}, {"b", "a"}} {
		k := KeyOf(facts...)
		if other, ok := seen[k]; ok {
			t.Errorf("%q and %q have one key", facts, other)
		}
		seen[k] = facts
	}
}
