package port

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestIoreg reads a property list in the form of macOS's ioreg, shortened: a board
// with one serial port, one with two, and a hub, whose devices come once below it
// and once by themselves.
func TestIoreg(t *testing.T) {
	t.Parallel()
	list, err := os.ReadFile(filepath.Join("testdata", "ioreg.plist"))
	if err != nil {
		t.Fatal(err)
	}
	ports, err := parseIoreg(list)
	if err != nil {
		t.Fatal(err)
	}
	want := []Info{
		{"/dev/cu.usbmodem14101", "2e8a:0005", "e6614104033b7b26", "Board in FS mode", "0x14100000", 1},
		{"/dev/cu.usbmodem1423301", "303a:1001", "F4:12:FA:4E:0A:1C", "USB JTAG/serial debug unit", "0x14230000", 1},
		{"/dev/cu.SLAB_USBtoUART", "10c4:ea60", "0001", "CP2102 USB to UART Bridge Controller", "0x14220000", 0},
		{"/dev/cu.usbmodem14301", "37c5:1206", "0029002F", "OpenMV N6", "0x14300000", 1},
		{"/dev/cu.usbmodem14303", "37c5:1206", "0029002F", "OpenMV N6", "0x14300000", 3},
	}
	for _, p := range want {
		if ports[p.Name] != p {
			t.Errorf("%s: %+v, wanted %+v", p.Name, ports[p.Name], p)
		}
	}
	if len(ports) != len(want) {
		t.Errorf("%d ports: %+v", len(ports), ports)
	}
	places, err := (&Choice{Board: profile(t, "openmv-n6"), List: func() ([]Info, error) {
		var list []Info
		for _, p := range ports {
			list = append(list, p)
		}
		return list, nil
	}}).Choose()
	if got := said(places, err); got != "/dev/cu.usbmodem14301" {
		t.Errorf("an OpenMV N6 is looked for at %s", got)
	}

	// What is cut short, or something else, is an error or nothing.
	for n := range len(list) {
		if n%1999 == 0 {
			parseIoreg(list[:n])
		}
	}
	for _, text := range []string{"", "<plist/>", "<plist><array/></plist>", "no xml", "<plist><dict><key>a</key></dict></plist>"} {
		if ports, _ := parseIoreg([]byte(text)); len(ports) > 0 {
			t.Errorf("%q: %v", text, ports)
		}
	}
}

// TestParseReset: ways by name and by steps; anything else is refused.
func TestParseReset(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{"": -1, "auto": -1, " none ": 0, "classic": 1, "usb-jtag; touch": 2, "DTR on, rts off,wait 1s": 1} {
		resets, err := ParseReset(text)
		if err != nil || len(resets) != max(want, 0) || (resets == nil) != (want < 0) {
			t.Errorf("%q: %v, %v", text, resets, err)
		}
	}
	for _, text := range []string{"clasic", "dtr", "dtr maybe", "wait", "wait 1", "wait -1s", "wait 1h", "rts on,", "classic;", "classic, touch"} {
		if resets, err := ParseReset(text); err == nil || !strings.Contains(err.Error(), "classic") {
			t.Errorf("%q: %v, %v", text, resets, err)
		}
	}
}

// TestResets: the kind of port decides, unless somebody says.
func TestResets(t *testing.T) {
	t.Parallel()
	o := &Opener{ResetOf: map[string]string{"/dev/ttyUSB1": "touch", "/dev/ttyUSB2": "none"}}
	at := func(name, usb string) Device { return Device{Info: Info{Name: name, USB: usb}, given: name} }
	for _, c := range []struct {
		d    Device
		want string
	}{
		{at("/dev/ttyUSB0", "10c4:ea60"), "classic"},
		{at("/dev/ttyUSB0", "1a86:7523"), "classic"},
		{at("/dev/ttyACM0", "303a:1001"), "usb-jtag"},
		{at("/dev/ttyACM0", "2e8a:0005"), ""},
		{at("/dev/ttyUSB1", "10c4:ea60"), "touch"},
		{at("/dev/ttyUSB2", "10c4:ea60"), ""},
		{at("rfc2217://h:1", ""), "classic"},
		{at("socket://h:1", ""), ""},
		{at("/dev/pts/1", ""), ""},
	} {
		var got []string
		for _, r := range o.Resets(c.d) {
			got = append(got, r.String())
		}
		if strings.Join(got, "; ") != c.want {
			t.Errorf("%+v: %q, wanted %q", c.d, got, c.want)
		}
	}
	o = &Opener{Reset: "usb-jtag"}
	if got := o.Resets(at("/dev/ttyUSB0", "10c4:ea60")); len(got) != 1 || !slices.Equal(got[0].steps, parsed(t, "usb-jtag")[0].steps) {
		t.Errorf("%v", got)
	}
}

func parsed(t *testing.T, text string) []Reset {
	t.Helper()
	resets, err := ParseReset(text)
	if err != nil {
		t.Fatal(err)
	}
	return resets
}
