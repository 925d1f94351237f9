package pattern

import "testing"

// TestDrive: a name with a colon is no path of Windows for the backslash that
// escapes what stands behind it.
func TestDrive(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`C:/a`: true, `c:\a`: true, `c:\`: true, "a:b": false, `a:\[b`: false, "\n:\\[~": false, `1:/a`: false, `a:`: false,
	} {
		if got := hasDrive(text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
