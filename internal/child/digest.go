package child

import (
	"crypto/sha256"
	"errors"
	"io"
	"os"
)

// Digest returns the sha256 of a program's file, and how it begins, as far as
// Linux reads of a first line: a script names its interpreter there.
func Digest(path string) (sum [sha256.Size]byte, head []byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return sum, nil, err
	}
	defer f.Close()
	h := sha256.New()
	head = make([]byte, 256)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return sum, nil, err
	}
	h.Write(head[:n])
	if _, err := io.Copy(h, f); err != nil {
		return sum, nil, err
	}
	h.Sum(sum[:0])
	return sum, head[:n], nil
}
