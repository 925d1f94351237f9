package deploy

import (
	"context"
	"crypto/sha256"
	"fmt"
	"path"
	"strings"

	"rules_romfs/packager/romfs"
)

// after checks, after a soft reset, that the board mounts the image and reads
// its digest: as its own programs will see it.
func (d *deployer) after(ctx context.Context) error {
	m, err := d.b.After(ctx, d.seg.Index, int64(len(d.Image)))
	if err != nil {
		return err
	}
	if m.Hashed && m.SHA256 != sha256.Sum256(d.Image) {
		return &VerifyError{fmt.Sprintf("%s: after the reset the board reads other bytes than were written", d.b.Port)}
	}
	if d.seg.Index != 0 {
		return nil // firmware mounts partition 0 only
	}
	image, err := romfs.Parse(d.Image)
	if err != nil {
		return err
	}
	switch payload := image.Size() - image.HeaderSize(); m.Payload {
	case payload:
		return nil
	case -1:
		return &VerifyError{fmt.Sprintf("%s: the image is on the board, but its firmware did not mount it at /rom", d.b.Port)}
	default:
		return &VerifyError{fmt.Sprintf("%s: /rom is another file system, of %d bytes", d.b.Port, m.Payload)}
	}
}

// importHint says how a program gets at what was deployed.
func (d *deployer) importHint() string {
	if d.seg.Index != 0 {
		return fmt.Sprintf("vfs.mount(vfs.VfsRom(vfs.rom_ioctl(2, %d)), '/rom%d')", d.seg.Index, d.seg.Index)
	}
	image, err := romfs.Parse(d.Image)
	if err != nil {
		return ""
	}
	list, err := image.ReadDir(".")
	if err != nil {
		return ""
	}
	for _, e := range list {
		name, ext := strings.TrimSuffix(e.Name(), path.Ext(e.Name())), path.Ext(e.Name())
		if !e.IsDir() && (ext == ".mpy" || ext == ".py") && name != "boot" && name != "main" {
			return "import " + name
		}
	}
	if len(list) > 0 {
		return fmt.Sprintf("open('/rom/%s', 'rb')", list[0].Name())
	}
	return ""
}
