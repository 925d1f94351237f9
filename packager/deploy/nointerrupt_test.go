//go:build linux

package deploy

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"rules_romfs/packager/deploy/deploytest"
	"rules_romfs/packager/port"
	"rules_romfs/packager/simboard"
)

// TestBoardWithoutCtrlC has firmware that takes no Ctrl-C while code runs, so that the
// program there has to be told to end: also
// when a deploy fails.
func TestBoardWithoutCtrlC(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]simboard.Options{
		"whole": {}, "fails": {Faults: simboard.Faults{Fail: "4"}}, "little": {Faults: simboard.Faults{Heap: 20 * kib}}, "plain": {Faults: simboard.Faults{Missing: []string{"select"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o.Faults.NoInterrupt = true
			b := deploytest.Start(t, o)
			image := smallImage(t)
			r := request(t, b, image)
			_, err := Run(context.Background(), r)
			var transfer *port.TransferError
			if name == "fails" && !errors.As(err, &transfer) || name != "fails" && err != nil {
				t.Fatal(err)
			}
			usable(t, r)
			if name != "fails" && !bytes.HasPrefix(b.Contents(0), image) {
				t.Error("the flash holds something else")
			}
		})
	}
}
