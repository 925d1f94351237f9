package device

import (
	"context"
	_ "embed"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"rules_romfs/packager/port"
)

//go:embed program/after.py
var afterSource string

// Mounted is what a board has after a reset.
type Mounted struct {
	Payload int64    // bytes of the payload of what is mounted at /rom; -1: nothing is
	SHA256  [32]byte // of the first bytes of the partition
	Hashed  bool     // the firmware can compute SHA256
}

// After asks a board at its raw REPL what is mounted at /rom, and for the
// SHA-256 of the first n bytes of a partition.
func (b *Board) After(ctx context.Context, partition int, n int64) (*Mounted, error) {
	code := fmt.Sprintf("_id=%d\n_n=%d\n%s", partition, n, afterSource)
	text, err := probe(ctx, b.repl, "a", code, readWait(n))
	if err != nil {
		return nil, err
	}
	first, sum, ok := strings.Cut(text, "|")
	m := &Mounted{}
	if m.Payload, err = strconv.ParseInt(first, 10, 64); err == nil && ok && sum != "" {
		var digest []byte
		digest, err = hex.DecodeString(sum)
		if ok = len(digest) == len(m.SHA256); ok {
			m.SHA256, m.Hashed = [32]byte(digest), true
		}
	}
	if err != nil || !ok {
		return nil, port.Failed("asking "+b.Port+" what is mounted", fmt.Errorf("it answered %q", text))
	}
	return m, nil
}
