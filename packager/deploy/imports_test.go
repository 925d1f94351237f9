//go:build linux

package deploy

import (
	"context"
	"errors"
	"strings"
	"testing"

	"rules_romfs/packager/romfs"
	"rules_romfs/packager/simboard"
)

func TestImports(t *testing.T) {
	t.Parallel()
	b := startBoard(t, simboard.Options{})
	image := build(t, romfs.Options{}, map[string][]byte{
		"app.py":    []byte("import helper\nprint('~noise|1~')\n"),
		"helper.py": []byte("X = 1\n"),
		"broken.py": []byte("import helper\nraise ValueError(helper.X)\n"),
	})
	for _, test := range []struct {
		module, file, err string
	}{
		{module: "app", file: "/rom/app.py"},
		{module: "broken", err: "importing broken: the board raised ValueError: 1"},
		{module: "missing", err: "importing missing: the board raised ImportError"},
		{module: "sys", err: "sys is a module of the firmware's own"},
	} {
		r := request(t, b, image)
		r.Imports = []string{test.module}
		result, err := Run(context.Background(), r)
		if test.err != "" {
			var verify *VerifyError
			if !errors.As(err, &verify) || !strings.Contains(err.Error(), test.err) {
				t.Errorf("importing %s: %v, want %q", test.module, err, test.err)
			}
			continue
		}
		if err != nil || len(result.Imported) != 1 || result.Imported[0] != (Imported{test.module, test.file}) {
			t.Errorf("importing %s: %+v, %v", test.module, result.Imported, err)
		}
	}
}
