package peer

import "testing"

// TestVelaVersion holds vela to the release that golden files name.
func TestVelaVersion(t *testing.T) { prints(t, "5.2.0", Vela(t), "--version") }
