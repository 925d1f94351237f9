package transform_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"rules_romfs/packager/artifact"
	"rules_romfs/packager/pack"
	"rules_romfs/packager/report"
)

var discard = report.Discard()

const velaManifest = `version: 1
name: models
board: openmv-ae3
layout: openmv
files:
  - src: models/*.tflite
    dest: models/
    transform: vela
  - src: models/*.txt
    dest: models/
`

// onPath makes the folder of a program all that PATH begins with.
func onPath(t *testing.T, program string) {
	t.Setenv("PATH", filepath.Dir(program)+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// project writes a manifest with the model, and returns the manifest's path.
func project(t *testing.T, manifest string, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	files["romfs.yaml"] = []byte(manifest)
	for name, data := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "romfs.yaml")
}

func model(t *testing.T) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "model.tflite"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// build returns the image with its sidecar.
func build(t *testing.T, o pack.Options) (*pack.Image, []byte, *artifact.Sidecar) {
	t.Helper()
	o.Getenv, o.Offline = func(string) string { return "" }, true
	if o.Reporter == nil {
		o.Reporter = discard
	}
	im, err := pack.Build(t.Context(), o)
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
	return im, b.Bytes(), s
}

// content cuts a file out of an image.
func content(t *testing.T, image []byte, s *artifact.Sidecar, path string) ([]byte, artifact.File) {
	t.Helper()
	i := slices.IndexFunc(s.Files, func(f artifact.File) bool { return f.Path == path })
	if i < 0 {
		t.Fatalf("no %s in the image", path)
	}
	f := s.Files[i]
	return image[f.Offset : f.Offset+f.Size], f
}
