package artifact

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
)

// Path returns where the sidecar of an image lies.
func Path(imagePath string) string { return imagePath + ".json" }

// Load reads the sidecar at path, strictly, see Decode. A file that is no
// sidecar gives a *FormatError.
func Load(path string) (*Sidecar, error) {
	data, err := readLimited(path)
	if err != nil {
		return nil, err
	}
	s, err := decode(data)
	if err != nil {
		return nil, &FormatError{File: path, Err: err}
	}
	return s, nil
}

func readLimited(path string) ([]byte, error) {
	// A FIFO of that name would keep us waiting.
	if info, err := os.Stat(path); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, &FormatError{File: path, Err: errors.New("it is no regular file")}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, MaxSize+1))
}

// A MismatchError says that a sidecar describes another image.
type MismatchError struct {
	Image, Sidecar string // paths
	Got, Want      Image  // what the image is, what the sidecar says
}

func (e *MismatchError) Error() string {
	return fmt.Sprintf("%s describes an image of %d bytes, sha256 %s, but %s has %d bytes, sha256 %s; build the image again, or remove the sidecar",
		e.Sidecar, e.Want.Size, e.Want.SHA256.Short(), e.Image, e.Got.Size, e.Got.SHA256.Short())
}

// ForImage loads the sidecar that lies beside an image and checks that it is
// this image's: a *MismatchError if not. Without a sidecar the error is
// fs.ErrNotExist.
func ForImage(imagePath string) (*Sidecar, error) {
	s, err := Load(Path(imagePath))
	if err != nil {
		return nil, err
	}
	f, err := os.Open(imagePath)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	got, err := Identify(f)
	if err != nil {
		return nil, err
	}
	if got != s.Image {
		return nil, &MismatchError{Image: imagePath, Sidecar: Path(imagePath), Got: got, Want: s.Image}
	}
	return s, nil
}

// Identify reads an image to its end and returns its identity.
func Identify(r io.Reader) (Image, error) {
	h := sha256.New()
	n, err := io.Copy(h, r)
	if err != nil {
		return Image{}, err
	}
	return Image{SHA256: Digest(h.Sum(nil)), Size: n}, nil
}
