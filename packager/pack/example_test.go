package pack_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"testing/fstest"

	"rules_romfs/packager/artifact"
	"rules_romfs/packager/pack"
	"rules_romfs/packager/report"
)

// A directory becomes an image and its sidecar.
func ExampleBuild() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	source := filepath.Join(dir, "app")
	if err := os.CopyFS(source, fstest.MapFS{"main.py": {Data: []byte("print('hello')\n")}}); err != nil {
		log.Fatal(err)
	}

	ctx, quiet := context.Background(), report.Discard()
	image, err := pack.Build(ctx, pack.Options{
		Path: source, Compile: new(false), Getenv: os.Getenv, Reporter: quiet,
	})
	if err != nil {
		log.Fatal(err)
	}
	written, err := image.Save(ctx, pack.Targets{Image: filepath.Join(dir, "app.romfs")}, quiet)
	if err != nil {
		log.Fatal(err)
	}
	sidecar, err := artifact.ForImage(written[0])
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range sidecar.Files {
		fmt.Printf("%s: %d bytes at %d\n", f.Path, f.Size, f.Offset)
	}
	// Output: main.py: 15 bytes at 17
}
