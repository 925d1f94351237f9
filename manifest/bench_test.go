package manifest

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"rules_romfs/manifest/internal/source"
)

// bigSource returns n declared files, a hundred in a directory.
func bigSource(tb testing.TB, n int) Source {
	tb.Helper()
	files := make(map[string]string, n)
	for i := range n {
		name := fmt.Sprintf("src/p%03d/m%05d.py", i/100, i)
		files[name] = name
	}
	src, err := ListSource(files, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return src
}

const manyPatterns = `version: 1
name: big
exclude: ["**/*_test.py", "**/*.md"]
align:
  - {match: "**/*.tflite", to: 32}
  - {match: "**/*.bin", to: 16}
lint: {allow: [unused]}
files:
  - {src: "src/**/*.tflite", dest: models/, optional: true}
  - {src: "{a,b,c}/**/*.py", dest: lib/, optional: true}
  - src: src/**/*.py
    dest: /
    exclude: [src/dev/**]
  - {src: "**/*.json", dest: data/, optional: true}
`

// manyLiterals is a manifest as generators write it.
func manyLiterals(n int) []byte {
	var b strings.Builder
	b.WriteString("version: 1\nname: big\nfiles:\n")
	for i := range n {
		name := fmt.Sprintf("src/p%03d/m%05d.py", i/100, i)
		fmt.Fprintf(&b, "  - {src: %q, dest: %q, mpy: {optimize: 1}}\n", name, strings.TrimPrefix(name, "src/"))
	}
	return []byte(b.String())
}

// BenchmarkResolve shows that the cost grows linearly with the files; compare
// the time per file of the sizes.
func BenchmarkResolve(b *testing.B) {
	for _, n := range []int{1_000, 5_000, 20_000} {
		src := bigSource(b, n)
		for name, text := range map[string][]byte{"patterns": []byte(manyPatterns), "literals": manyLiterals(n)} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				for b.Loop() {
					m, err := Parse(text, "romfs.yaml")
					if err != nil {
						b.Fatal(err)
					}
					p, _, err := Resolve(context.Background(), m, src, ResolveOptions{})
					if err != nil || len(p.Entries) != n {
						b.Fatal(len(p.Entries), err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/file")
			})
		}
	}
}

// BenchmarkDirSource resolves a tree on disk, the walk included.
func BenchmarkDirSource(b *testing.B) {
	const n = 20_000
	root := b.TempDir()
	writeBig(b, root, n)
	m, err := Parse([]byte(manyPatterns), filepath.Join(root, "romfs.yaml"))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if p, _, err := Resolve(context.Background(), m, nil, ResolveOptions{}); err != nil || len(p.Entries) != n {
			b.Fatal(err)
		}
	}
}

// A walk lists each directory once, whatever the patterns, and none where no
// pattern can match.
func TestWalkListsOnce(t *testing.T) {
	src := &countingSource{Source: bigSource(t, 1000), count: map[string]int{}}
	m, err := Parse([]byte(head+`files:
  - src: ["src/p00[1-3]/*.py", "src/p00{2,3}/**/*.py", src/p005/m00500.py, "src/p00?/*7.py"]
    exclude: ["**/*9.py"]
`), "romfs.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := Resolve(context.Background(), m, src, ResolveOptions{}); err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		if dir := fmt.Sprintf("src/p%03d", i); src.count[dir] != 1 {
			t.Errorf("%s was listed %d times", dir, src.count[dir])
		}
	}
	src.count = map[string]int{}
	m, err = Parse([]byte(head+"files:\n  - src: src/p001/**\n"), "romfs.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := Resolve(context.Background(), m, src, ResolveOptions{}); err != nil {
		t.Fatal(err)
	}
	if len(src.count) != 3 { // root, src, src/p001
		t.Errorf("listed %v", src.count)
	}
}

type countingSource struct {
	Source
	count map[string]int
}

func (s *countingSource) ReadDir(dir string) ([]source.Info, error) {
	s.count[dir]++
	return s.Source.ReadDir(dir)
}
