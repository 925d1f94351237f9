package deploy

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"rules_romfs/packager/romfs"
)

// after checks, after a soft reset, that the board mounts the image and reads
// its digest: as its own programs will see it. again says that the reset came after the
// board was asked what it is.
func (j *job) after(ctx context.Context, again bool) error {
	n := int64(len(j.req.Image))
	if !j.wrote {
		n = 0 // it was compared
	}
	mounted := j.b.Info.Mounted
	if again && (n > 0 || j.seg.Index == 0) {
		m, err := j.b.After(ctx, j.seg.Index, n)
		if err != nil {
			return err
		}
		if m.Hashed && m.SHA256 != j.digest {
			return &VerifyError{fmt.Sprintf("%s: after the reset the board reads other bytes than were written", j.b.Port)}
		}
		mounted = m.Payload
	}
	if j.seg.Index != 0 {
		return nil // firmware mounts partition 0 only
	}
	image, err := romfs.Parse(j.req.Image)
	if err != nil {
		return err
	}
	switch payload := image.Size() - image.HeaderSize(); mounted {
	case payload:
		return nil
	case -1:
		return &VerifyError{fmt.Sprintf("%s: the image is on the board, but its firmware did not mount it at /rom", j.b.Port)}
	default:
		return &VerifyError{fmt.Sprintf("%s: /rom is another file system, of %d bytes", j.b.Port, mounted)}
	}
}

// importHint says how a program gets at what was deployed.
func (j *job) importHint() string {
	if j.seg.Index != 0 {
		return fmt.Sprintf("vfs.mount(vfs.VfsRom(vfs.rom_ioctl(2, %d)), '/rom%d')", j.seg.Index, j.seg.Index)
	}
	image, err := romfs.Parse(j.req.Image)
	if err != nil {
		return ""
	}
	return hint(image)
}

// hint is a statement that uses what is in image: a module or package at its
// root, one of lib, which is on sys.path too, or else a file.
func hint(image fs.FS) string {
	for _, dir := range []string{".", "lib"} {
		list, err := fs.ReadDir(image, dir)
		if err != nil {
			continue
		}
		for _, e := range list {
			if name := module(image, dir, e); name != "" && name != "boot" && name != "main" {
				return "import " + name
			}
		}
	}
	file := ""
	fs.WalkDir(image, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		file = name
		return fs.SkipAll
	})
	if file == "" {
		return ""
	}
	return fmt.Sprintf("open('/rom/%s', 'rb')", file)
}

// module returns the name by which an entry of dir can be imported; "" if it
// is neither a module nor a package.
func module(image fs.FS, dir string, e fs.DirEntry) string {
	if !e.IsDir() {
		ext := path.Ext(e.Name())
		if ext == ".mpy" || ext == ".py" {
			return strings.TrimSuffix(e.Name(), ext)
		}
		return ""
	}
	for _, init := range []string{"__init__.py", "__init__.mpy"} {
		if _, err := fs.Stat(image, path.Join(dir, e.Name(), init)); err == nil {
			return e.Name()
		}
	}
	return ""
}
