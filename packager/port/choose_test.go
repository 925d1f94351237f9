package port

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rules_romfs/packager/board"
)

func profile(t *testing.T, id string) *board.Profile {
	t.Helper()
	p, err := board.Lookup(id)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// wantCode fails the test unless err is an *Error with that code and a hint.
func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("%v (%T) is no port.Error", err, err)
	}
	got, hint := e.Advice()
	if got != code || hint == "" || !strings.HasSuffix(err.Error(), hint) {
		t.Errorf("code %q, hint %q of %q; wanted %s and a hint", got, hint, err, code)
	}
}

// said returns the ports of a choice, or what its error says.
func said(places []Place, err error) string {
	if err != nil {
		return err.Error()
	}
	var ports []string
	for _, at := range places {
		ports = append(ports, at.Port)
	}
	return strings.Join(ports, " ")
}

func TestChoose(t *testing.T) {
	t.Parallel()
	n6, esp32, rp2 := profile(t, "openmv-n6"), profile(t, "esp32"), profile(t, "rp2")
	openmv := []Info{
		{Name: "/dev/ttyACM0", USB: "37c5:1206", Serial: "AAA", Location: "1-1"},
		{Name: "/dev/ttyACM1", USB: "37c5:1206", Serial: "BBB", Location: "1-2"},
		{Name: "/dev/ttyACM2", USB: "37c5:9206", Serial: "CCC", Location: "1-3"}, // in its bootloader
		{Name: "/dev/ttyS0"},
	}
	esp := []Info{
		{Name: "/dev/ttyACM0", USB: "303a:1001", Serial: "F4:12:FA:4E:0A:1C", Location: "1-1"},
		{Name: "/dev/ttyUSB0", USB: "10c4:ea60", Serial: "0001", Location: "1-2"},
		{Name: "/dev/ttyUSB1", USB: "10c4:ea60", Serial: "0001", Location: "1-3"},
	}
	// A board with a second serial port, listed first, and one with a probe.
	twice := []Info{
		{Name: "/dev/ttyACM1", USB: "2e8a:0005", Serial: "E66", Location: "1-1", Interface: 2},
		{Name: "/dev/ttyACM0", USB: "2e8a:0005", Serial: "E66", Location: "1-1"},
	}
	unknown := Info{Name: "/dev/ttyACM7", USB: "1234:5678", Serial: "Z", Location: "1-7"}
	pico := Info{Name: "/dev/ttyACM5", USB: "2e8a:0005", Location: "1-5"}
	serial := Info{Name: "/dev/ttyS0"}
	book := Book{Places: map[string][]Place{
		"kitchen": {{Port: "/dev/ttyUSB7"}}, "hall": {{Serial: "bbb"}}, "gone": {{Serial: "ZZZ"}}, "espresso": {{Serial: "f4:12:fa:4e:0a:1c"}},
	}}
	for name, c := range map[string]struct {
		choice Choice
		list   []Info
		want   string // ports, or what the error says
	}{
		"asked for":          {Choice{Ports: []string{"/dev/x", "kitchen", "/dev/x"}}, openmv, "/dev/x /dev/ttyUSB7"},
		"by serial number":   {Choice{Ports: []string{"aaa"}}, openmv, "/dev/ttyACM0"},
		"by MAC":             {Choice{Ports: []string{"f4:12:fa:4e:0a:1c"}}, esp, "/dev/ttyACM0"},
		"by MAC, unplugged":  {Choice{Ports: []string{"00:12:FA:4E:0A:1C"}}, esp, "no USB device with this serial number"},
		"name to serial":     {Choice{Ports: []string{"hall"}}, openmv, "/dev/ttyACM1"},
		"name to MAC":        {Choice{Ports: []string{"espresso"}}, esp, "/dev/ttyACM0"},
		"no COM port":        {Choice{Ports: []string{"comet"}}, openmv, "there is no port, no name in the ports file"},
		"a COM port":         {Choice{Ports: []string{"COM12"}}, openmv, "COM12"},
		"a name, unplugged":  {Choice{Ports: []string{"gone"}}, openmv, "port gone: the ports file says serial number ZZZ, and there is no USB device"},
		"a network port":     {Choice{Ports: []string{"socket://h:1"}}, nil, "socket://h:1"},
		"nothing":            {Choice{Ports: []string{""}}, openmv, "the port has no name"},
		"the same serial":    {Choice{Ports: []string{"0001"}}, esp, "several USB devices have this serial number: /dev/ttyUSB0, /dev/ttyUSB1"},
		"its first port":     {Choice{Ports: []string{"E66"}}, twice, "/dev/ttyACM0"},
		"environment":        {Choice{Default: "kitchen"}, openmv, "/dev/ttyUSB7"},
		"board in the book":  {Choice{Board: n6, Book: Book{Places: map[string][]Place{"openmv-n6": {{Port: "/dev/y"}}}}}, openmv, "/dev/y"},
		"one by USB id":      {Choice{Board: n6}, openmv[:1], "/dev/ttyACM0"},
		"several":            {Choice{Board: n6}, openmv, "several ports look like openmv-n6: /dev/ttyACM0, /dev/ttyACM1"},
		"all":                {Choice{Board: n6, All: true}, openmv, "/dev/ttyACM0 /dev/ttyACM1"},
		"none":               {Choice{Board: n6}, openmv[2:], "no port looks like openmv-n6 (there are /dev/ttyACM2"},
		"any known board":    {Choice{}, openmv[1:], "/dev/ttyACM1"},
		"rp2":                {Choice{Board: rp2}, []Info{pico, unknown, serial}, "/dev/ttyACM5"},
		"two ports of one":   {Choice{Board: rp2}, twice, "/dev/ttyACM0"},
		"esp32 by its USB":   {Choice{Board: esp32}, []Info{esp[0], unknown}, "/dev/ttyACM0"},
		"esp32 by CP210x":    {Choice{Board: esp32}, []Info{esp[1], unknown, serial}, "/dev/ttyUSB0"},
		"two esp32":          {Choice{Board: esp32}, esp[:2], "several ports look like esp32: /dev/ttyACM0, /dev/ttyUSB0"},
		"all esp32":          {Choice{Board: esp32, All: true}, esp, "/dev/ttyACM0 /dev/ttyUSB0 /dev/ttyUSB1"},
		"ids before adapter": {Choice{}, []Info{openmv[0], esp[1]}, "/dev/ttyACM0"},
		"an adapter":         {Choice{}, []Info{esp[1], unknown}, "/dev/ttyUSB0"},
		"the only USB port":  {Choice{Board: rp2}, []Info{unknown, serial}, "/dev/ttyACM7"},
		"another's only one": {Choice{Board: n6}, []Info{pico, serial}, "/dev/ttyACM5"},
		"any of two":         {Choice{Board: rp2}, []Info{unknown, esp[1]}, "no port looks like rp2 (there are"},
		"all of nothing":     {Choice{Board: rp2, All: true}, []Info{unknown, esp[1]}, "no port looks like rp2"},
		"not on USB":         {Choice{}, []Info{serial}, "no port looks like a board"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.choice.Book.Places == nil {
				c.choice.Book = book
			}
			c.choice.List = func() ([]Info, error) { return c.list, nil }
			places, err := c.choice.Choose()
			got := said(places, err)
			if err == nil && got != c.want || err != nil && !strings.Contains(got, c.want) {
				t.Errorf("%s, wanted %s", got, c.want)
			}
			var e *Error
			if err != nil && (!errors.As(err, &e) || e.Code == "" || e.Hint == "") {
				t.Errorf("%v has no code, or no hint", err)
			}
			// What is said of each port is what happens.
			if len(c.choice.Ports) > 0 {
				return
			}
			seen, lerr := c.choice.Look()
			if lerr != nil {
				t.Fatal(lerr)
			}
			taken := 0
			for _, s := range seen {
				if s.Taken {
					taken++
				}
				if s.Why == "" || s.Taken && !strings.Contains(" "+got+" ", " "+s.Name+" ") {
					t.Errorf("%s: taken %t, %q; chosen: %s", s.Name, s.Taken, s.Why, got)
				}
			}
			if err != nil && taken > 0 {
				t.Errorf("%d ports are taken, but the choice ends in: %v", taken, err)
			}
		})
	}
}

// TestLook: each port says why a command would take it, or not.
func TestLook(t *testing.T) {
	t.Parallel()
	list := []Info{
		{Name: "/dev/ttyACM0", USB: "2e8a:0005", Location: "1-1"},
		{Name: "/dev/ttyACM1", USB: "2e8a:0005", Location: "1-1", Interface: 2},
		{Name: "/dev/ttyACM2", USB: "37c5:9206", Location: "1-2"},
		{Name: "/dev/ttyS0"},
		{Name: "/dev/ttyUSB0", USB: "1234:5678", Location: "1-3"},
	}
	c := Choice{Board: profile(t, "rp2"), List: func() ([]Info, error) { return list, nil }}
	for default_, want := range map[string][]string{
		"": {"taken: the only one: USB ids of rp2", "not: USB ids of rp2, but not its device's first port", "not: the bootloader of openmv-n6: no MicroPython runs",
			"not: not on USB", "not: some USB serial port, and others look more like rp2"},
		"/dev/ttyS0": {"not: $ROMFS_PORT names another port", "not: USB ids of rp2, but not its device's first port", "not: the bootloader of openmv-n6: no MicroPython runs",
			"taken: $ROMFS_PORT names it", "not: some USB serial port, and others look more like rp2"},
	} {
		c.Default = default_
		seen, err := c.Look()
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range seen {
			got := map[bool]string{true: "taken: ", false: "not: "}[s.Taken] + s.Why
			if got != want[i] {
				t.Errorf("default %q, %s: %s, wanted %s", default_, s.Name, got, want[i])
			}
		}
	}
}

// TestBook: a ports file keeps which of port and serial was written, and one that
// nobody named starts no programs.
func TestBook(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), PortsFile)
	text := `version: 1
boards:
  - {name: cloned, port: "exec:touch owned"}
  - {name: device, serial: "exec:1"}
  - {name: esp, port: /dev/ttyUSB0, reset: "rts on, wait 20ms, rts off; touch"}
`
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	list := func() ([]Info, error) { return []Info{{Name: "/dev/ttyUSB0"}}, nil }
	for _, named := range []bool{false, true} {
		book, err := ReadBook(file, named)
		if err != nil {
			t.Fatal(err)
		}
		places, err := (&Choice{Ports: []string{"cloned"}, Book: book, List: list}).Choose()
		if named != (err == nil) {
			t.Errorf("named %t: %s", named, said(places, err))
		}
		if !named {
			wantCode(t, err, CodeDenied)
		}
		if _, err := (&Choice{Ports: []string{"device"}, Book: book, List: list}).Choose(); err == nil || !strings.Contains(err.Error(), "serial number exec:1") {
			t.Errorf("a serial number is taken for a port: %v", err)
		}
		for _, name := range []string{"esp", "/dev/ttyUSB0"} {
			places, err := (&Choice{Ports: []string{name}, Book: book, List: list}).Choose()
			if err != nil || places[0].Reset != "rts on, wait 20ms, rts off; touch" {
				t.Errorf("%s: %+v, %v", name, places, err)
			}
		}
		if places, err := (&Choice{Ports: []string{"exec:cat"}, Book: book}).Choose(); err != nil {
			t.Errorf("asked for: %s", said(places, err))
		}
	}
	if err := os.WriteFile(file, []byte(strings.Replace(text, "touch\"}", "tuch\"}", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadBook(file, false); err == nil || !strings.Contains(err.Error(), `boards[2] (esp): reset: "tuch"`) {
		t.Error(err)
	}
}

// TestSerialOf: a tool that knows devices by serial number gets that of the board
// that was named, however it was.
func TestSerialOf(t *testing.T) {
	t.Parallel()
	list := []Info{{Name: "/dev/ttyACM0", USB: "37c5:1206", Serial: "AAA"}, {Name: "/dev/ttyUSB0", USB: "1a86:7523"}}
	book := Book{Places: map[string][]Place{"kitchen": {{Serial: "BBB"}}, "hall": {{Port: "/dev/ttyACM0"}}, "attic": {{Port: "/dev/ttyUSB0"}}}}
	for name, want := range map[string]string{"": "", "kitchen": "BBB", "hall": "AAA", "attic": "no USB device", "CCC": "CCC", "/dev/ttyACM0": "AAA", "/dev/ttyACM9": "no USB device"} {
		c := Choice{Book: book, List: func() ([]Info, error) { return list, nil }}
		if name != "" {
			c.Ports = []string{name}
		}
		at, err := c.Device()
		got := at.Serial
		if err != nil {
			got = err.Error()
		}
		if got != want && (err == nil || !strings.Contains(got, want)) {
			t.Errorf("%s: %q, wanted %q", name, got, want)
		}
	}
}

// TestKeyOfDevice: what the ports file demands of a board holds in its bootloader,
// too, however it is named; and it must be known which board that is.
func TestKeyOfDevice(t *testing.T) {
	t.Parallel()
	list := []Info{{Name: "/dev/ttyACM0", USB: "37c5:1206", Serial: "AAA"}}
	book := Book{Places: map[string][]Place{"kitchen": {{Serial: "BBB", Key: "b.pub"}}, "hall": {{Port: "/dev/ttyACM0", Key: "a.pub"}}}}
	for name, want := range map[string]string{"kitchen": "b.pub", "BBB": "b.pub", "hall": "a.pub", "/dev/ttyACM0": "a.pub", "CCC": ""} {
		c := Choice{Ports: []string{name}, Book: book, List: func() ([]Info, error) { return list, nil }}
		if at, err := c.Device(); err != nil || at.Key != want {
			t.Errorf("%s: key %q, %v; want %q", name, at.Key, err, want)
		}
	}
	_, err := (&Choice{Book: book}).Device()
	wantCode(t, err, CodeSeveral)
}

// TestWhere: a device that was unplugged is found where it is now.
func TestWhere(t *testing.T) {
	t.Parallel()
	a := Info{Name: "/dev/ttyACM0", USB: "2e8a:0005", Serial: "E66", Location: "1-1"}
	second := Info{Name: "/dev/ttyACM1", USB: "2e8a:0005", Serial: "E66", Location: "1-1", Interface: 2}
	at := func(p Info, name, location string) Info { p.Name, p.Location = name, location; return p }
	one := Info{Name: "/dev/ttyUSB0", USB: "10c4:ea60", Serial: "0001", Location: "1-2"}
	two := Info{Name: "/dev/ttyUSB1", USB: "10c4:ea60", Serial: "0001", Location: "1-3"}
	bare := Info{Name: "/dev/ttyUSB0", USB: "1a86:7523", Location: "1-2"}
	for name, c := range map[string]struct {
		given  string
		before []Info
		now    []Info
		want   string
	}{
		"still there":                {"/dev/ttyACM1", []Info{a, second}, []Info{a, second}, "/dev/ttyACM1"},
		"listed in another order":    {"/dev/ttyACM1", []Info{second, a}, []Info{second, a}, "/dev/ttyACM1"},
		"another name":               {"/dev/ttyACM0", []Info{a}, []Info{at(a, "/dev/ttyACM3", "1-1")}, "/dev/ttyACM3"},
		"its interface":              {"/dev/ttyACM1", []Info{a, second}, []Info{at(a, "/dev/ttyACM3", "1-1"), at(second, "/dev/ttyACM4", "1-1")}, "/dev/ttyACM4"},
		"plugged in elsewhere":       {"/dev/ttyACM0", []Info{a}, []Info{at(a, "/dev/ttyACM3", "2-4")}, "/dev/ttyACM3"},
		"gone":                       {"/dev/ttyACM0", []Info{a}, nil, "/dev/ttyACM0"},
		"the other one is there":     {"/dev/ttyUSB0", []Info{one, two}, []Info{two}, "/dev/ttyUSB0"},
		"of two alike":               {"/dev/ttyUSB0", []Info{one, two}, []Info{two, at(one, "/dev/ttyUSB2", "1-2")}, "/dev/ttyUSB2"},
		"names swapped":              {"/dev/ttyUSB0", []Info{one, two}, []Info{at(two, "/dev/ttyUSB0", "1-3"), at(one, "/dev/ttyUSB1", "1-2")}, "/dev/ttyUSB1"},
		"without a number":           {"/dev/ttyUSB0", []Info{bare}, []Info{at(bare, "/dev/ttyUSB4", "1-2")}, "/dev/ttyUSB4"},
		"a stranger's name":          {"/dev/ttyACM0", []Info{a}, []Info{{Name: "/dev/ttyACM0", USB: "2e8a:0005", Serial: "E77", Location: "1-9"}}, ""},
		"a number that changed":      {"/dev/ttyACM0", []Info{a}, []Info{at(a, "/dev/ttyACM0", "1-5")}, "/dev/ttyACM0"},
		"of two, places unknown":     {"/dev/ttyUSB0", []Info{at(one, "/dev/ttyUSB0", ""), at(two, "/dev/ttyUSB1", "")}, []Info{at(two, "/dev/ttyUSB1", "")}, "/dev/ttyUSB0"},
		"still there, place unknown": {"/dev/ttyUSB0", []Info{at(bare, "/dev/ttyUSB0", "")}, []Info{at(bare, "/dev/ttyUSB0", "")}, "/dev/ttyUSB0"},
		"not on USB":                 {"/dev/ttyS0", []Info{{Name: "/dev/ttyS0"}}, []Info{a}, "/dev/ttyS0"},
		"not listed":                 {"/dev/pts/3", []Info{a}, []Info{a}, "/dev/pts/3"},
	} {
		if got := find(c.given, c.before).where(c.now); got != c.want {
			t.Errorf("%s: %s, wanted %s", name, got, c.want)
		}
	}
}
