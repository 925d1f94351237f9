//go:build !darwin || cgo

package port

import (
	"strings"

	"go.bug.st/serial/enumerator"
)

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
