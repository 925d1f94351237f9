//go:build linux

package deploy

import (
	"context"
	"testing"

	"rules_romfs/packager/deploy/deploytest"
	"rules_romfs/packager/romfs"
	"rules_romfs/packager/simboard"
)

func TestDeploy(t *testing.T) {
	t.Parallel()
	b := deploytest.Start(t, simboard.Options{})
	image := deploytest.Image(t, romfs.Options{}, map[string][]byte{"app.py": []byte("print('hello')\n"), "data.bin": deploytest.Random(1, 50000)})
	r := request(t, b, image)
	result, err := Run(context.Background(), r)
	t.Logf("%+v", result)
	if err != nil {
		t.Fatal(err)
	}
	result, err = Run(context.Background(), r)
	t.Logf("%+v", result)
	if err != nil || result.Status != Unchanged {
		t.Fatal(err)
	}
}
