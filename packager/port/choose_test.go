package port_test

import (
	"strings"
	"testing"

	"rules_romfs/packager/board"
	"rules_romfs/packager/port"
)

func TestChoose(t *testing.T) {
	t.Parallel()
	n6, err := board.Lookup("openmv-n6")
	if err != nil {
		t.Fatal(err)
	}
	ports := []port.Info{
		{Name: "/dev/ttyACM0", USB: "37c5:1206", Serial: "AAA"},
		{Name: "/dev/ttyACM1", USB: "37c5:1206", Serial: "BBB"},
		{Name: "/dev/ttyACM2", USB: "37c5:9206", Serial: "CCC"}, // in its bootloader
		{Name: "/dev/ttyS0"},
	}
	book := port.Book{"kitchen": {"/dev/ttyUSB7"}, "hall": {"bbb"}, "gone": {"ZZZ"}}
	for name, c := range map[string]struct {
		choice port.Choice
		list   []port.Info
		want   string // ports, or what the error says
	}{
		"asked for":         {port.Choice{Ports: []string{"/dev/x", "kitchen", "/dev/x"}}, ports, "/dev/x /dev/ttyUSB7"},
		"by serial number":  {port.Choice{Ports: []string{"aaa"}}, ports, "/dev/ttyACM0"},
		"name to serial":    {port.Choice{Ports: []string{"hall"}}, ports, "/dev/ttyACM1"},
		"unplugged":         {port.Choice{Ports: []string{"gone"}}, ports, "no USB device with this serial number"},
		"environment":       {port.Choice{Default: "kitchen"}, ports, "/dev/ttyUSB7"},
		"board in the book": {port.Choice{Board: n6, Book: port.Book{"openmv-n6": {"/dev/y"}}}, ports, "/dev/y"},
		"one by USB id":     {port.Choice{Board: n6}, ports[:1], "/dev/ttyACM0"},
		"several":           {port.Choice{Board: n6}, ports, "several ports look like openmv-n6: /dev/ttyACM0, /dev/ttyACM1"},
		"all":               {port.Choice{Board: n6, All: true}, ports, "/dev/ttyACM0 /dev/ttyACM1"},
		"none":              {port.Choice{Board: n6}, ports[2:], "no port looks like openmv-n6 (there are /dev/ttyACM2"},
		"any known board":   {port.Choice{}, ports[1:], "/dev/ttyACM1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.choice.Book == nil {
				c.choice.Book = book
			}
			c.choice.List = func() ([]port.Info, error) { return c.list, nil }
			got, err := c.choice.Choose()
			text := strings.Join(got, " ")
			if err != nil {
				text = err.Error()
			}
			if err == nil && text != c.want || err != nil && !strings.Contains(text, c.want) {
				t.Errorf("%s, wanted %s", text, c.want)
			}
		})
	}
}
