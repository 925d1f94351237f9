package port

import (
	"slices"
	"strings"
)

// An Info is a serial port of this machine.
type Info struct {
	Name    string `json:"port"`
	USB     string `json:"usb,omitempty"` // "37c5:1206"; empty when it is not USB
	Serial  string `json:"serial,omitempty"`
	Product string `json:"product,omitempty"`
}

// List lists the serial ports of this machine, by name.
func List() ([]Info, error) {
	list, err := listPorts()
	slices.SortFunc(list, func(a, b Info) int { return strings.Compare(a.Name, b.Name) })
	return list, err
}

// SerialOf returns the USB serial number of a port, if it has one.
func SerialOf(port string) string {
	if strings.Contains(port, ":/") || strings.HasPrefix(port, "exec:") || strings.HasPrefix(port, "sim:") {
		return ""
	}
	list, err := listPorts()
	if err != nil {
		return ""
	}
	for _, p := range list {
		if p.Name == port {
			return p.Serial
		}
	}
	return ""
}

// WithSerial returns the port of the USB device with that serial number, or "".
func WithSerial(serial string) string {
	list, err := listPorts()
	if err != nil {
		return ""
	}
	for _, p := range list {
		if strings.EqualFold(p.Serial, serial) {
			return p.Name
		}
	}
	return ""
}
