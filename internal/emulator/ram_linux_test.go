package emulator

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"rules_romfs/internal/peer"
)

// costs prints what importing a module takes of the heap, and what it takes once
// more, when the names that it has are there.
const costs = `import gc, sys
before = set(sys.modules)
gc.collect()
a = gc.mem_alloc()
import MODULE
gc.collect()
b = gc.mem_alloc()
for i in range(64): sys.modules[i] = None
for i in range(64): del sys.modules[i]
for i in list(sys.modules):
    if i not in before: del sys.modules[i]
del globals()["MODULE".split(".")[0]]
gc.collect()
gc.collect()
c = gc.mem_alloc()
__import__("MODULE")
gc.collect()
gc.collect()
d = gc.mem_alloc()
print(b - a, d - c)
`

// TestRAM: what romfs ram says that a module takes is what it takes on a board, within 16
// bytes. Where one of the two has just reached the end of a table of names and the other
// has not, that is true of what is not for names.
func TestRAM(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{}, "")
	if r := b.romfs(t, "build", filepath.Join(peer.Root(t), "examples", "weather_station", "romfs.yaml"), "-o", "app.romfs"); r.code != 0 {
		t.Fatalf("exit %d", r.code)
	}
	b.deploys(t, "app.romfs", "--any-board")
	r := b.romfs(t, "ram", "app.romfs", "--interpreter", "built-in", "--output", "json")
	var ledger struct {
		Modules []struct {
			Name string
			ROM  struct{ Heap, Names int64 }
		}
	}
	if err := json.Unmarshal([]byte(r.stdout), &ledger); err != nil || r.code != 0 {
		t.Fatalf("exit %d: %v", r.code, err)
	}
	same := 0
	for _, m := range ledger.Modules {
		var heap, own int64
		if _, err := fmt.Sscan(b.mpremote(t, "exec", strings.ReplaceAll(costs, "MODULE", m.Name)), &heap, &own); err != nil {
			t.Fatal(err)
		}
		near := within16(heap, m.ROM.Heap) || within16(own, m.ROM.Heap-m.ROM.Names)
		say := t.Logf
		if !near {
			say = t.Errorf
		}
		say("%s: %d bytes on the board, %d of them not for names; romfs ram says %d and %d", m.Name, heap, own, m.ROM.Heap, m.ROM.Heap-m.ROM.Names)
		if within16(heap, m.ROM.Heap) {
			same++
		}
	}
	if len(ledger.Modules) != 10 || same < 6 {
		t.Errorf("the figures of %d of %d modules are the board's", same, len(ledger.Modules))
	}
}

func within16(a, b int64) bool { return max(a-b, b-a) <= 16 }
