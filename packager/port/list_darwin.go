package port

import (
	"context"
	"os/exec"
	"strings"
	"time"

	"go.bug.st/serial"
)

// ioregLimit bounds how long the system's own tool may take.
const ioregLimit = 10 * time.Second

// listPorts lists the serial ports. USB ids are read from ioreg: asking the
// system directly takes cgo. Without them a port can still be named.
func listPorts() ([]Info, error) {
	names, err := serial.GetPortsList()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), ioregLimit)
	defer cancel()
	known := map[string]Info{}
	if out, err := exec.CommandContext(ctx, "ioreg", "-a", "-r", "-l", "-w", "0", "-c", "IOUSBHostDevice").Output(); err == nil {
		known, _ = parseIoreg(out)
	}
	var list []Info
	for _, name := range names {
		if !strings.HasPrefix(name, "/dev/cu.") {
			continue // a port has two names there; this one does not wait for a carrier
		}
		p := known[name]
		p.Name = name
		list = append(list, p)
	}
	return list, nil
}
