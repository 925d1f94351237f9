//go:build linux

package deploy

import (
	"testing"

	"rules_romfs/packager/deploy/deploytest"
	"rules_romfs/packager/port"
	"rules_romfs/packager/report"
	"rules_romfs/packager/simboard"
)

const kib = deploytest.KiB

func TestMain(m *testing.M) { deploytest.Main(m) }

// request is a deploy of image to b.
func request(t testing.TB, b *simboard.Board, image []byte) Request {
	return Request{Image: image, Port: b.Addr(), Opener: &port.Opener{}, Reporter: report.NewLog(t.Output())}
}
