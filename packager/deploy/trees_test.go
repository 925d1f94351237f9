//go:build linux

package deploy

import (
	"bytes"
	"testing"

	"rules_romfs/internal/trees"
	"rules_romfs/packager/deploy/deploytest"
	"rules_romfs/packager/port"
	"rules_romfs/packager/report"
	"rules_romfs/packager/romfs"
	"rules_romfs/packager/simboard"
)

// TestTrees deploys some of the trees that all packages share to one board, one
// over the other, and reads each back.
func TestTrees(t *testing.T) {
	t.Parallel()
	b := deploytest.Start(t, simboard.Options{})
	for _, tree := range trees.Table() {
		switch tree.Name {
		case "signs", "models", "empty", "two-byte lengths":
		default:
			continue
		}
		plan, err := romfs.NewPlan(tree.Root(nil), romfs.Options{Dedup: true})
		if err != nil {
			t.Fatal(err)
		}
		var image bytes.Buffer
		if _, err := plan.WriteTo(&image); err != nil {
			t.Fatal(err)
		}
		if _, err := Run(t.Context(), request(t, b, image.Bytes())); err != nil {
			t.Fatalf("tree %s: %v", tree.Name, err)
		}
		got, err := Pull(t.Context(), &port.Opener{}, b.Addr(), nil, "", report.NewLog(t.Output()))
		if err != nil || !bytes.Equal(got, image.Bytes()) {
			t.Fatalf("tree %s: read back %d bytes of %d, %v", tree.Name, len(got), image.Len(), err)
		}
		m, err := romfs.Parse(got)
		if err != nil {
			t.Fatal(err)
		}
		tree.CheckImage(t, m)
	}
}
