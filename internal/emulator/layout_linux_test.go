package emulator

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"rules_romfs/internal/peer"
)

// TestLayout holds what the helper believes of the board's memory to what the
// firmware is built from.
func TestLayout(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile(filepath.Join(peer.Root(t), "firmware", "board.h"))
	if err != nil {
		t.Fatal(err)
	}
	header := string(source)
	for name, of := range map[string]any{"settings_t": settings{}, "counters_t": Counters{}} {
		end := strings.Index(header, "} "+name)
		start := strings.LastIndex(header[:end], "typedef struct {")
		var want []string
		for _, m := range regexp.MustCompile(`uint32_t (\w+)(?:\[(\d)\])?;`).FindAllStringSubmatch(header[start:end], -1) {
			want = append(want, strings.ReplaceAll(m[1], "_", ""))
		}
		var got []string
		for _, f := range reflect.VisibleFields(reflect.TypeOf(of)) {
			got = append(got, strings.ToLower(f.Name))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s has %q, here it is %q", name, want, got)
		}
	}
	for name, value := range map[string]uint32{
		"MAGIC": magic, "PARTITION": memory, "SETTINGS": settingsAt, "COUNTERS": countersAt, "FILES": filesAt, "FILES_END": memory + memorySize,
	} {
		if !regexp.MustCompile(fmt.Sprintf(`#define %s .*\(?(?:\))?%#x\b`, name, value)).MatchString(header) {
			t.Errorf("%s is not %#x", name, value)
		}
	}
}
