package bazel

import (
	"encoding/binary"
	"errors"
)

// joinCompiled puts the results of one compile action into one file. Nearly
// always there is one, which is the file; several get their lengths in front,
// as unsigned varints.
func joinCompiled(code [][]byte) []byte {
	if len(code) == 1 {
		return code[0]
	}
	var out []byte
	for _, c := range code {
		out = binary.AppendUvarint(out, uint64(len(c)))
		out = append(out, c...)
	}
	return out
}

var errCompiled = errors.New("what was compiled is not what the plan says; build again")

// splitCompiled undoes joinCompiled for n results.
func splitCompiled(data []byte, n int) ([][]byte, error) {
	if n == 1 {
		return [][]byte{data}, nil
	}
	var code [][]byte
	for range n {
		size, width := binary.Uvarint(data)
		if width <= 0 || size > uint64(len(data)-width) {
			return nil, errCompiled
		}
		code = append(code, data[width:width+int(size)])
		data = data[width+int(size):]
	}
	if len(data) > 0 {
		return nil, errCompiled
	}
	return code, nil
}
