package deploy

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"

	"rules_romfs/packager/artifact"
	"rules_romfs/packager/device"
	"rules_romfs/packager/romfs"
)

// checkRelease refuses an older release over a newer one of the same name. What
// the board holds is known from the sidecar of an image that was deployed from
// here, or from the stamp in the image.
func (j *job) checkRelease(ctx context.Context, rom *device.ROM, p *plan) error {
	s := j.req.Sidecar
	if s == nil || s.Release == "" || j.req.AllowDowngrade {
		return nil
	}
	name, release, err := j.releaseOnBoard(ctx, rom, p)
	if err != nil {
		return err
	}
	if name != s.Name || !artifact.Older(s.Release, release) {
		return nil
	}
	return &IncompatibleError{fmt.Sprintf("%s: partition %d holds release %s of %s, which is newer than %s; --allow-downgrade deploys the older one all the same", j.b.Port, j.seg.Index, release, name, s.Release)}
}

// releaseOnBoard returns what the image on the board is a release of; nothing if
// that is not known.
func (j *job) releaseOnBoard(ctx context.Context, rom *device.ROM, p *plan) (name, release string, err error) {
	size, _, err := rom.Image()
	if err != nil {
		return "", "", nil // no image
	}
	if old := j.kept(rom, p, size); old != nil {
		if s := j.req.Cache.Sidecar(sha256.Sum256(old)); s != nil && s.Release != "" {
			return s.Name, s.Release, nil
		}
		if image, err := romfs.Parse(old); err == nil {
			return stampOf(image)
		}
		return "", "", nil
	}
	r := &romReader{ctx: ctx, rom: rom}
	image, err := romfs.Open(r, rom.Size)
	if err == nil {
		name, release, _ = stampOf(image)
	}
	return name, release, r.err
}

func stampOf(image *romfs.Image) (name, release string, err error) {
	s, err := artifact.ReadStamp(image)
	if s == nil || err != nil {
		return "", "", err
	}
	return s.Name, s.Release, nil
}

// kept returns the image of size bytes on the board if it is among those that
// were deployed from here, by its head and the digests of its blocks; else nil.
func (j *job) kept(rom *device.ROM, p *plan, size int64) []byte {
	for old := range j.req.Cache.images() {
		if int64(len(old)) == size && bytes.HasPrefix(old, j.seg.Head[:min(int64(len(j.seg.Head)), size)]) && p.holds(old, rom.Sum) {
			return old
		}
	}
	return nil
}
