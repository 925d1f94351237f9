package export

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
)

// Read returns what a file in a format puts where: the address of the first
// byte, 0 for Raw, and all bytes, without a gap. It checks whatever the format
// has to check itself by, and shares no code with Write.
func Read(file []byte, f Format) (address uint64, content []byte, err error) {
	switch f {
	case Raw:
		return 0, file, nil
	case DfuSe:
		address, content, err = readDfuSe(file)
	case UF2:
		address, content, err = readUF2(file)
	case Hex:
		address, content, err = readHex(file)
	default:
		return 0, nil, fmt.Errorf("%q is no format", f)
	}
	if err != nil {
		return 0, nil, fmt.Errorf("no %s file: %w", f, err)
	}
	return address, content, nil
}

func readDfuSe(file []byte) (uint64, []byte, error) {
	const element = 11 + 274 + 8 // where the content of the first begins
	le := binary.LittleEndian
	n := len(file)
	switch {
	case n < element+16 || !bytes.HasPrefix(file, []byte("DfuSe\x01")) || string(file[n-8:n-4]) != "UFD\x10":
		return 0, nil, errors.New("no prefix or suffix")
	case le.Uint32(file[n-4:]) != ^crc32.ChecksumIEEE(file[:n-4]):
		return 0, nil, errors.New("a wrong checksum")
	case file[10] != 1 || le.Uint32(file[11+270:]) != 1:
		return 0, nil, errors.New("not one target of one element")
	}
	size := int(le.Uint32(file[element-4:]))
	if element+size+16 != n || int(le.Uint32(file[6:])) != n || int(le.Uint32(file[11+266:])) != 8+size {
		return 0, nil, errors.New("sizes that contradict each other")
	}
	return uint64(le.Uint32(file[element-8:])), file[element : element+size], nil
}

func readUF2(file []byte) (uint64, []byte, error) {
	le := binary.LittleEndian
	count := len(file) / 512
	if count == 0 || len(file)%512 != 0 {
		return 0, nil, errors.New("no whole blocks")
	}
	first := uint64(le.Uint32(file[12:]))
	var content []byte
	for i := range count {
		block := file[i*512:][:512]
		size := le.Uint32(block[16:])
		switch {
		case string(block[:4]) != "UF2\n" || le.Uint32(block[4:]) != 0x9e5d5157 || le.Uint32(block[508:]) != 0x0ab16f30:
			return 0, nil, fmt.Errorf("block %d has no magic", i)
		case int(le.Uint32(block[20:])) != i || int(le.Uint32(block[24:])) != count || size > 476:
			return 0, nil, fmt.Errorf("block %d is counted otherwise", i)
		case uint64(le.Uint32(block[12:])) != first+uint64(len(content)):
			return 0, nil, fmt.Errorf("block %d does not follow the one before it", i)
		}
		content = append(content, block[32:32+size]...)
	}
	return first, content, nil
}

func readHex(file []byte) (uint64, []byte, error) {
	var upper, first uint64
	var content []byte
	ended := false
	lines := bufio.NewScanner(bytes.NewReader(file))
	for number := 1; lines.Scan(); number++ {
		line := lines.Text()
		bad := func(what string) (uint64, []byte, error) {
			return 0, nil, fmt.Errorf("line %d %s", number, what)
		}
		if ended || len(line) == 0 || line[0] != ':' {
			return bad("is no record")
		}
		record, err := hex.DecodeString(line[1:])
		if err != nil || len(record) < 5 || int(record[0]) != len(record)-5 {
			return bad("is no record")
		}
		sum := byte(0)
		for _, b := range record {
			sum += b
		}
		if sum != 0 {
			return bad("has a wrong checksum")
		}
		data := record[4 : len(record)-1]
		switch kind := record[3]; {
		case kind == 0:
			at := upper + uint64(binary.BigEndian.Uint16(record[1:]))
			if content == nil {
				first = at
			}
			if at != first+uint64(len(content)) {
				return bad("does not follow the one before it")
			}
			content = append(content, data...)
		case kind == 1 && len(data) == 0:
			ended = true
		case kind == 4 && len(data) == 2:
			upper = uint64(binary.BigEndian.Uint16(data)) << 16
		default:
			return bad("is of a kind that no image needs")
		}
	}
	if err := lines.Err(); err != nil {
		return 0, nil, err
	}
	if !ended {
		return 0, nil, errors.New("no last record")
	}
	return first, content, nil
}
