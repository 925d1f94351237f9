//go:build !linux && !darwin

package port

import (
	"strings"

	"go.bug.st/serial/enumerator"
)

// listPorts lists the serial ports. Which interface of a device they are is not
// told here.
func listPorts() ([]Info, error) {
	found, err := enumerator.GetDetailedPortsList()
	if err != nil {
		return nil, err
	}
	var list []Info
	for _, f := range found {
		p := Info{Name: f.Name}
		if f.IsUSB {
			p.USB = strings.ToLower(f.VID + ":" + f.PID)
			p.Serial, p.Product = f.SerialNumber, f.Product
		}
		list = append(list, p)
	}
	return list, nil
}
