//go:build linux

package deploy

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"

	"rules_romfs/packager/deploy/deploytest"
	"rules_romfs/packager/romfs"
	"rules_romfs/packager/simboard"
)

// extensible are the firmware's modules in the place of which files of the same name are
// imported; shadowed is everything that the program on the board might import, and more.
const extensible = "io os select machine hashlib binascii struct time array collections errno json re random"

var shadowed = strings.Fields(extensible + " sys vfs deflate uctypes gc micropython builtins")

// TestShadowedModules deploys again and again to boards whose own files are called like the
// firmware's modules, and have taken their place.
func TestShadowedModules(t *testing.T) {
	t.Parallel()
	file := []byte("WHOSE = 'the user'\ndata = bytes(range(100))\n")
	onBoard := map[string]string{}
	inImage := map[string][]byte{}
	for _, name := range shadowed {
		onBoard[name+".py"], onBoard["lib/"+name+".py"] = string(file), string(file)
		inImage[name+".py"] = file
	}
	imported := "import " + strings.Join(shadowed, ", ") + "\n"
	for name, boot := range map[string]string{
		"never imported":        "",
		"imported from /flash":  imported,
		"imported from /rom":    "import sys\nsys.path.insert(0, '/rom')\n" + imported,
		"from the ROM's folder": "import os\nos.chdir('/rom')\n" + imported,
		"put into sys.modules":  "import sys, io as user\nfor name in '" + extensible + "'.split():\n    sys.modules[name] = user\n",
		"names of built-ins":    "len = min = max = range = bytes = bytearray = memoryview = str = int = sum = chr = isinstance = hasattr = getattr = map = print = None\n",
	} {
		for _, driver := range []string{"", "rp2"} {
			t.Run(fmt.Sprintf("%s-%s", name, driver), func(t *testing.T) {
				t.Parallel()
				files := maps.Clone(onBoard)
				files["boot.py"] = boot
				b := deploytest.Start(t, simboard.Options{Files: files, Partitions: []simboard.Partition{{Driver: driver, Size: 1 << 17}}})
				for version := range 3 {
					image := maps.Clone(inImage)
					image["app.py"] = deploytest.Code(uint64(version), 5000)
					r := request(t, b, deploytest.Image(t, romfs.Options{}, image))
					if _, err := Run(context.Background(), r); err != nil {
						t.Fatalf("version %d: %v", version, err)
					}
					if !bytes.HasPrefix(b.Contents(0), r.Image) {
						t.Errorf("version %d: the flash holds something else", version)
					}
				}
			})
		}
	}
}
