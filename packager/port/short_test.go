package port

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestShort(t *testing.T) {
	t.Parallel()
	const id = "/dev/serial/by-id/usb-MicroPython_Board_in_FS_mode_"
	for _, want := range []map[string]string{
		{},
		{id + "e6614104033b7b26-if00": "…3b7b26"},
		{id + "e6614104033b7b26-if00": "…033b7b26", id + "e6614104133b7b26-if00": "…133b7b26"},
		{id + "e6614104033b7b26-if00": id + "e6614104033b7b26-if00", id + "e6614104033b7b26-if02": id + "e6614104033b7b26-if02"}, // one board
		{"/dev/serial/by-id/usb-Silicon_Labs_CP2102_0001-if00-port0": "0001"},
		{"/dev/cu.usbmodem3354395430331": "…430331"},
		{"/dev/serial/by-path/pci-0000:00:14.0-usb-0:2:1.0": "…:2:1.0", "/dev/serial/by-path/pci-0000:00:14.0-usb-0:3:1.0": "…:3:1.0"},
	} {
		// Short names, and those that are no serial device, stay.
		names := []string{"/dev/ttyACM0", "COM12", "socket://farm.example.com:1234", "sim:weact-h743?flash=somewhere.flash"}
		for name := range want {
			names = append(names, name)
		}
		if d := cmp.Diff(want, Short(names)); d != "" {
			t.Errorf("(-want +got)\n%s", d)
		}
	}
}
