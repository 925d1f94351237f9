//go:build linux

package powercuts

import (
	"testing"

	"rules_romfs/packager/deploy"
	"rules_romfs/packager/deploy/deploytest"
	"rules_romfs/packager/port"
	"rules_romfs/packager/report"
	"rules_romfs/packager/simboard"
)

func TestMain(m *testing.M) { deploytest.Main(m) }

// request is a deploy of image to b.
func request(t testing.TB, b *simboard.Board, image []byte) deploy.Request {
	return deploy.Request{Image: image, Port: b.Addr(), Opener: &port.Opener{}, Reporter: report.NewLog(t.Output())}
}
