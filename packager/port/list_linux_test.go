package port

import (
	"os"
	"path/filepath"
	"testing"
)

// TestSysfs reads what Linux says of a board with two ports, of an adapter, and
// of a port that is not on USB.
func TestSysfs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(path, text string) {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	device := func(at, vendor, product, serial, name string) {
		for file, text := range map[string]string{"idVendor": vendor, "idProduct": product, "serial": serial, "product": name} {
			if text != "" {
				write(at+"/"+file, text+"\n")
			}
		}
	}
	tty := func(name, device string) {
		if err := os.MkdirAll(filepath.Join(dir, "class/tty", name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(filepath.Join(dir, device), filepath.Join(dir, "class/tty", name, "device")); err != nil {
			t.Fatal(err)
		}
	}
	device("devices/usb1", "1d6b", "0002", "0000:00:14.0", "xHCI Host Controller")
	device("devices/usb1/1-2", "2E8A", "0005", "E66", "Board in FS mode")
	write("devices/usb1/1-2/1-2:1.0/bInterfaceNumber", "00\n")
	write("devices/usb1/1-2/1-2:1.2/bInterfaceNumber", "02\n")
	device("devices/usb1/1-3/1-3.4", "1a86", "7523", "", "USB Serial")
	write("devices/usb1/1-3/1-3.4/1-3.4:1.0/bInterfaceNumber", "00\n")
	write("devices/usb1/1-3/1-3.4/1-3.4:1.0/ttyUSB0/port_number", "0\n")
	write("devices/pnp0/00:05/id", "PNP0501\n")
	tty("ttyACM0", "devices/usb1/1-2/1-2:1.0")
	tty("ttyACM1", "devices/usb1/1-2/1-2:1.2")
	tty("ttyUSB0", "devices/usb1/1-3/1-3.4/1-3.4:1.0/ttyUSB0")
	tty("ttyS0", "devices/pnp0/00:05")
	for _, want := range []Info{
		{"/dev/ttyACM0", "2e8a:0005", "E66", "Board in FS mode", "1-2", 0},
		{"/dev/ttyACM1", "2e8a:0005", "E66", "Board in FS mode", "1-2", 2},
		{"/dev/ttyUSB0", "1a86:7523", "", "USB Serial", "1-3.4", 0},
		{Name: "/dev/ttyS0"},
		{Name: "/dev/ttyAMA0"},
	} {
		if got := fromSysfs(filepath.Join(dir, "class/tty"), want.Name); got != want {
			t.Errorf("%+v, wanted %+v", got, want)
		}
	}
}
