package sign

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"rules_romfs/packager/artifact"
	"rules_romfs/packager/trust/intoto"
)

// About is what is signed about the image of that name: the statement in a file, which must be
// about it, or with "" one that says no more than which image it is.
func About(image string, id artifact.Image, file string) (*intoto.Statement, error) {
	if file == "" {
		name := strings.TrimSuffix(filepath.Base(image), ".romfs")
		return intoto.New(&artifact.Sidecar{Name: name, Image: id}, intoto.ImageType, map[string]any{"size": id.Size})
	}
	s, err := intoto.Read(file)
	if err != nil {
		return nil, err
	}
	if !s.About(id.SHA256) {
		return nil, &TrustError{image, fmt.Sprintf("%s is about another image, %s, and not sha256 %s", file, s.Names(), id.SHA256.Short()), "build it with --provenance again"}
	}
	return s, nil
}

// Earlier is the envelope that is at path already, to which a signature is added; nil if there is
// none, or one about another image, such as an older build. What cannot be read is not to be lost.
func Earlier(path string, digest artifact.Digest) (*dsse.Envelope, error) {
	e, s, err := Load(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("%w; it would be written over: remove it, or name another file with -o", err)
	case !s.About(digest):
		return nil, nil
	}
	return e, nil
}

// Signer signs with a private key, or through a command for which key is the public one.
func (k Keys) Signer(key string, command []string) (*Signer, error) {
	if len(command) == 0 {
		return k.Private(key)
	}
	public, err := k.Public(key)
	if err != nil {
		return nil, err
	}
	return Command(command, public), nil
}
