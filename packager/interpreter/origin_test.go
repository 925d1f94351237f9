package interpreter

import (
	"crypto/sha256"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"rules_romfs/internal/peer"
)

//go:embed micropython.txt
var origin string

// TestOrigin: the interpreter is the one that was built from the sources as they
// are.
func TestOrigin(t *testing.T) {
	t.Parallel()
	const update = "run packager/interpreter/wasi/update"
	if line := fmt.Sprintf("%x  micropython.wasm\n", sha256.Sum256(program)); !strings.Contains(origin, line) {
		t.Errorf("micropython.wasm is another one; %s", update)
	}
	dir := filepath.Join(peer.Root(t), "packager", "interpreter", "wasi")
	named := 0
	for _, m := range regexp.MustCompile(`(?m)^(\w{64})  (Makefile|\w+\.(?:c|h|py))$`).FindAllStringSubmatch(origin, -1) {
		named++
		content, err := os.ReadFile(filepath.Join(dir, m[2]))
		if err != nil {
			t.Error(err)
		} else if fmt.Sprintf("%x", sha256.Sum256(content)) != m[1] {
			t.Errorf("wasi/%s has changed; %s", m[2], update)
		}
	}
	sources, err := filepath.Glob(filepath.Join(dir, "*.[chp]*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(sources)+1 != named {
		t.Errorf("%d of %d sources are named; %s", named, len(sources)+1, update)
	}
}
