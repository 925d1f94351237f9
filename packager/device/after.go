package device

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"rules_romfs/packager/port"
)

// Mounted is what a board has after a reset.
type Mounted struct {
	Payload int64    // bytes of the payload of what is mounted at /rom; -1: nothing is
	SHA256  [32]byte // of the first bytes of the partition
	Hashed  bool     // the firmware can compute SHA256
}

// After asks a board at its raw REPL what is mounted at /rom, and for the
// SHA-256 of the first n bytes of a partition.
func (b *Board) After(ctx context.Context, partition int, n int64) (*Mounted, error) {
	text, err := probe(ctx, b.repl, "a", b.mounted(partition, n), readWait(n))
	if err != nil {
		return nil, err
	}
	m, err := parseMounted(text, b.Info.Has)
	if err != nil {
		return nil, port.Failed("asking "+b.Port+" what is mounted", fmt.Errorf("it answered %q", text))
	}
	return m, nil
}

// mounted is the program that answers After.
func (b *Board) mounted(partition int, n int64) string {
	seg := b.Segments[partition]
	hash := "hash_sha256"
	if !b.Info.Has.SHA256 {
		hash, n = "no_hash", 0
	}
	files := slices.Concat([]string{"say", "built_in", hash, b.Info.Has.encoding()}, seg.reading(), []string{"hashing", "mounted"})
	return program(choices{"partition": partition, "block_size": seg.Erase, "step": seg.step(b.Info.Largest / 8), "size": n}, files...)
}

func parseMounted(text string, has Features) (*Mounted, error) {
	payload, sum, _ := strings.Cut(text, "|")
	m := &Mounted{Hashed: has.SHA256}
	var err error
	if m.Payload, err = strconv.ParseInt(payload, 10, 64); err != nil || !m.Hashed {
		return m, err
	}
	digest, err := has.decode(sum, len(m.SHA256))
	if err == nil {
		m.SHA256 = [32]byte(digest)
	}
	return m, err
}
