package romfs_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"rules_romfs/packager/romfs"
)

// deep nests n directories, of which the innermost holds children.
func deep(name string, n int, children ...*romfs.Node) *romfs.Node {
	d := dir(name, children...)
	for range n - 1 {
		d = dir(name, d)
	}
	return d
}

// TestLimits: what every reader refuses is not laid out, and the error is short
// whatever the path.
func TestLimits(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 20_000)
	var many []*romfs.Node
	for i := range 300 {
		top := deep("d", 900)
		top.Name = fmt.Sprint(i)
		many = append(many, top)
	}
	var names []*romfs.Node
	for i := range romfs.MaxPaths/len(long) + 1 {
		names = append(names, file(fmt.Sprint(long, i), ""))
	}
	for name, tc := range map[string]struct {
		root *romfs.Node
		want string
	}{
		"depth":             {dir("", deep("d", romfs.MaxDepth+1)), "nest deeper than 1000"},
		"long names, depth": {dir("", deep(long[:9000], romfs.MaxDepth+1)), "add up to more than 64 MiB"},
		"paths of dirs":     {dir("", many...), "add up to more than 64 MiB"},
		"paths of files":    {dir("", names...), "add up to more than 64 MiB"},
	} {
		_, err := romfs.NewPlan(tc.root, romfs.Options{})
		var tree *romfs.TreeError
		if !errors.As(err, &tree) || !strings.Contains(err.Error(), tc.want) || len(err.Error()) > 300 {
			t.Errorf("%s: %.400v", name, err)
		}
	}
	if _, err := romfs.NewPlan(dir("", deep("d", romfs.MaxDepth)), romfs.Options{}); err != nil {
		t.Errorf("as deep as may be: %v", err)
	}
	if _, err := romfs.NewPlan(dir("", names[:romfs.MaxPaths/(len(long)+4)]...), romfs.Options{}); err != nil {
		t.Errorf("as long as may be: %.300v", err)
	}
	// To the byte: "dd", and files in it.
	exact, left := []*romfs.Node{{Record: true, Size: 2}}, romfs.MaxPaths-len("dd") // a record has no path
	for i := 0; left > 0; i++ {
		n := min(left, len(long))
		exact, left = append(exact, file(fmt.Sprintf("%0*d", n-len("dd/"), i), "")), left-n
	}
	if _, err := romfs.NewPlan(dir("", dir("dd", exact...)), romfs.Options{}); err != nil {
		t.Errorf("as long as may be, to the byte: %.300v", err)
	}
	exact[1].Name += "0"
	if _, err := romfs.NewPlan(dir("", dir("dd", exact...)), romfs.Options{}); err == nil {
		t.Error("a byte more")
	}
}

// TestTooLarge: an image that no board can address has an error of its own.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	huge := func(name string, size int64) *romfs.Node {
		return &romfs.Node{Name: name, Size: size, Open: func() (io.ReadCloser, error) { return nil, errors.New("not read") }}
	}
	var size *romfs.SizeError
	_, err := romfs.NewPlan(dir("", huge("a", 3<<30), huge("b", 2<<30)), romfs.Options{})
	if !errors.As(err, &size) || size.Size < 5<<30 || size.Size > 5<<30+64 {
		t.Errorf("5 GiB: %v", err)
	}
	var tree *romfs.TreeError
	if _, err = romfs.NewPlan(dir("", huge("a", 5<<30)), romfs.Options{}); !errors.As(err, &tree) {
		t.Errorf("a file of 5 GiB: %v", err)
	}
}
