package device

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"rules_romfs/packager/port"
)

// Mounted is what a board has after a reset.
type Mounted struct {
	Payload int64    // bytes of the payload of what is mounted at /rom; -1: nothing is
	SHA256  [32]byte // of the first bytes of the partition
	Hashed  bool     // SHA256 was asked for, and the firmware can compute it
}

// After asks a board at its raw REPL what is mounted at /rom, and for the
// SHA-256 of the first n bytes of a partition, unless n is 0.
func (b *Board) After(ctx context.Context, partition int, n int64) (*Mounted, error) {
	hashed := n > 0 && b.Info.Has.SHA256
	code := program(nil, "say", "built_in", "payload", "only_mounted")
	if hashed {
		code = b.mounted(partition, n)
	}
	text, err := probe(ctx, b.repl, "a", code, readWait(n))
	if err != nil {
		return nil, err
	}
	payload, sum, _ := strings.Cut(text, "|")
	m := &Mounted{Hashed: hashed}
	if m.Payload, err = parsePayload(payload); err == nil && hashed {
		var digest []byte
		if digest, err = b.Info.Has.decode(sum, len(m.SHA256)); err == nil {
			m.SHA256 = [32]byte(digest)
		}
	}
	if err != nil {
		return nil, port.Failed("asking "+b.Port+" what is mounted", fmt.Errorf("it answered %q", text))
	}
	return m, nil
}

// mounted is the program that answers After with a digest.
func (b *Board) mounted(partition int, n int64) string {
	seg := b.Segments[partition]
	files := slices.Concat([]string{"say", "built_in", "payload", "hash_sha256", b.Info.Has.encoding()}, seg.reading(), []string{"hashing", "mounted"})
	return program(choices{"partition": partition, "block_size": seg.Erase, "step": seg.step(b.Info.Largest / 8), "size": n}, files...)
}
