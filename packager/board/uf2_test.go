package board

import (
	"slices"
	"strings"
	"testing"
)

// TestUF2Families: the chip in the name that a board's firmware gives itself
// says the family.
func TestUF2Families(t *testing.T) {
	t.Parallel()
	for _, p := range Builtin() {
		for _, f := range p.UF2 {
			chip, _, _ := strings.Cut(f.Name, "_")
			chip = strings.TrimSuffix(chip, "10XX")
			if strings.HasPrefix(f.Name, "RP2XXX") || strings.HasPrefix(f.Name, "ESP") || strings.HasPrefix(f.Name, "RA") {
				chip = f.Name[:2]
			}
			if !slices.ContainsFunc(p.Machines, func(m string) bool {
				return strings.Contains(m, chip) || strings.Contains(chip, "NRF52") && strings.Contains(m, "NRF52")
			}) {
				t.Errorf("%s: family %s for the machines %q", p.ID, f.Name, p.Machines)
			}
		}
	}
	for id, want := range map[string]string{"openmv-m4": "STM32F4", "openmv-m7": "STM32F7", "openmv-h7-plus": "STM32H7", "arduino-giga": "STM32H7",
		"openmv-rt1062": "MIMXRT10XX", "pybd-sf6": "STM32F7", "rp2": "RP2040", "openmv-n6": "", "openmv-ae3": ""} {
		p, err := Lookup(id)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if len(p.UF2) > 0 {
			got = p.UF2[0].Name
		}
		if got != want {
			t.Errorf("%s: %s, want %s", id, got, want)
		}
	}
	for in, want := range map[string]uint32{"rp2040": 0xe48bff56, "STM32H7": 0x6db66082, "0xE48BFF56": 0xe48bff56, "0x1": 1} {
		if f, err := ParseUF2Family(in); err != nil || f.ID != want {
			t.Errorf("%s: %+v, %v", in, f, err)
		}
	}
	if f, _ := ParseUF2Family("0xe48bff56"); f.Name != "RP2040" {
		t.Errorf("0xe48bff56 is called %s", f.Name)
	}
	for _, in := range []string{"", "PIC", "0x", "0x123456789", "17"} {
		if f, err := ParseUF2Family(in); err == nil {
			t.Errorf("%q is the family %+v", in, f)
		}
	}
	_, err := parse([]byte("version: 1\nid: x\nname: X\nuf2: [RP2040, PIC]\nno_rom: none\n"), "x.yaml")
	if err == nil || !strings.Contains(err.Error(), `x.yaml:4:15`) {
		t.Errorf("a board file with the family PIC: %v", err)
	}
}
