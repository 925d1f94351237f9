package pack

import (
	"bytes"
	"crypto/sha256"
	"os"
	"path/filepath"
	"testing"

	"rules_romfs/internal/peer"
	"rules_romfs/packager/artifact"
	"rules_romfs/packager/report"
	"rules_romfs/packager/romfs"
)

// write makes a file with its directories.
func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}

// options are those of a build with the official compiler and without a cache.
func options(t testing.TB, path string) Options {
	t.Helper()
	return Options{
		Path: path, Offline: true, MPYCross: peer.MpyCross(t),
		Getenv: func(string) string { return "" }, Reporter: report.Discard(),
	}
}

// build makes an image and returns it with its bytes and sidecar.
func build(t testing.TB, o Options) (*Image, []byte, *artifact.Sidecar) {
	t.Helper()
	im, err := Build(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := im.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	s, err := im.Sidecar()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Encode(); err != nil {
		t.Errorf("the sidecar is not valid: %v", err)
	}
	// Whatever is built: the digests are those of the contents.
	parsed, err := romfs.Parse(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range s.Files {
		if content, err := parsed.ReadFile(f.Path); err != nil || !bytes.Equal(sha(content), f.SHA256[:]) {
			t.Errorf("%s: the sidecar has the digest %v of something else, %v", f.Path, f.SHA256, err)
		}
	}
	return im, b.Bytes(), s
}

// example is the manifest of the weather station.
func example(t testing.TB) string {
	return filepath.Join(peer.Root(t), "examples", "weather_station", "romfs.yaml")
}

func sha(b []byte) []byte {
	sum := sha256.Sum256(b)
	return sum[:]
}

// cancelAfter is a reporter that cancels at the first progress of a task.
type cancelAfter struct{ cancel func() }

func (c *cancelAfter) Task(string, int64, report.Unit) report.Task { return c }
func (c *cancelAfter) Log(report.Level, string)                    {}
func (c *cancelAfter) Event(string, map[string]any)                {}
func (c *cancelAfter) Add(int64)                                   { c.cancel() }
func (c *cancelAfter) Doing(string)                                {}
func (c *cancelAfter) Done()                                       {}
func (c *cancelAfter) Fail(error)                                  {}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }
