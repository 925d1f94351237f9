package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// reportSize is that of the page that the case report has made, in bytes.
var reportSize int64

// largestReport is what the project has set itself for an image of 5,000 files.
const largestReport = 3_000_000

// reports draws an image of 24 MiB with 5,000 files, alone and beside an older one.
func reports(b *bench) ([]contestant, error) {
	dir, err := b.once("many", func(dir string) error { return fillMany(dir, 5000, 24<<20) })
	if err != nil {
		return nil, err
	}
	image, older, page := filepath.Join(b.dir, "many.romfs"), filepath.Join(b.dir, "older.romfs"), filepath.Join(b.dir, "report.html")
	options := []string{"--no-mpy", "--board", "openmv-n6", dir}
	if _, err := (&contestant{args: b.build(b.cache("none"), older, options...)}).run(); err != nil {
		return nil, err
	}
	// The first file grows, so that everything moves.
	f, err := os.OpenFile(filepath.Join(dir, "d000", "f00000.bin"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	_, err = f.WriteString("ten bytes.")
	if err := f.Close(); err != nil {
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	if _, err := (&contestant{args: b.build(b.cache("none"), image, options...)}).run(); err != nil {
		return nil, err
	}
	small := func() error {
		info, err := os.Stat(page)
		if err != nil {
			return err
		}
		if reportSize = max(reportSize, info.Size()); reportSize > largestReport {
			return fmt.Errorf("the page has %d bytes", reportSize)
		}
		return nil
	}
	args := []string{b.romfs, "report", image, "-o", page}
	return []contestant{
		{name: "romfs report", args: args, after: small},
		{name: "romfs report --base", args: append(args[:len(args):len(args)], "--base", older), after: small},
	}, nil
}

// fillMany makes n files of size bytes together, 100 in a folder.
func fillMany(dir string, n, size int) error {
	rng := rand.New(rand.NewPCG(5, 6))
	chacha := rand.NewChaCha8([32]byte{5})
	for i := range n {
		sub := filepath.Join(dir, fmt.Sprintf("d%03d", i/100))
		if i%100 == 0 {
			if err := os.Mkdir(sub, 0o777); err != nil {
				return err
			}
		}
		data := make([]byte, 1+rng.IntN(2*size/n-200)) // the rest is for heads and names
		if _, err := chacha.Read(data); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(sub, fmt.Sprintf("f%05d.bin", i)), data, 0o666); err != nil {
			return err
		}
	}
	return nil
}

func pageSize(map[string]sample) []figure {
	return []figure{{"size of the page", float64(reportSize) / 1e6, "MB"}}
}
