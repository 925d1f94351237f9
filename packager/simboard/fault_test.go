//go:build linux

package simboard_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"rules_romfs/packager/simboard"
)

// small is a board with one little partition.
var small = simboard.Partition{Name: "romfs0", Size: 64 << 10}

func boardWith(parts ...simboard.Partition) simboard.Options {
	return simboard.Options{Partitions: parts}
}

// TestFaults shows the effect of every fault that the help lists.
func TestFaults(t *testing.T) {
	t.Parallel()
	var named []string
	for line := range strings.Lines(simboard.FaultHelp()) {
		usage, doc, _ := strings.Cut(strings.TrimSpace(line), " ")
		name, _, _ := strings.Cut(usage, "=")
		named = append(named, name)
		if strings.TrimSpace(doc) == "" {
			t.Errorf("%s has no explanation", name)
		}
	}
	tests := map[string]func(t *testing.T){}
	maps.Copy(tests, linkFaults)
	maps.Copy(tests, replFaults)
	maps.Copy(tests, flashFaults)
	for name, test := range tests {
		if !slices.Contains(named, name) {
			t.Errorf("there is a test for %q, but no such fault", name)
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t)
		})
	}
	for _, name := range named {
		if tests[name] == nil {
			t.Errorf("fault %q has no test", name)
		}
	}
}
