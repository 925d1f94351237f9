package board

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A fact is one row of a table that was written by hand from the memory maps of
// MicroPython's ports (linker scripts and mpconfigboard.h) and of OpenMV's
// firmware (board_config.h and boot_config.h), not from the profiles.
type fact struct {
	board, partition string
	base             uint64
	kib              int64 // size
	erase, write     int64
	segment          SegmentKind
	medium           Medium
	dfu              string // alt, or alt@address
	arch             string
	tflite           int64 // alignment of *.tflite
	runtime, boot    string
}

var facts = []fact{
	{"openmv-m4", "romfs0", 0x080E0000, 128, 128 << 10, 16, "memoryview", "nor", "3", "armv7emsp", 16, "37C5:1202", "37C5:9202"},
	{"openmv-m7", "romfs0", 0x081C0000, 256, 256 << 10, 16, "memoryview", "nor", "3", "armv7emdp", 16, "37C5:1203", "37C5:9203"},
	{"openmv-h7", "romfs0", 0x081E0000, 128, 128 << 10, 32, "memoryview", "ecc", "3", "armv7emdp", 16, "37C5:1204", "37C5:9204"},
	{"openmv-h7-plus", "romfs0", 0x91800000, 8 << 10, 4096, 4, "memoryview", "nor", "4", "armv7emdp", 16, "37C5:124A", "37C5:924A"},
	{"openmv-pure-thermal", "romfs0", 0x91800000, 8 << 10, 4096, 4, "memoryview", "nor", "4", "armv7emdp", 16, "37C5:1205", "37C5:9205"},
	{"openmv-rt1062", "romfs0", 0x60800000, 8 << 10, 4096, 4, "blockdev", "nor", "", "armv7emdp", 16, "37C5:1060", "1FC9:0135"},
	{"openmv-ae3", "romfs0", 0xA0800000, 24 << 10, 4096, 4, "memoryview", "nor", "6", "armv7emdp", 16, "37C5:16E3", "37C5:96E3"},
	{"openmv-ae3", "romfs1", 0x8047E000, 1 << 10, 16, 16, "memoryview", "mram", "3", "armv7emdp", 16, "37C5:16E3", "37C5:96E3"},
	{"openmv-n6", "romfs0", 0x70800000, 24 << 10, 4096, 4, "memoryview", "nor", "3", "armv7emdp", 32, "37C5:1206", "37C5:9206"},
	{"arduino-portenta-h7", "romfs0", 0x90B00000, 4 << 10, 4096, 4, "memoryview", "nor", "1@0x90b00000", "armv7emdp", 16, "2341:045B", "2341:035B"},
	{"arduino-giga", "romfs0", 0x90B00000, 4 << 10, 4096, 4, "memoryview", "nor", "1@0x90b00000", "armv7emdp", 16, "2341:0466", "2341:0366"},
	{"arduino-nicla-vision", "romfs0", 0x90B00000, 4 << 10, 4096, 4, "memoryview", "nor", "1@0x90b00000", "armv7emdp", 16, "2341:045F", "2341:035F"},
	{"pybd-sf2", "romfs0", 0x90100000, 1 << 10, 4096, 4, "memoryview", "nor", "0@0x90100000", "armv7emsp", 0, "F055:9800", "0483:DF11"},
	{"pybd-sf3", "romfs0", 0x90100000, 1 << 10, 4096, 4, "memoryview", "nor", "0@0x90100000", "armv7emsp", 0, "F055:9800", "0483:DF11"},
	{"pybd-sf6", "romfs0", 0x90000000, 2 << 10, 4096, 4, "memoryview", "nor", "0@0x90000000", "armv7emdp", 0, "F055:9800", "0483:DF11"},
	{"weact-h743", "romfs0", 0x90000000, 8 << 10, 4096, 4, "memoryview", "nor", "", "armv7emdp", 0, "F055:9802", ""},
	{"weact-h723", "romfs0", 0x90000000, 8 << 10, 4096, 4, "memoryview", "nor", "", "armv7emsp", 0, "F055:9802", ""},
	{"garatronic-pymate", "romfs0", 0x90000000, 1 << 10, 4096, 4, "memoryview", "nor", "", "armv7emsp", 0, "F055:9802", ""},
	{"alif-ensemble", "romfs0", 0xC1000000, 16 << 10, 4096, 4, "memoryview", "nor", "", "armv7emdp", 0, "F055:9802", ""},
	{"alif-ensemble", "romfs1", 0x8047E000, 1 << 10, 16, 16, "memoryview", "mram", "", "armv7emdp", 0, "F055:9802", ""},
	{"esp8266-2m-romfs", "romfs0", 0x402B0000, 320, 4096, 4, "memoryview", "nor", "", "xtensa", 0, "", ""},
	{"rp2", "romfs0", 0, 0, 4096, 256, "blockdev", "nor", "", "", 0, "2E8A:0005", ""},
	{"esp32", "romfs0", 0, 0, 4096, 4, "blockdev", "nor", "", "", 0, "303A:1001", ""},
	{"mimxrt", "romfs0", 0, 0, 4096, 4, "blockdev", "nor", "", "", 0, "F055:9802", ""},
	{"samd", "romfs0", 0, 0, 0, 4, "", "nor", "", "armv7emsp", 0, "F055:9802", ""},
	{"samd21", "romfs0", 0, 0, 0, 4, "", "nor", "", "armv6m", 0, "F055:9802", ""},
	{"nrf", "romfs0", 0, 0, 0, 4, "blockdev", "nor", "", "", 0, "F055:9802", ""},
	{"renesas-ra", "romfs0", 0, 0, 0, 2048, "memoryview", "ecc", "", "armv7emsp", 0, "F055:9800", ""},
	{"qemu-an385", "romfs0", 0x21000000, 4 << 10, 0, 0, "memoryview", "ram", "", "armv7em", 0, "", ""},
	{"qemu-an500", "romfs0", 0x60C00000, 4 << 10, 0, 0, "memoryview", "ram", "", "armv7emdp", 0, "", ""},
	{"qemu-an547", "romfs0", 0x62000000, 32 << 10, 0, 0, "memoryview", "ram", "", "armv7emdp", 0, "", ""},
	{"qemu-sabrelite", "romfs0", 0x17C00000, 4 << 10, 0, 0, "memoryview", "ram", "", "armv6", 0, "", ""},
	{"qemu-virt-rv32", "romfs0", 0x80610000, 4 << 10, 0, 0, "memoryview", "ram", "", "rv32imc", 0, "", ""},
	{"qemu-virt-rv64", "romfs0", 0x80620000, 4 << 10, 0, 0, "memoryview", "ram", "", "rv64imc", 0, "", ""},
	{"openmv-an500", "romfs0", 0x60C00000, 4 << 10, 0, 0, "memoryview", "ram", "", "armv7emsp", 32, "", ""},
	{"openmv-an547", "romfs0", 0x62000000, 32 << 10, 0, 0, "memoryview", "ram", "", "armv7emdp", 32, "", ""},
}

// withoutROM are boards and the USB id of OpenMV's firmware on them.
var withoutROM = map[string]string{"arduino-nano-33-ble-sense": "2341:015A", "arduino-nano-rp2040-connect": "2341:015E"}

func TestFacts(t *testing.T) {
	t.Parallel()
	for _, f := range facts {
		p, err := Lookup(f.board)
		if err != nil {
			t.Error(err)
			continue
		}
		part, err := p.Partition(f.partition)
		if err != nil {
			t.Error(err)
			continue
		}
		got := fact{p.ID, part.Name, part.Base, part.Size >> 10, part.Erase, part.Write, part.Segment, part.Medium, "", p.MPY.Arch, 0, usb(p, "runtime", f.runtime), usb(p, "bootloader", f.boot)}
		if d := part.DFU; d != nil {
			got.dfu = fmt.Sprint(d.Alt)
			if d.Address != 0 {
				got.dfu += fmt.Sprintf("@%#x", d.Address)
			}
		}
		if i := slices.IndexFunc(p.Align, func(a AlignRule) bool { return a.Match == "**/*.tflite" }); i >= 0 {
			got.tflite = p.Align[i].To
		}
		for _, a := range p.Align {
			if a.Why == "" {
				t.Errorf("%s does not say why %s is aligned", f.board, a.Match)
			}
		}
		if got != f {
			t.Errorf("%s:\n got %+v\nwant %+v", f.board, got, f)
		}
	}
}

// TestCoreIdle: of the cores that have a partition of their own, OpenMV's
// firmware alone leaves one idle; MicroPython's runs main.py on it.
func TestCoreIdle(t *testing.T) {
	t.Parallel()
	for _, p := range Builtin() {
		for _, part := range p.Partitions {
			if want := p.ID == "openmv-ae3" && part.Name == "romfs1"; part.CoreIdle != want {
				t.Errorf("%s %s: core_idle is %v, want %v", p.ID, part.Name, part.CoreIdle, want)
			}
		}
	}
}

// TestTail: only these two keep their ROMFS up to the last byte of a flash that
// the QUADSPI maps; OpenMV's own notes ask for 512 bytes that nobody reads.
func TestTail(t *testing.T) {
	t.Parallel()
	want := map[string]int64{"openmv-h7-plus": 512, "openmv-pure-thermal": 512}
	for _, p := range Builtin() {
		for _, part := range p.Partitions {
			if part.Tail != want[p.ID] {
				t.Errorf("%s %s: a tail of %d bytes, want %d", p.ID, part.Name, part.Tail, want[p.ID])
			}
		}
	}
}

// usb returns want if the profile has it in that mode, else its first id.
func usb(p *Profile, mode, want string) string {
	first := ""
	for _, u := range p.USB {
		if u.Mode == mode && u.String() == want {
			return want
		}
		if u.Mode == mode && first == "" {
			first = u.String()
		}
	}
	return first
}

// TestFactsAreAll: no profile and no partition is without its row.
func TestFactsAreAll(t *testing.T) {
	t.Parallel()
	for _, p := range Builtin() {
		if id, ok := withoutROM[p.ID]; ok {
			if p.NoROM == "" || usb(p, "runtime", id) != id {
				t.Errorf("%s has a ROM partition, or not the id %s", p.ID, id)
			}
			continue
		}
		for _, part := range p.Partitions {
			if !slices.ContainsFunc(facts, func(f fact) bool { return f.board == p.ID && f.partition == part.Name }) {
				t.Errorf("%s %s is in no row", p.ID, part.Name)
			}
		}
	}
	if n := len(Builtin()); n != 36 {
		t.Errorf("%d boards, want 36", n)
	}
}

// TestDedup: OpenMV's tools lose deduplicated files, so images for its boards
// do not share data by default.
func TestDedup(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]bool{
		"openmv-n6": false, "openmv-ae3": false, "openmv-m4": false, "openmv-rt1062": false, "arduino-giga": false,
		"arduino-portenta-h7": false, "arduino-nicla-vision": false, "openmv-an500": false,
		"pybd-sf2": true, "alif-ensemble": true, "rp2": true, "esp32": true, "weact-h743": true,
	} {
		p, err := Lookup(id)
		if err != nil {
			t.Fatal(err)
		}
		if p.DedupDefault() != want {
			t.Errorf("%s: %v, want %v", id, p.DedupDefault(), want)
		}
	}
}

// TestMachines: what sys.implementation._machine is, from MICROPY_HW_BOARD_NAME
// and MICROPY_HW_MCU_NAME in the boards' mpconfigboard.h.
func TestMachines(t *testing.T) {
	t.Parallel()
	for machine, want := range map[string][]string{
		"OPENMV2 with STM32F427":                         {"openmv-m4"},
		"OPENMV3 with STM32F765":                         {"openmv-m7"},
		"OPENMV4 with STM32H743":                         {"openmv-h7"},
		"OPENMV4P with STM32H743":                        {"openmv-h7-plus"},
		"OPENMVPT with STM32H743":                        {"openmv-pure-thermal"},
		"OpenMV IMXRT1060 with MIMXRT1062DVJ6A":          {"mimxrt", "openmv-rt1062"},
		"OpenMV N6 with STM32N657X0":                     {"openmv-n6"},
		"OpenMV-AE3 with AE302F80F55D5AE":                {"openmv-ae3"},
		"Arduino GIGA R1 WiFi with STM32H747":            {"arduino-giga"},
		"Arduino Portenta H7 with STM32H747":             {"arduino-portenta-h7"},
		"Arduino Nicla Vision with STM32H747":            {"arduino-nicla-vision"},
		"PYBD-SF2W with STM32F722IEK":                    {"pybd-sf2"},
		"PYBD-SF3W with STM32F733IEK":                    {"pybd-sf3"},
		"PYBD-SF6W with STM32F767IIK":                    {"pybd-sf6"},
		"WEACTSTUDIO_MINI_STM32H743 with STM32H743VIT6":  {"weact-h743"},
		"WEACTSTUDIO_MINI_STM32H723 with STM32H723VGT6":  {"weact-h723"},
		"PymateIO CORE8ADI8DOSC V0.2.0 with STM32F412RE": {"garatronic-pymate"},
		"Alif Ensemble DevKit with AE722F80F55D5XX":      {"alif-ensemble"},
		"ESP module with ESP8266":                        {"esp8266-2m-romfs"},
		"Raspberry Pi Pico with RP2040":                  {"rp2"},
		"Raspberry Pi Pico 2 with RP2350":                {"rp2"},
		"Raspberry Pi Pico 2 with RP2350-RISCV":          {"rp2"},
		"Generic ESP32 module with ESP32":                {"esp32"},
		"Generic ESP32S3 module with ESP32-S3":           {"esp32"},
		"Arduino Nano 33 BLE Sense with NRF52840":        {"arduino-nano-33-ble-sense", "nrf"},
		"Arduino Nano RP2040 Connect with RP2040":        {"arduino-nano-rp2040-connect", "rp2"},
		"mps2-an385 with Cortex-M3":                      {"qemu-an385"},
		"Arduino Portenta C33 with RA6M5":                {"renesas-ra"},
		"SparkFun SAMD51 Thing Plus with SAMD51J20A":     {"samd"},
		"linux [GCC 13.2.0] version":                     nil,
	} {
		var got []string
		for _, p := range Builtin() {
			if len(p.Machines) > 0 && p.Runs(machine) {
				got = append(got, p.ID)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", machine, got, want)
		}
	}
}

// TestNPU: what each partition's models are converted with, as OpenMV's builds
// have it (ports/alif/alif.mk, ports/stm32/port_config.mk and
// boards/MPS3_AN547/board_config.mk).
func TestNPU(t *testing.T) {
	got := map[string]string{}
	for _, p := range Builtin() {
		for _, x := range p.Partitions {
			if x.NPU != nil {
				got[p.ID+" "+x.Name] = x.NPU.Preset + " " + strings.Join(x.NPU.Args, " ")
			}
		}
	}
	want := map[string]string{
		"openmv-ae3 romfs0":   "vela --accelerator-config ethos-u55-256 --system-config RTSS_HP_SRAM_OSPI --memory-mode Shared_Sram",
		"openmv-ae3 romfs1":   "vela --accelerator-config ethos-u55-128 --system-config RTSS_HE_SRAM_MRAM --memory-mode Shared_Sram",
		"openmv-n6 romfs0":    "stedgeai --target stm32n6",
		"openmv-an547 romfs0": "vela --accelerator-config ethos-u55-256 --system-config RTSS_HE_SRAM_Only --memory-mode Shared_Sram",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
