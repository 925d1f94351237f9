// Command pack_table turns a table of comma-separated numbers into the pairs of
// little-endian 16-bit integers that firmware reads in place.
//
//	pack_table TABLE.csv TABLE.bin SCALE.txt
//
// The second number of each line is multiplied by the one in SCALE.txt.
package main

import (
	"encoding/binary"
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: pack_table TABLE.csv TABLE.bin SCALE.txt")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "pack_table:", err)
		os.Exit(1)
	}
}

func run(table, out, scaleFile string) error {
	text, err := os.ReadFile(scaleFile)
	if err != nil {
		return err
	}
	scale, err := strconv.ParseFloat(strings.TrimSpace(string(text)), 64)
	if err != nil {
		return fmt.Errorf("%s: %w", scaleFile, err)
	}
	file, err := os.Open(table)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := csv.NewReader(file)
	lines.FieldsPerRecord, lines.TrimLeadingSpace = 2, true
	rows, err := lines.ReadAll()
	if err != nil {
		return fmt.Errorf("%s: %w", table, err)
	}
	var data []byte
	for i, row := range rows {
		for j, factor := range []float64{1, scale} {
			v, err := strconv.ParseFloat(row[j], 64)
			if err != nil {
				return fmt.Errorf("%s:%d: %w", table, i+1, err)
			}
			if v = math.Round(v * factor); v != float64(int16(v)) {
				return fmt.Errorf("%s:%d: %s does not fit 16 bits", table, i+1, row[j])
			}
			data = binary.LittleEndian.AppendUint16(data, uint16(int16(v)))
		}
	}
	return os.WriteFile(out, data, 0o666)
}
