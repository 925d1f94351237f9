package bazel

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"rules_romfs/internal/smallfile"
	"rules_romfs/packager/artifact"
)

// A module is what a compile action makes of one Python source: the bytecode
// for each of its destinations, then the source itself if the image has that,
// too or only; and the source's digest, which the sidecar has. So the pack
// action has one input a module instead of two, which halves what Bazel puts
// into its sandbox, or sends to another machine.
type module struct {
	parts  [][]byte
	source artifact.Digest
}

// encode returns the file of a module: nearly always its one part, so that
// firmware loads the file, and behind it the digest. Several parts have their
// lengths in front, as unsigned varints.
func (m module) encode() []byte {
	var out []byte
	for _, part := range m.parts {
		if len(m.parts) > 1 {
			out = binary.AppendUvarint(out, uint64(len(part)))
		}
		out = append(out, part...)
	}
	return append(out, m.source[:]...)
}

// maxModule bounds the bytes of such a file: more than any compiler takes or
// makes.
const maxModule = 1 << 30

var errModule = errors.New("what was compiled is not what the plan says; build again")

// readModule reads the file of a module with n parts.
func readModule(path string, n int) (module, error) {
	data, _, err := smallfile.Read(path, maxModule)
	if err != nil {
		return module{}, err
	}
	return decodeModule(data, n)
}

func decodeModule(data []byte, n int) (module, error) {
	var m module
	if len(data) < sha256.Size {
		return m, errModule
	}
	end := len(data) - sha256.Size
	copy(m.source[:], data[end:])
	data = data[:end:end]
	if n == 1 {
		m.parts = [][]byte{data}
		return m, nil
	}
	for range n {
		size, width := binary.Uvarint(data)
		if width <= 0 || size > uint64(len(data)-width) {
			return m, errModule
		}
		end := width + int(size)
		m.parts = append(m.parts, data[width:end:end])
		data = data[end:]
	}
	if len(data) > 0 {
		return m, errModule
	}
	return m, nil
}
