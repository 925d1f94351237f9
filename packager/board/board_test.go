package board

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rules_romfs/internal/strictyaml"
	"rules_romfs/packager/mpy"
)

func TestBuiltinFiles(t *testing.T) {
	t.Parallel()
	for _, id := range IDs() {
		p, err := Lookup(id)
		if err != nil {
			t.Fatal(err)
		}
		if p.ID != id {
			t.Errorf("boards/%s.yaml has the id %s", id, p.ID)
		}
		for _, a := range p.MPY.ABIs(6, 3) {
			if h := (mpy.Header{Version: 6, SmallIntBits: 31}); a.Accepts(h) != nil {
				t.Errorf("%s does not load ordinary bytecode: %v", id, a.Accepts(h))
			}
		}
	}
}

func TestLookupUnknown(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"openmv-n66": "openmv-n6", "openvm-rt1062": "openmv-rt1062", "OPENMV_N6": "openmv-n6", "n6": "openmv-n6", "rp2040": "rp2", "esp32-s3": "esp32", "Giga": "arduino-giga",
		"nonsense": "", "": "", "h7": "",
	} {
		_, err := Lookup(id)
		var unknown *UnknownError
		if !errors.As(err, &unknown) {
			t.Errorf("Lookup(%q) returned %v", id, err)
		} else if unknown.Suggestion != want {
			t.Errorf("Lookup(%q) suggests %q, want %q", id, unknown.Suggestion, want)
		} else if !strings.Contains(err.Error(), "romfs boards") || want != "" && !strings.Contains(err.Error(), want) {
			t.Errorf("Lookup(%q): %v", id, err)
		}
	}
}

const custom = `version: 1
id: greenhouse
name: Greenhouse controller
machines: ["Greenhouse * with RP2040"]
mpy: {arch: armv6m, small_int_bits: 30}
align: [{match: "**/*.fft", to: 64, why: the FFT reads lines}]
partitions:
  - {name: romfs0, index: 0, base: 0x10100000, size: 512KiB, erase: 4KiB, write: 256, segment: blockdev}
  - {name: assets, index: 1, size: 8192}
`

func TestUserFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "greenhouse.yaml")
	if err := os.WriteFile(file, []byte(custom), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := Lookup(file)
	if err != nil {
		t.Fatal(err)
	}
	if p.File != file || p.ID != "greenhouse" || p.MPY.SmallIntBits != 30 || !p.DedupDefault() || p.Align[0].Match != "**/*.fft" || p.Align[0].To != 64 || p.Align[0].Why != "the FFT reads lines" {
		t.Errorf("got %+v", p)
	}
	for name, want := range map[string]Partition{
		"": p.Partitions[0], "romfs0": p.Partitions[0], "0": p.Partitions[0],
		"assets": {Index: 1, Name: "assets", Size: 8192, Medium: "nor"}, "1": p.Partitions[1],
	} {
		got, err := p.Partition(name)
		if err != nil || *got != want {
			t.Errorf("Partition(%q) = %+v, %v; want %+v", name, got, err, want)
		}
	}
	var missing *NoPartitionError
	if _, err := p.Partition("romfs1"); !errors.As(err, &missing) || !strings.Contains(err.Error(), "romfs0, assets") {
		t.Errorf("got %v", err)
	}
	if !p.Runs("Greenhouse v2 with RP2040") || p.Runs("Raspberry Pi Pico with RP2040") {
		t.Error("Runs does not follow machines")
	}
}

// TestAlignRule: the first rule that matches, in any case, names with a dot like
// others.
func TestAlignRule(t *testing.T) {
	t.Parallel()
	p := &Profile{Align: []AlignRule{{Match: "**/*.tflite", To: 32}, {Match: "/lut/*.BIN", To: 8}, {Match: "models/**", To: 64}}}
	for dest, want := range map[string]int64{"a.tflite": 32, "models/A.TFLITE": 32, "models/b.bin": 64, "lut/sin.bin": 8, "MODELS/x/y": 64, "a.tflite.txt": 0, "tflite": 0, ".models/a.tflite": 32, "x/.b.TFLITE": 32, "models/.c": 64} {
		got := int64(0)
		if r := p.AlignRule(dest); r != nil {
			got = r.To
		}
		if got != want {
			t.Errorf("%s: %d, want %d", dest, got, want)
		}
	}
	if p.MaxAlign() != 64 || (&Profile{}).MaxAlign() != 0 {
		t.Error("MaxAlign")
	}
}

func TestUserFileErrors(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ old, new, line, want string }{
		{"size: 512KiB", "size: 510000", "8:", "no multiple of erase"},
		{"base: 0x10100000", "base: 0x10100100", "8:", "no multiple of erase"},
		{"size: 512KiB", "size: 8KiB, tail: 8KiB", "8:", "leave nothing of the partition"},
		{"size: 512KiB", "size: 512KiB, core_idle: true", "8:", "not that of another core"},
		{"write: 256", "write: 255", "8:", "no power of two"},
		{"write: 256", "write: 8192", "8:", "no multiple of write"},
		{"segment: blockdev", "segment: blockdevice", "8:", "blockdev"},
		{"to: 64", "to: 63", "6:", "no power of two"},
		{"to: 64", "to: 0x200000", "6:", "more than the alignment of the address"},
		{"**/*.fft", "[", "6:", "no pattern"},
		{"Greenhouse * with", "[", "4:", "no pattern"},
		{"arch: armv6m", "arch: armv9", "5:", "no architecture"},
		{"arch: armv6m", "arch: [armv6m, none]", "5:", "bytecode is always loaded"},
		{"small_int_bits: 30", "small_int_bits: 64", "5:", "small_int_bits"},
		{"name: assets", "name: romfs0", "9:", "partitions[0] has that name"},
		{"index: 1", "index: 0", "9:", "partitions[0] has that index"},
		{"version: 1", "version: 2", "1:", "version"},
		{"id: greenhouse", "id: Green House", "2:", "id"},
		{"machines:", "machine:", "4:", "machines"},
		{"align:", "no_rom: it has none\nalign:", "6:", "has partitions"},
		{"name: Greenhouse controller\n", "", "1:", "name"},
	} {
		_, err := parse([]byte(strings.Replace(custom, tc.old, tc.new, 1)), "greenhouse.yaml")
		var errs strictyaml.Errors
		if !errors.As(err, &errs) {
			t.Errorf("%s: got %v", tc.new, err)
			continue
		}
		if !strings.Contains(err.Error(), "greenhouse.yaml:"+tc.line) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %q on line %s", tc.new, err, tc.want, tc.line)
		}
	}
	if _, err := parse([]byte("version: 1\nid: x\nname: X\n"), "x.yaml"); err == nil || !strings.Contains(err.Error(), "no_rom") {
		t.Errorf("a board with neither partitions nor no_rom: %v", err)
	}
}

func TestLookupIsNoFile(t *testing.T) {
	t.Parallel()
	for _, path := range []string{t.TempDir() + "/", filepath.Join(t.TempDir(), "missing.yaml"), "/dev/null"} {
		var pe *os.PathError
		if _, err := Lookup(path); !errors.As(err, &pe) {
			t.Errorf("Lookup(%q) returned %v", path, err)
		}
	}
}

func TestWithSize(t *testing.T) {
	t.Parallel()
	rp2, err := Lookup("rp2")
	if err != nil {
		t.Fatal(err)
	}
	sized, err := rp2.WithSize("", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if sized.Partitions[0].Size != 1<<20 || rp2.Partitions[0].Size != 0 {
		t.Errorf("got %d, and %d in the builtin profile", sized.Partitions[0].Size, rp2.Partitions[0].Size)
	}
	for _, size := range []int64{-4096, 0, 4095, 4097} {
		if _, err := rp2.WithSize("", size); err == nil {
			t.Errorf("a size of %d was taken", size)
		}
	}
	nano, err := Lookup("arduino-nano-33-ble-sense")
	if err != nil {
		t.Fatal(err)
	}
	var noROM *NoROMError
	if _, err := nano.WithSize("", 4096); !errors.As(err, &noROM) || !strings.Contains(err.Error(), "OpenMV's firmware sets aside no flash") {
		t.Errorf("got %v", err)
	}
}

// TestFamilies: a family loads what any of its members loads.
func TestFamilies(t *testing.T) {
	t.Parallel()
	rp2, err := Lookup("rp2")
	if err != nil {
		t.Fatal(err)
	}
	for arch, want := range map[mpy.Arch]bool{
		mpy.ArchARMv6M: true, mpy.ArchARMv7EMSP: true, mpy.ArchARMv7EMDP: false, mpy.ArchXtensa: false, mpy.ArchRV32IMC: true,
	} {
		h := mpy.Header{Version: 6, SubVersion: 3, Arch: arch, SmallIntBits: 31}
		if err := rp2.MPY.Accepts(h, 6, 3); (err == nil) != want {
			t.Errorf("%v: %v, want accepted: %v", arch, err, want)
		}
	}
	zcmp := mpy.Header{Version: 6, SubVersion: 3, Arch: mpy.ArchRV32IMC, HasArchFlags: true, ArchFlags: 2, SmallIntBits: 31}
	esp32, err := Lookup("esp32")
	if err != nil {
		t.Fatal(err)
	}
	if err := rp2.MPY.Accepts(zcmp, 6, 3); err != nil {
		t.Error(err)
	}
	if esp32.MPY.Accepts(zcmp, 6, 3) == nil {
		t.Error("esp32 takes code with extensions that most of its members lack")
	}
}
