package romfs_test

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"log"
	"strings"

	"rules_romfs/packager/romfs"
)

// An image with one aligned file is planned, written and read.
func Example() {
	const greeting = "hello\n"
	plan, err := romfs.NewPlan(&romfs.Node{Dir: true, Children: []*romfs.Node{{
		Name: "greeting.txt", Size: int64(len(greeting)), Align: 32,
		Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(greeting)), nil },
	}}}, romfs.Options{})
	if err != nil {
		log.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := plan.WriteTo(&b); err != nil {
		log.Fatal(err)
	}
	image, err := romfs.Parse(b.Bytes())
	if err != nil {
		log.Fatal(err)
	}
	text, err := fs.ReadFile(image, "greeting.txt")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d bytes; %s at %d: %s", plan.Size, plan.Files[0].Path, plan.Files[0].Offset, text)
	// Output: 38 bytes; greeting.txt at 32: hello
}
