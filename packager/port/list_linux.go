package port

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"go.bug.st/serial"
)

// listPorts lists the serial ports, with what the kernel says of those on USB.
func listPorts() ([]Info, error) {
	names, err := serial.GetPortsList()
	if err != nil {
		return nil, err
	}
	var list []Info
	for _, name := range names {
		list = append(list, fromSysfs("/sys/class/tty", name))
	}
	return list, nil
}

// fromSysfs describes the port of that name. Its device in dir lies below the
// folder of a USB interface, and that below the one of the USB device; others
// have no such folders above them.
func fromSysfs(dir, name string) Info {
	p := Info{Name: name}
	at, err := filepath.EvalSymlinks(filepath.Join(dir, filepath.Base(name), "device"))
	if err != nil {
		return p
	}
	read := func(attribute string) string {
		b, _ := os.ReadFile(filepath.Join(at, attribute))
		return strings.TrimSpace(string(b))
	}
	for ; at != filepath.Dir(at); at = filepath.Dir(at) {
		if n, err := strconv.ParseUint(read("bInterfaceNumber"), 16, 8); err == nil {
			p.Interface = int(n)
		}
		if vendor := read("idVendor"); vendor != "" {
			p.USB = strings.ToLower(vendor + ":" + read("idProduct"))
			p.Serial, p.Product, p.Location = read("serial"), read("product"), filepath.Base(at)
			break
		}
	}
	return p
}
