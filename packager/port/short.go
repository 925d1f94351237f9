package port

import (
	"path/filepath"
	"slices"
	"strings"

	"rules_romfs/internal/lazyregexp"
)

const (
	// longName is from how many bytes on the name of a serial device is long.
	longName = 21
	// shortest is how many characters of a name are kept at least: fewer are soon
	// those of another board, too.
	shortest = 6
)

// byID matches a name that udev makes in /dev/serial/by-id, and the serial number in it.
var byID = lazyregexp.New(`^usb-.*_([^_]+?)(-if[0-9a-f]{2})?(-port[0-9]+)?$`)

// Short returns what to call ports in lines for people, where their names are long:
// as much of the end of the serial number, or else of the name, as tells them apart.
func Short(names []string) map[string]string {
	short := map[string]string{}
	for _, name := range names {
		if kind, _ := scheme(name); kind == "" && len(name) >= longName {
			short[name] = tail(name, names)
		}
	}
	return short
}

// tail is the shortest end of what is special about a name that no other name has.
func tail(name string, names []string) string {
	own := special(name)
	var others []string
	for _, other := range names {
		if other != name {
			others = append(others, special(other))
		}
	}
	for n := min(shortest, len(own)); n < len(own); n++ {
		end := own[len(own)-n:]
		if !slices.ContainsFunc(others, func(other string) bool { return strings.HasSuffix(other, end) }) {
			return "…" + end
		}
	}
	if slices.Contains(others, own) { // several ports of one board, or numbers that are none
		return name
	}
	return own
}

// special is what is most likely to be another with another board.
func special(name string) string {
	base := filepath.Base(name)
	if m := byID().FindStringSubmatch(base); m != nil {
		return m[1]
	}
	return base
}
