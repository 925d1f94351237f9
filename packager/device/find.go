package device

import (
	"slices"
	"strings"
)

// A Port is a serial port of this machine.
type Port struct {
	Name    string `json:"port"`
	USB     string `json:"usb,omitempty"` // "37c5:1206"; empty when it is not USB
	Serial  string `json:"serial,omitempty"`
	Product string `json:"product,omitempty"`
}

// Ports lists the serial ports of this machine, by name.
func Ports() ([]Port, error) {
	list, err := listPorts()
	slices.SortFunc(list, func(a, b Port) int { return strings.Compare(a.Name, b.Name) })
	return list, err
}

// usbSerial returns the USB serial number of a port, if it has one.
func usbSerial(port string) string {
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

// portOf returns the port of the USB device with that serial number, or "".
func portOf(serial string) string {
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
