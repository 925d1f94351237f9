package device

import (
	"math"
	"testing"
)

// TestTornHeader: what is mounted after a cut may say that it is longer than any
// partition, as words of 64 bits have it; the board is known all the same.
func TestTornHeader(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{"401058": 401058, "-1": -1, "18446744039349863483": math.MaxInt64} {
		info, err := parseInfo("micropython|1.29.0|x|2822|samd|9223372036854775807|0|||" + text + "|11111111|100000|90000")
		if err != nil || info.Mounted != want {
			t.Errorf("%s: %+v, %v", text, info, err)
		}
	}
	if _, err := parseInfo("micropython|1.29.0|x|2822|samd|2147483647|0|||4x|11111111|100000|90000"); err == nil {
		t.Error("a length that is no number was taken")
	}
}
