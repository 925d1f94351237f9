//go:build !darwin || cgo

package device

import (
	"strings"

	"go.bug.st/serial/enumerator"
)

func listPorts() ([]Port, error) {
	found, err := enumerator.GetDetailedPortsList()
	if err != nil {
		return nil, err
	}
	var list []Port
	for _, f := range found {
		p := Port{Name: f.Name}
		if f.IsUSB {
			p.USB = strings.ToLower(f.VID + ":" + f.PID)
			p.Serial, p.Product = f.SerialNumber, f.Product
		}
		list = append(list, p)
	}
	return list, nil
}
