package romfs_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"testing"

	"rules_romfs/packager/romfs"
)

// benchTree has n files of 2,900 bytes in folders of 50, every tenth aligned.
func benchTree(n int) *romfs.Node {
	root := dir("")
	for i := range n {
		if i%50 == 0 {
			root.Children = append(root.Children, dir(fmt.Sprintf("package%04d", i/50)))
		}
		d := root.Children[len(root.Children)-1]
		b := bytes.Repeat([]byte(fmt.Sprintf("line %06d\n", i)), 242)
		f := &romfs.Node{
			Name: fmt.Sprintf("module%05d.mpy", i), Size: int64(len(b)), Sum: sha256.Sum256(b),
			Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil },
		}
		if i%10 == 0 {
			f.Align = 16
		}
		d.Children = append(d.Children, f)
	}
	return root
}

func BenchmarkPlan(b *testing.B) {
	for _, n := range []int{1000, 20000} {
		root := benchTree(n)
		for _, o := range []romfs.Options{{}, {Dedup: true}, {Layout: romfs.Stable}, {Layout: romfs.OpenMV, DirAlign: 16}} {
			b.Run(fmt.Sprintf("files=%d/layout=%v/dedup=%v", n, o.Layout, o.Dedup), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := romfs.NewPlan(root, o); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	for _, n := range []int{1000, 20000} {
		p, err := romfs.NewPlan(benchTree(n), romfs.Options{})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("files=%d", n), func(b *testing.B) {
			b.SetBytes(p.Size)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.WriteTo(io.Discard); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// images24 are images of 24 MiB: of ordinary files, of a few models, and of
// nothing but tiny files.
func images24(b *testing.B) map[string][]byte {
	images := map[string][]byte{}
	_, images["files=8600"] = build(b, benchTree(8600), romfs.Options{})
	models := dir("")
	for i := range 8 {
		models.Children = append(models.Children, aligned(fmt.Sprint("model", i), string(make([]byte, 3<<20)), 32))
	}
	_, images["models=8"] = build(b, models, romfs.Options{})
	tiny := dir("")
	for i := range 800000 {
		tiny.Children = append(tiny.Children, file(fmt.Sprintf("f%06d", i), fmt.Sprintf("%016d", i)))
	}
	_, images["tiny=800000"] = build(b, tiny, romfs.Options{})
	return images
}

func BenchmarkValidate24MiB(b *testing.B) {
	for name, image := range images24(b) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(image)))
			b.ReportAllocs()
			for b.Loop() {
				if p := validate(image); p != nil {
					b.Fatal(p)
				}
			}
		})
	}
}

func BenchmarkOpenAndWalk24MiB(b *testing.B) {
	for name, image := range images24(b) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(image)))
			b.ReportAllocs()
			for b.Loop() {
				m, err := romfs.Open(bytes.NewReader(image), int64(len(image)))
				if err != nil {
					b.Fatal(err)
				}
				if err := m.Walk(func(*romfs.Entry) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkLookup reads every file of an image by its path.
func BenchmarkLookup(b *testing.B) {
	p, image := build(b, benchTree(20000), romfs.Options{})
	b.SetBytes(p.Size)
	for b.Loop() {
		m, err := romfs.Parse(image)
		if err != nil {
			b.Fatal(err)
		}
		for _, f := range p.Files {
			if _, err := fs.ReadFile(m, f.Path); err != nil {
				b.Fatal(err)
			}
		}
	}
}
