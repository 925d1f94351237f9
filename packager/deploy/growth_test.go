//go:build linux

package deploy

import (
	"context"
	"testing"

	"rules_romfs/packager/deploy/deploytest"
	"rules_romfs/packager/simboard"
)

// TestGrowth deploys an image after a module in front has grown by 10 bytes,
// so that everything behind it has moved.
func TestGrowth(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := deploytest.Start(t, simboard.Options{})
	r := request(t, b, benchImage(t, 0, 0))
	r.Cache = OpenCache(t.TempDir())
	full, err := Run(ctx, r)
	if err != nil {
		t.Fatal(err)
	}
	r.Image = benchImage(t, 10, 0)
	grown, err := Run(ctx, r)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("full: %d bytes on the link, grown: %d; %d of the image sent, %d copied", full.Sent+full.Received, grown.Sent+grown.Received, grown.Literal, grown.Copied)
	if grown.Healed || grown.Literal > 2000 {
		t.Errorf("%d bytes of the image were sent for ten new ones", grown.Literal)
	}
}
