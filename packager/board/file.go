package board

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// boardFile is the form of a board file.
type boardFile struct {
	Version    int             `yaml:"version" json:"version"`
	ID         string          `yaml:"id" json:"id"`
	Name       string          `yaml:"name" json:"name"`
	Machines   []string        `yaml:"machines" json:"machines"`
	NoROM      string          `yaml:"no_rom" json:"no_rom"`
	OpenMV     bool            `yaml:"openmv" json:"openmv"`
	MPY        mpySection      `yaml:"mpy" json:"mpy"`
	Align      []alignRule     `yaml:"align" json:"align"`
	Partitions []partitionFile `yaml:"partitions" json:"partitions"`
	USB        []usbFile       `yaml:"usb" json:"usb"`
}

type mpySection struct {
	Arch         string `yaml:"arch" json:"arch"`
	SmallIntBits int    `yaml:"small_int_bits" json:"small_int_bits"`
}

type alignRule struct {
	Match string `yaml:"match" json:"match"`
	To    string `yaml:"to" json:"to"`
}

type partitionFile struct {
	Name    string   `yaml:"name" json:"name"`
	Index   int      `yaml:"index" json:"index"`
	Base    uint64   `yaml:"base" json:"base"`
	Size    string   `yaml:"size" json:"size"`
	Erase   string   `yaml:"erase" json:"erase"`
	Write   string   `yaml:"write" json:"write"`
	Segment string   `yaml:"segment" json:"segment"`
	Medium  string   `yaml:"medium" json:"medium"`
	Core    string   `yaml:"core" json:"core"`
	DFU     *dfuFile `yaml:"dfu" json:"dfu"`
}

type dfuFile struct {
	Alt     int    `yaml:"alt" json:"alt"`
	Address uint64 `yaml:"address" json:"address"`
	Erase   string `yaml:"erase" json:"erase"`
	Leave   bool   `yaml:"leave" json:"leave"`
}

type usbFile struct {
	ID   string `yaml:"id" json:"id"`
	Mode string `yaml:"mode" json:"mode"`
}

// parse reads a board file.
func parse(data []byte, name string) (*Profile, error) {
	var f boardFile
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(&f); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	p := &Profile{ID: f.ID, Name: f.Name, Machines: f.Machines, NoROM: f.NoROM, OpenMV: f.OpenMV,
		MPY: MPY{Arch: f.MPY.Arch, SmallIntBits: f.MPY.SmallIntBits}}
	if p.MPY.SmallIntBits == 0 {
		p.MPY.SmallIntBits = 31
	}
	if p.MPY.Arch == "" {
		p.MPY.Arch = "none"
	}
	var err error
	size := func(s string) (n int64) {
		if err == nil && s != "" {
			n, err = ParseSize(s)
		}
		return n
	}
	for _, a := range f.Align {
		p.Align = append(p.Align, AlignRule{a.Match, size(a.To)})
	}
	for _, x := range f.Partitions {
		part := Partition{Index: x.Index, Name: x.Name, Base: x.Base, Size: size(x.Size), Erase: size(x.Erase), Write: size(x.Write),
			Segment: x.Segment, Medium: x.Medium, Core: x.Core}
		if x.DFU != nil {
			part.DFU = &DFU{x.DFU.Alt, x.DFU.Address, size(x.DFU.Erase), x.DFU.Leave}
		}
		p.Partitions = append(p.Partitions, part)
	}
	for _, u := range f.USB {
		var id USBID
		if _, err := fmt.Sscanf(u.ID, "%04x:%04x", &id.Vendor, &id.Product); err != nil {
			return nil, fmt.Errorf("%s: usb id %q: %w", name, u.ID, err)
		}
		id.Mode = u.Mode
		p.USB = append(p.USB, id)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}

// ParseSize reads a number of bytes: "131072", "128KiB", "24MiB", "0x20000".
func ParseSize(s string) (int64, error) {
	digits, unit := s, int64(1)
	for _, u := range []struct {
		suffix string
		bytes  int64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}} {
		if d, ok := strings.CutSuffix(s, u.suffix); ok {
			digits, unit = strings.TrimSpace(d), u.bytes
		}
	}
	n, err := strconv.ParseInt(digits, 0, 64)
	if err != nil || n < 0 || n > (1<<62)/unit {
		return 0, fmt.Errorf("%q is no size: use bytes, or a number with KiB, MiB or GiB", s)
	}
	return n * unit, nil
}
