package board

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A UF2Family is the kind of chip that a UF2 file is for. Bootloaders pass over
// blocks of another family.
type UF2Family struct {
	Name string // "RP2040"; or the number, for one without a name here
	ID   uint32
}

// uf2Families are those of chips that MicroPython runs on, from the list of
// Microsoft's project (github.com/microsoft/uf2, utils/uf2families.json).
var uf2Families = []UF2Family{
	{"ESP32", 0x1c5f21b0}, {"ESP32C2", 0x2b88d29c}, {"ESP32C3", 0xd42ba06c}, {"ESP32C5", 0xf71c0343},
	{"ESP32C6", 0x540ddf62}, {"ESP32H2", 0x332726f6}, {"ESP32P4", 0x3d308e94}, {"ESP32S2", 0xbfdd4eee},
	{"ESP32S3", 0xc47e5767}, {"ESP8266", 0x7eab61ed}, {"MIMXRT10XX", 0x4fb2d5bd}, {"NRF52", 0x1b57745f},
	{"NRF52832xxAA", 0x72721d4e}, {"NRF52832xxAB", 0x6f752678}, {"NRF52833", 0x621e937a}, {"NRF52840", 0xada52840},
	{"RA4M1", 0x7be8976d}, {"RP2040", 0xe48bff56}, {"RP2XXX_ABSOLUTE", 0xe48bff57}, {"RP2XXX_DATA", 0xe48bff58},
	{"RP2350_ARM_S", 0xe48bff59}, {"RP2350_RISCV", 0xe48bff5a}, {"RP2350_ARM_NS", 0xe48bff5b},
	{"SAMD21", 0x68ed2b88}, {"SAMD51", 0x55114460}, {"STM32F0", 0x647824b6}, {"STM32F4", 0x57755a57},
	{"STM32F7", 0x53b80f00}, {"STM32G0", 0x300f5633}, {"STM32G4", 0x4c71240a}, {"STM32H5", 0x4e8f1c5d},
	{"STM32H7", 0x6db66082}, {"STM32L0", 0x202e3a91}, {"STM32L1", 0x1e1f432d}, {"STM32L4", 0x00ff6919},
	{"STM32WB", 0x70d16653}, {"STM32WL", 0x21460ff0},
}

// UF2Families lists the families that have a name.
func UF2Families() []UF2Family { return slices.Clone(uf2Families) }

// UF2FamilyNames says what can be given for a family: "ESP32, …, or a number".
func UF2FamilyNames() string {
	var names strings.Builder
	for _, f := range uf2Families {
		names.WriteString(f.Name + ", ")
	}
	return names.String() + "or a number such as 0xe48bff56"
}

// ParseUF2Family reads the name of a family, in any case, or its number in
// hexadecimal (0xe48bff56).
func ParseUF2Family(s string) (UF2Family, error) {
	for _, f := range uf2Families {
		if strings.EqualFold(s, f.Name) {
			return f, nil
		}
	}
	if digits, ok := strings.CutPrefix(strings.ToLower(s), "0x"); ok {
		if id, err := strconv.ParseUint(digits, 16, 32); err == nil {
			for _, f := range uf2Families {
				if f.ID == uint32(id) {
					return f, nil
				}
			}
			return UF2Family{fmt.Sprintf("0x%08x", id), uint32(id)}, nil
		}
	}
	return UF2Family{}, fmt.Errorf("%q is no UF2 family: it is %s", s, UF2FamilyNames())
}
