package port

import "testing"

// TestNames: one port has one name for locks and comparisons, on each system.
func TestNames(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ system, a, b string }{
		{"windows", "com3", "COM3"},
		{"windows", `\\.\COM12`, "com12"},
		{"darwin", "/dev/tty.usbmodem14101", "/dev/cu.usbmodem14101"},
	} {
		if a, b := canonicalDevice(c.a, c.system), canonicalDevice(c.b, c.system); a != b {
			t.Errorf("%s: %s is %s, %s is %s", c.system, c.a, a, c.b, b)
		}
	}
	if canonicalDevice("/dev/TTYS0", "linux") == canonicalDevice("/dev/ttyS0", "linux") {
		t.Error("case counts on Linux")
	}
	for name, want := range map[string]bool{
		"/dev/ttyS0": true, "COM1": true, "com12": true, `\\.\COM3`: true, "dir/x": true,
		"COM": false, "COMET": false, "community": false, "F4:12:FA:4E:0A:1C": false, "0001": false, "COM1x": false,
	} {
		if isPath(name) != want {
			t.Errorf("%s: %t", name, !want)
		}
	}
	for name, want := range map[string]string{
		"exec:cat": "exec", "sim:": "sim", "socket://h:1": "socket", "rfc2217://h:1": "rfc2217",
		"socket:h": "", "F4:12": "", "/dev/x": "", "simulator": "", "": "",
	} {
		if kind, _ := scheme(name); kind != want {
			t.Errorf("%s: %q", name, kind)
		}
	}
}
