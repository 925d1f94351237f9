package drivers

import (
	"errors"

	"rules_romfs/packager/simboard/flashsim"
)

// The esp8266 and esp32 ports: ports/esp8266/vfs_rom_ioctl.c, over the SDK's
// spi_flash, and ports/esp32/esp32_partition.c, over ESP-IDF's esp_partition.
var esp = []Driver{
	{
		Name: "esp8266", Doc: "esp8266, serial flash", Source: "ports/esp8266/vfs_rom_ioctl.c:48",
		Platform: "esp8266", Chip: "ESP8266", AnyID: true, Cells: flashsim.NOR, Erase: 4096,
		machines: []string{"ESP8266"},
		mapped:   func(s *Segment) Mapped { return &esp8266{s} },
	},
	{
		Name: "esp32", Doc: "esp32, serial flash", Source: "ports/esp32/esp32_partition.c:211, 250",
		Platform: "esp32", Chip: "ESP32S3", Blocks: true, AnyID: true, Cells: flashsim.NOR, Erase: 4096,
		machines: []string{"ESP32"},
		blocks:   func(s *Segment) Blocks { return &esp32{s, 1} },
	},
	{
		Name: "esp32-encrypted", Doc: "esp32 with flash encryption, in blocks of 16 bytes that are programmed once", Source: "ports/esp32/esp32_partition.c:211, 250; ESP-IDF esp_flash_write_encrypted",
		Platform: "esp32", Chip: "ESP32S3", Blocks: true, AnyID: true, Cells: flashsim.Cells{Page: 16, Word: 16, Times: 1, Encrypted: true}, Erase: 4096,
		blocks: func(s *Segment) Blocks { return &esp32{s, 16} },
	},
}

type esp8266 struct{ *Segment }

func (d *esp8266) Prepare(args ...int64) (int, error) {
	for dest := int64(0); dest < args[0]; dest += d.Erase { // :59; no range is checked, a fourth argument is ignored
		if err := d.Flash.Erase(d.Part, dest); err != nil {
			return 0, err
		}
	}
	return 4, nil
}

// Write is spi_flash_write of a length rounded up to words (:76). The ROM
// programs whole words: bytes before an address inside one stay as they are.
func (d *esp8266) Write(off int64, data []byte) (int, error) {
	return 0, d.pages(off, d.behind(data, 4), 256)
}

func (d *esp8266) MinPrepare() (int, error) { return EINVAL, nil }

// esp32 is a Partition object. ESP-IDF checks ranges and alignment; what it says
// is raised (check_esp_err).
type esp32 struct {
	*Segment
	align int64 // of addresses and lengths: 16 for encrypted partitions (esp_flash_write_encrypted)
}

// eraseRange is esp_partition_erase_range.
func (d *esp32) eraseRange(off, n int64) error {
	if off < 0 || off+n > d.Size || off%d.Erase != 0 || n%d.Erase != 0 {
		return errArgument
	}
	for ; n > 0; off, n = off+d.Erase, n-d.Erase {
		if err := d.Flash.Erase(d.Part, off); err != nil {
			return err
		}
	}
	return nil
}

// write is esp_partition_write.
func (d *esp32) write(off int64, data []byte) error {
	n := int64(len(data))
	if off < 0 || off+n > d.Size || off%d.align != 0 || n%d.align != 0 {
		return errArgument
	}
	return d.pages(off, data, d.Flash.Places()[d.Part].Cells.Page)
}

func (d *esp32) EraseBlock(n int64) (int, error) {
	return raised(0, d.eraseRange(n*d.Erase, d.Erase)) // :264
}

func (d *esp32) WriteBlocks(n int64, data []byte) (int, error) {
	if err := d.eraseRange(n*d.Erase, int64(len(data))); err != nil { // :220
		return raised(0, err)
	}
	return raised(ReturnNone, d.write(n*d.Erase, data)) // :245
}

func (d *esp32) Patch(n int64, data []byte, off int64) (int, error) {
	return raised(ReturnNone, d.write(n*d.Erase+off, data))
}

// errArgument is ESP_ERR_INVALID_ARG or ESP_ERR_INVALID_SIZE.
var errArgument = errors.New("invalid argument")

func raised(result int, err error) (int, error) {
	if errors.Is(err, errArgument) {
		return RaiseEIO, nil
	}
	return result, err
}
