//go:build darwin && !cgo

package port

import (
	"strings"

	"go.bug.st/serial"
)

// Without cgo, macOS does not tell the USB ids of a port: boards are named by
// their port there.
func listPorts() ([]Info, error) {
	names, err := serial.GetPortsList()
	if err != nil {
		return nil, err
	}
	var list []Info
	for _, name := range names {
		if strings.HasPrefix(name, "/dev/cu.") {
			list = append(list, Info{Name: name})
		}
	}
	return list, nil
}
