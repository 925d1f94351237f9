package export

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"rules_romfs/internal/peer"
	"rules_romfs/packager/board"
)

// cases are sizes and addresses that matter to some format: odd sizes, blocks
// and 64 KiB that are filled, crossed and just reached, and the last bytes of
// the address space.
var cases = []struct {
	size    int
	address uint64
	pad     int64
}{
	{1, 0x90b00000, 0},
	{255, 0x08000000, 4},
	{256, 0x10100000, 0},
	{257, 0x10100000, 0},
	{4097, 0x70800000, 4096},
	{65536, 0x0801ff00, 0},
	{131071, 0x081e0000, 131072},
	{70001, 0x8047ff00, 16},
	{1000, 0xfffffc00, 1024},
}

// image returns bytes that do not repeat, the same ones each time.
func image(size int) []byte {
	r := rand.New(rand.NewPCG(uint64(size), 1))
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// padded is what has to be read back.
func padded(b []byte, size int64) []byte {
	return append(bytes.Clone(b), bytes.Repeat([]byte{0xff}, int(size)-len(b))...)
}

// eachCase writes the image of each case and gives check the file's path.
func eachCase(t *testing.T, o Options, check func(t *testing.T, path string, address uint64, want []byte)) {
	for _, c := range cases {
		t.Run(fmt.Sprintf("%d@%x", c.size, c.address), func(t *testing.T) {
			t.Parallel()
			o := o
			o.Address, o.Pad = c.address, c.pad
			path := filepath.Join(t.TempDir(), "image."+string(o.Format))
			f, err := os.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if err := Write(f, image(c.size), o); err != nil {
				t.Fatal(err)
			}
			size := o.Padded(int64(c.size))
			if size < int64(c.size) || c.pad > 1 && size%c.pad != 0 {
				t.Errorf("%d bytes with padding", size)
			}
			want := padded(image(c.size), size)
			checkRead(t, path, o, want)
			check(t, path, c.address, want)
		})
	}
}

// run runs an official tool and returns what it prints.
func run(t *testing.T, tool string, args ...string) string {
	t.Helper()
	out, err := exec.Command(tool, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", tool, args, err, out)
	}
	return string(out)
}

func compare(t *testing.T, path string, want []byte) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: %d bytes that differ from the image's %d", filepath.Base(path), len(got), len(want))
	}
}

func TestRaw(t *testing.T) {
	t.Parallel()
	eachCase(t, Options{Format: Raw}, func(t *testing.T, path string, _ uint64, want []byte) {
		compare(t, path, want)
	})
}

// TestDfuSe has dfu-util's own tools check the file and take it apart.
func TestDfuSe(t *testing.T) {
	t.Parallel()
	suffix, pack := peer.DFUSuffix(t), peer.DfusePack(t)
	o := Options{Format: DfuSe, Target: Target{Name: "romfs0", Alt: 1, Vendor: 0x2341, Product: 0x0366}}
	eachCase(t, o, func(t *testing.T, path string, address uint64, want []byte) {
		out := run(t, suffix, "--check", path)
		for _, line := range []string{"Vendor ID:\t0x2341\n", "Product ID:\t0x0366\n", "BCD DFU:\t0x011A\n", "Length:\t\t16\n"} {
			if !strings.Contains(out, line) {
				t.Errorf("dfu-suffix does not say %q:\n%s", line, out)
			}
		}
		out = run(t, pack, "--dump", path)
		size := fileSize(t, path)
		for _, line := range []string{
			fmt.Sprintf("b'DfuSe' v1, image size: %d, targets: 1\n", size),
			fmt.Sprintf(", alt setting: 1, name: \"b'romfs0'\", size: %d, elements: 1\n", len(want)+8),
			fmt.Sprintf("  0, address: 0x%08x, size: %d\n", address, len(want)),
			"usb: 2341:0366, device: 0x0000, dfu: 0x011a, b'UFD', 16,",
		} {
			if !strings.Contains(out, line) {
				t.Errorf("dfuse-pack does not say %q:\n%s", line, out)
			}
		}
		if strings.Contains(out, "ERROR") {
			t.Errorf("dfuse-pack:\n%s", out)
		}
		compare(t, path+".target0.image0.bin", want)

		// What dfuse-pack makes of the same, with the only name that it gives.
		o := o
		o.Address, o.Target.Name = address, "ST..."
		var ours bytes.Buffer
		if err := Write(&ours, want, o); err != nil {
			t.Fatal(err)
		}
		run(t, pack, "--build", fmt.Sprintf("%#x@1:%s", address, path+".target0.image0.bin"), "--device", "0x2341:0x0366", path+".theirs")
		compare(t, path+".theirs", ours.Bytes())
	})
}

func fileSize(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// TestUF2 has Microsoft's converter take the file apart; it checks neither
// numbers of blocks nor the magic at their ends, so those are checked here.
func TestUF2(t *testing.T) {
	t.Parallel()
	conv := peer.UF2Conv(t)
	eachCase(t, Options{Format: UF2, Family: 0xe48bff56}, func(t *testing.T, path string, address uint64, want []byte) {
		out := run(t, conv, "--convert", "--output", path+".bin", path)
		for _, line := range []string{
			"Family ID is RP2040, hex value is 0xe48bff56\n",
			fmt.Sprintf("Target Address is 0x%08x\n", address),
			"All block flag values consistent, 0x2000\n",
		} {
			if !strings.Contains(out, line) {
				t.Errorf("uf2conv does not say %q:\n%s", line, out)
			}
		}
		compare(t, path+".bin", want)
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		blocks := len(file) / 512
		if len(file)%512 != 0 || blocks*256 != len(want) {
			t.Fatalf("%d bytes for an image of %d", len(file), len(want))
		}
		for i := range blocks {
			b := file[i*512 : (i+1)*512]
			u32 := func(at int) int { return int(binary.LittleEndian.Uint32(b[at:])) }
			if u32(16) != 256 || u32(20) != i || u32(24) != blocks || u32(508) != 0x0ab16f30 || !bytes.Equal(b[288:508], make([]byte, 220)) {
				t.Fatalf("block %d of %d: %x", i, blocks, b)
			}
		}
	})
}

// TestHex has objcopy read the file.
func TestHex(t *testing.T) {
	t.Parallel()
	objcopy := peer.Objcopy(t)
	record := regexp.MustCompile(`^(:[0-9A-F]{10,42}\n)+$`)
	eachCase(t, Options{Format: Hex}, func(t *testing.T, path string, address uint64, want []byte) {
		run(t, objcopy, "-I", "ihex", "-O", "binary", path, path+".bin")
		compare(t, path+".bin", want)
		// The S-records that objcopy makes of it have whole addresses.
		run(t, objcopy, "-I", "ihex", "-O", "srec", "--srec-forceS3", path, path+".srec")
		srec, err := os.ReadFile(path + ".srec")
		if err != nil {
			t.Fatal(err)
		}
		first := regexp.MustCompile(`(?m)^S3..(.{8})`).FindSubmatch(srec)
		if first == nil || string(first[1]) != fmt.Sprintf("%08X", address) {
			t.Errorf("objcopy puts it at %s, not at %08X", first, address)
		}
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !record.Match(file) || !bytes.HasSuffix(file, []byte("\n:00000001FF\n")) {
			t.Errorf("these are not only records: %.100s", file)
		}
	})
}

// TestHexGolden is worked by hand, across a border of 64 KiB.
func TestHexGolden(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := Write(&b, []byte{1, 2, 3}, Options{Format: Hex, Address: 0x0801fffe, Pad: 4}); err != nil {
		t.Fatal(err)
	}
	want := ":020000040801F1\n" + ":02FFFE000102FE\n" + ":020000040802F0\n" + ":0200000003FFFC\n" + ":00000001FF\n"
	if b.String() != want {
		t.Errorf("%s, want\n%s", b.String(), want)
	}
}

// TestRefused: what a format cannot hold is refused before anything is written.
func TestRefused(t *testing.T) {
	t.Parallel()
	for _, o := range []Options{
		{Format: Hex, Address: 0xffffff00, Pad: 512},
		{Format: Hex, Address: 1 << 32},
		{Format: DfuSe, Address: 0xfffffffffffffff0},
		{Format: UF2, Address: 0xffffffff00},
		{Format: UF2, Address: 0x10000080},
	} {
		var b bytes.Buffer
		if err := Write(&b, make([]byte, 300), o); !errors.Is(err, ErrAddress) || b.Len() > 0 {
			t.Errorf("%+v: %v, and %d bytes were written", o, err, b.Len())
		}
	}
	if err := Write(&bytes.Buffer{}, nil, Options{Format: "elf"}); err == nil {
		t.Error("the format elf is written")
	}
	if _, err := ParseFormat("bin"); err == nil || !strings.Contains(err.Error(), "img, dfu, uf2, hex") {
		t.Errorf("the format bin: %v", err)
	}
	for _, o := range []Options{{Format: Raw}, {Format: DfuSe}, {Format: UF2}, {Format: Hex}} {
		if err := Write(full{}, image(100_000), o); !errors.Is(err, errFull) {
			t.Errorf("%s on a full disk: %v", o.Format, err)
		}
	}
}

var errFull = errors.New("disk full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

// TestOptions: what a file says comes from the board, or from the user.
func TestOptions(t *testing.T) {
	t.Parallel()
	place := func(id string) *Place {
		p, err := board.Lookup(id)
		if err != nil {
			t.Fatal(err)
		}
		return &Place{Board: p, Partition: &p.Partitions[0], Families: p.UF2}
	}
	for _, c := range []struct {
		board  string
		format Format
		pad    Pad
		want   Options
	}{
		{"arduino-giga", DfuSe, "", Options{DfuSe, 0x90b00000, 4096, Target{"romfs0", 1, 0x2341, 0x0366}, 0}},
		{"pybd-sf2", DfuSe, PadPartition, Options{DfuSe, 0x90100000, 1 << 20, Target{"romfs0", 0, 0x0483, 0xdf11}, 0}},
		// Its own bootloader takes no DfuSe, so the file is for any other.
		{"openmv-h7", DfuSe, PadErase, Options{DfuSe, 0x081e0000, 128 << 10, Target{"romfs0", 0, AnyID, AnyID}, 0}},
		{"openmv-h7", UF2, PadNone, Options{UF2, 0x081e0000, 0, Target{"romfs0", 0, AnyID, AnyID}, 0x6db66082}},
		{"qemu-virt-rv64", Hex, "", Options{Hex, 0x80620000, 0, Target{"romfs0", 0, AnyID, AnyID}, 0}},
		{"rp2", Raw, "", Options{Raw, 0, 4096, Target{"romfs0", 0, AnyID, AnyID}, 0}},
	} {
		got, err := place(c.board).Options(c.format, c.pad, 1000)
		if err != nil || got != c.want {
			t.Errorf("%s, %s: %+v, %v, want %+v", c.board, c.format, got, err, c.want)
		}
	}
	var tooLarge *SizeError
	if _, err := place("openmv-m4").Options(Raw, "", 128<<10+1); !errors.As(err, &tooLarge) {
		t.Errorf("one byte too many: %v", err)
	}
	if _, err := place("openmv-m4").Options(Raw, "", 128<<10); err != nil {
		t.Errorf("a full partition: %v", err)
	}
	if _, err := place("openmv-m4").Options(Raw, "page", 1); err == nil {
		t.Error("the padding page is known")
	}
}

// TestUF2FamilyIDs: the families are those of Microsoft's list, which its
// converter brings along.
func TestUF2FamilyIDs(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(filepath.Dir(filepath.Dir(peer.UF2Conv(t))), "lib", "adafruit_uf2", "uf2families.json"))
	if err != nil {
		t.Fatal(err)
	}
	var list []struct {
		ID   string `json:"id"`
		Name string `json:"short_name"`
	}
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	theirs := map[string]uint64{}
	for _, f := range list {
		if theirs[f.Name], err = strconv.ParseUint(f.ID, 0, 32); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range board.UF2Families() {
		if id, ok := theirs[f.Name]; !ok || id != uint64(f.ID) {
			t.Errorf("%s is 0x%08x, and %#x in the list", f.Name, f.ID, id)
		}
	}
}
