package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// modules returns a tree of n modules of about 2.9 kB each in packages of 20,
// made anew with the same bytes by every run of the program.
func (b *bench) modules(n int) (string, error) {
	return b.once(fmt.Sprintf("modules-%d", n), func(dir string) error { return fill(dir, n) })
}

func fill(dir string, modules int) error {
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range modules {
		pkg := filepath.Join(dir, fmt.Sprintf("pkg%03d", i/20))
		if i%20 == 0 {
			if err := os.Mkdir(pkg, 0o777); err != nil {
				return err
			}
		}
		if err := os.WriteFile(filepath.Join(pkg, fmt.Sprintf("m%05d.py", i)), module(rng, i), 0o666); err != nil {
			return err
		}
	}
	return nil
}

const moduleSize = 2900

// module returns a driver as they are written for boards: imports, constants, a
// class with some methods, and docstrings.
func module(rng *rand.Rand, i int) []byte {
	src := fmt.Appendf(nil, "\"\"\"Driver %d.\"\"\"\nimport time\nfrom micropython import const\n\n_ADDR = const(%d)\n_SCALE = %d.%d\n\n\nclass Sensor%d:\n    def __init__(self, bus, addr=_ADDR):\n        self.bus = bus\n        self.addr = addr\n        self.cache = {}\n", i, rng.IntN(128), rng.IntN(10), rng.IntN(1000), i)
	for m := 0; len(src) < moduleSize; m++ {
		src = fmt.Appendf(src, "\n    def read_%d(self, channel, retries=%d):\n        \"\"\"Register %#x, scaled.\"\"\"\n        for attempt in range(retries):\n            try:\n                raw = self.bus.readfrom_mem(self.addr, %d + channel, 2)\n                value = (raw[0] << 8 | raw[1]) * _SCALE - %d\n                self.cache[channel] = value\n                return value\n            except OSError as e:\n                time.sleep_ms(%d * attempt)\n        raise RuntimeError('sensor %d: channel %%d' %% channel)\n",
			m, 1+rng.IntN(5), rng.IntN(256), rng.IntN(200), rng.IntN(1000), rng.IntN(50), i)
	}
	return src
}

// files returns a tree of n files of 200 bytes without code, 100 in a folder.
func (b *bench) files(n int) (string, error) {
	return b.once(fmt.Sprintf("files-%d", n), func(dir string) error {
		data := make([]byte, 200)
		rng := rand.NewChaCha8([32]byte{3})
		for i := range n {
			sub := filepath.Join(dir, fmt.Sprintf("d%03d", i/100))
			if i%100 == 0 {
				if err := os.Mkdir(sub, 0o777); err != nil {
					return err
				}
			}
			if _, err := rng.Read(data); err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(sub, fmt.Sprintf("f%05d.bin", i)), data, 0o666); err != nil {
				return err
			}
		}
		return nil
	})
}

// models returns a tree that makes an image of about 24 MiB: a dozen models
// and some hundred small files.
func (b *bench) models() (string, error) {
	return b.once("models", func(dir string) error {
		rng := rand.NewChaCha8([32]byte{4})
		put := func(name string, size int) error {
			data := make([]byte, size)
			if _, err := rng.Read(data); err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir, name), data, 0o666)
		}
		for i := range 12 {
			if err := put(fmt.Sprintf("model%02d.tflite", i), 2<<20-8192); err != nil {
				return err
			}
		}
		for i := range 300 {
			if err := put(fmt.Sprintf("label%03d.txt", i), 200); err != nil {
				return err
			}
		}
		return nil
	})
}

// once makes a folder by that name, unless an earlier case has.
func (b *bench) once(name string, fill func(dir string) error) (string, error) {
	if dir := b.made[name]; dir != "" {
		return dir, nil
	}
	dir := filepath.Join(b.dir, name)
	if err := os.Mkdir(dir, 0o777); err != nil {
		return "", err
	}
	b.made[name] = dir
	return dir, fill(dir)
}
