package port

import (
	"path/filepath"
	"runtime"
	"strings"
)

// The kinds of port that are no serial device, by what their names begin with.
const (
	socketScheme  = "socket"  // socket://host:port
	rfc2217Scheme = "rfc2217" // rfc2217://host:port
	execScheme    = "exec"    // exec:command
	simScheme     = "sim"     // sim:spec
)

// scheme splits the name of a port that is no serial device: "exec:cat" is exec
// and "cat". A serial device has none.
func scheme(name string) (kind, rest string) {
	kind, rest, _ = strings.Cut(name, ":")
	switch kind {
	case execScheme, simScheme:
		return kind, rest
	case socketScheme, rfc2217Scheme:
		if strings.HasPrefix(rest, "//") {
			return kind, rest[2:]
		}
	}
	return "", name
}

// isPath tells what can only be the name of a serial device from a name of the
// ports file and a serial number: a path, or COM and a number.
func isPath(name string) bool {
	if strings.ContainsAny(name, `/\`) {
		return true
	}
	if len(name) < 4 || !strings.EqualFold(name[:3], "COM") {
		return false
	}
	return strings.Trim(name[3:], "0123456789") == ""
}

// Same tells whether two names are those of one port. Windows does not tell com3
// from COM3; macOS has a tty and a cu of each; a link, as those in
// /dev/serial/by-id, is what it leads to.
func Same(a, b string) bool {
	return a == b || canonical(a) == canonical(b)
}

// canonical returns the one name of a port that has several.
func canonical(name string) string {
	switch kind, rest := scheme(name); kind {
	case execScheme, simScheme:
		return name
	case socketScheme, rfc2217Scheme:
		return "tcp:" + strings.ToLower(rest)
	}
	return canonicalDevice(name, runtime.GOOS)
}

func canonicalDevice(name, system string) string {
	if system == "windows" {
		return strings.ToUpper(strings.TrimPrefix(name, `\\.\`))
	}
	if real, err := filepath.EvalSymlinks(name); err == nil {
		name = real
	}
	if rest, ok := strings.CutPrefix(name, "/dev/tty."); ok && system == "darwin" {
		return "/dev/cu." + rest
	}
	return name
}
