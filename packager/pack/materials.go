package pack

import (
	"context"
	"crypto/sha256"
	"path/filepath"

	"rules_romfs/internal/smallfile"
	"rules_romfs/packager/artifact"
)

// A Material is one thing that an image is made from.
type Material struct {
	Name   string // as the manifest names it; a nested image's are behind its manifest's name and a colon
	Digest artifact.Digest
}

// maxManifest is above what the manifest's own reader takes, in bytes.
const maxManifest = 16 << 20

// Materials returns the manifest and every source of the image, in its order;
// those of a nested image behind its manifest. The image has to be written, so
// that the digests of large sources are known. Of a nested image that was packed
// as a file the file is the material.
func (im *Image) Materials(ctx context.Context) ([]Material, error) {
	if _, err := im.Sidecar(); err != nil {
		return nil, err
	}
	return im.materials(ctx, "")
}

func (im *Image) materials(ctx context.Context, prefix string) ([]Material, error) {
	var all []Material
	if path := im.Spec.Manifest; path != "" {
		data, _, err := smallfile.Read(path, maxManifest)
		if err != nil {
			return nil, err
		}
		name := filepath.Base(path)
		if prefix != "" {
			name = prefix
		}
		all = append(all, Material{name, sha256.Sum256(data)})
	}
	if prefix != "" {
		prefix += ":"
	}
	for i := range im.Spec.Inputs {
		in := &im.Spec.Inputs[i]
		switch {
		case in.Nested != nil:
			nested, err := in.Nested.materials(ctx, prefix+in.Source)
			if err != nil {
				return nil, err
			}
			all = append(all, nested...)
		case in.SourceSHA256 != nil:
			all = append(all, Material{prefix + in.Source, *in.SourceSHA256})
		default:
			if err := in.digestOnce(ctx); err != nil { // a large file of a nested image was read as a part of it
				return nil, err
			}
			all = append(all, Material{prefix + in.Source, in.sum})
		}
	}
	return all, nil
}
