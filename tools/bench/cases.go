package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// A benchCase is one thing that is measured.
type benchCase struct {
	name    string
	target  string // what the project has set itself
	cost    int    // how many times fewer rounds than asked for
	least   int    // rounds, however few are asked for; 0: 3
	prepare func(*bench) ([]contestant, error)
	figures func(median map[string]sample) []figure
}

const (
	ours  = "romfs build"
	peers = "mpremote romfs build"
)

var cases = []benchCase{
	{"nocompile", "at least 5 times faster than mpremote", 1, 0, noCompile, faster},
	{"cold", "at least 2 times faster than mpremote on 2 cores", 3, 0, cold, faster},
	{"unchanged", "at least 40 times faster than mpremote", 1, 0, unchanged, faster},
	{"onechanged", "one compile", 1, 0, oneChanged, faster},
	{"verify", "500 MB/s or more for a 24 MiB image", 1, 0, verify, throughput},
	{"import", "300 MB/s or more for a 24 MiB partition of models", 1, 0, imports, importThroughput},
	{"ls", "under 20 ms for a 24 MiB image", 1, 0, list, nothing},
	{"report", "under 2 s and 3 MB for 24 MiB and 5,000 files", 1, 0, reports, pageSize},
	{"memory", "at most twice the image and 40 MiB", 1, 0, memory, headroom},
	{"scaling", "time linear in the number of files", 2, 0, scaling, perFile},
	{"watch", "from save to imported: 1.0 s over USB, 2.5 s at 115200 baud", 1, 20, watches, nothing},
}

// faster says how many times faster we are than the peer.
func faster(m map[string]sample) []figure {
	return []figure{{"times faster", float64(m[peers].Wall) / float64(m[ours].Wall), "by the clock"},
		{"times less work", float64(m[peers].CPU) / float64(m[ours].CPU), "by processor time"}}
}

func nothing(map[string]sample) []figure { return nil }

func (b *bench) build(cache, out string, args ...string) []string {
	return append([]string{b.romfs, "build", "--progress", "none", "--cache-dir", cache, "-o", out}, args...)
}

func (b *bench) peer(out, dir string, options ...string) []string {
	return append(append(append([]string{}, b.mpremote...), options...), "-o", out, "build", dir)
}

// noCompile packs 1,000 modules as they are; both images must be the same.
func noCompile(b *bench) ([]contestant, error) {
	dir, err := b.modules(1000)
	if err != nil {
		return nil, err
	}
	a, z := filepath.Join(b.dir, "a.romfs"), filepath.Join(b.dir, "z.romfs")
	same := func() error {
		x, err := os.ReadFile(a)
		if err != nil {
			return err
		}
		y, err := os.ReadFile(z)
		if err != nil {
			return err
		}
		if !bytes.Equal(x, y) {
			return fmt.Errorf("the images differ: %d and %d bytes", len(x), len(y))
		}
		return nil
	}
	return []contestant{
		{name: ours, args: b.build(b.cache("none"), a, "--no-mpy", dir)},
		{name: peers, args: b.peer(z, dir, "--no-mpy"), after: same},
	}, nil
}

func (b *bench) cache(name string) string { return filepath.Join(b.dir, "cache-"+name) }

// cold compiles 1,000 modules with nothing in the cache.
func cold(b *bench) ([]contestant, error) {
	dir, err := b.modules(1000)
	if err != nil {
		return nil, err
	}
	cache := b.cache("cold")
	fresh := func() error { return os.RemoveAll(cache) }
	return []contestant{
		{name: ours, args: b.build(cache, filepath.Join(b.dir, "a.romfs"), dir), before: fresh},
		{name: peers, args: b.peer(filepath.Join(b.dir, "z.romfs"), dir)},
	}, nil
}

// warm fills a cache.
func (b *bench) warm(name, dir string) (contestant, error) {
	c := contestant{name: ours, args: b.build(b.cache(name), filepath.Join(b.dir, "a.romfs"), dir)}
	for range 2 { // the second run remembers the compiler
		if _, err := c.run(); err != nil {
			return c, err
		}
	}
	return c, nil
}

// unchanged builds again what has just been built.
func unchanged(b *bench) ([]contestant, error) {
	dir, err := b.modules(1000)
	if err != nil {
		return nil, err
	}
	c, err := b.warm("warm", dir)
	return []contestant{c, {name: peers, args: b.peer(filepath.Join(b.dir, "z.romfs"), dir)}}, err
}

// oneChanged edits one module of 1,000 before each build.
func oneChanged(b *bench) ([]contestant, error) {
	dir, err := b.modules(1000)
	if err != nil {
		return nil, err
	}
	c, err := b.warm("warm", dir)
	edits := 0
	edit := func() error {
		edits++
		f, err := os.OpenFile(filepath.Join(dir, "pkg025", "m00500.py"), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(f, "EDIT = %d\n", edits)
		if err := f.Close(); err != nil {
			return err
		}
		return err
	}
	c.before = edit
	return []contestant{c, {name: peers, args: b.peer(filepath.Join(b.dir, "z.romfs"), dir), before: edit}}, err
}

// image makes an image of about 24 MiB.
func (b *bench) image() (string, error) {
	dir, err := b.models()
	if err != nil {
		return "", err
	}
	out := filepath.Join(b.dir, "models.romfs")
	_, err = (&contestant{args: b.build(b.cache("none"), out, dir)}).run()
	return out, err
}

func verify(b *bench) ([]contestant, error) {
	image, err := b.image()
	return []contestant{{name: "romfs verify", args: []string{b.romfs, "verify", image}}, {name: "romfs version", args: []string{b.romfs, "version"}}}, err
}

const imageMB = 24 * (1 << 20) / 1e6

func throughput(m map[string]sample) []figure {
	return []figure{
		{"whole process", imageMB / m["romfs verify"].Wall.Seconds(), "MB/s"},
		{"beyond the start of a process", imageMB / max(m["romfs verify"].Wall-m["romfs version"].Wall, time.Microsecond).Seconds(), "MB/s"},
	}
}

func list(b *bench) ([]contestant, error) {
	image, err := b.image()
	return []contestant{{name: "romfs ls", args: []string{b.romfs, "ls", image}}, {name: "romfs ls --long", args: []string{b.romfs, "ls", "--long", image}}}, err
}

func memory(b *bench) ([]contestant, error) {
	models, err := b.models()
	if err != nil {
		return nil, err
	}
	modules, err := b.modules(1000)
	if err != nil {
		return nil, err
	}
	c, err := b.warm("warm", modules)
	c.name = "1,000 modules, 1 MiB"
	return []contestant{{name: "models, 24 MiB", args: b.build(b.cache("none"), filepath.Join(b.dir, "m.romfs"), models)}, c}, err
}

const (
	importing = "romfs import"
	building  = "romfs build of it"
)

// imports turns an OpenMV configuration of a partition of models into a manifest, and
// builds that.
func imports(b *bench) ([]contestant, error) {
	models, err := b.models()
	if err != nil {
		return nil, err
	}
	config, m := filepath.Join(b.dir, "romfs_config.json"), filepath.Join(b.dir, "imported.yaml")
	text := `{"0": {"size": "0x1900000", "entries": [{"type": "data", "path": "{TOP}/*", "alignment": 32}]}}`
	if err := os.WriteFile(config, []byte(text), 0o666); err != nil {
		return nil, err
	}
	return []contestant{
		{name: importing, args: []string{b.romfs, "import", "--progress", "none", "--top", models, "--force", "-o", m, config}},
		{name: building, args: b.build(b.cache("none"), filepath.Join(b.dir, "i.romfs"), m)},
	}, nil
}

func importThroughput(m map[string]sample) []figure {
	return []figure{{"both processes", imageMB / (m[importing].Wall + m[building].Wall).Seconds(), "MB/s"}}
}

func headroom(m map[string]sample) []figure {
	return []figure{
		{"memory beyond the image, models", float64(m["models, 24 MiB"].RSS)/(1<<20) - 24, "MiB"},
		{"memory beyond the image, modules", float64(m["1,000 modules, 1 MiB"].RSS)/(1<<20) - 1, "MiB"},
	}
}

var scales = []int{1000, 5000, 20000}

func scaling(b *bench) ([]contestant, error) {
	var all []contestant
	for _, n := range scales {
		dir, err := b.files(n)
		if err != nil {
			return nil, err
		}
		all = append(all, contestant{name: fmt.Sprintf("%d files", n), args: b.build(b.cache("none"), filepath.Join(b.dir, "s.romfs"), "--no-mpy", dir)})
		modules, err := b.modules(n)
		if err != nil {
			return nil, err
		}
		c, err := b.warm("scaling", modules)
		if err != nil {
			return nil, err
		}
		c.name = fmt.Sprintf("%d modules, unchanged", n)
		all = append(all, c)
	}
	return all, nil
}

func perFile(m map[string]sample) []figure {
	var out []figure
	for _, what := range []string{"files", "modules, unchanged"} {
		for _, n := range scales {
			name := fmt.Sprintf("%d %s", n, what)
			out = append(out, figure{name, float64(m[name].CPU.Microseconds()) / float64(n), "µs of processor time each"})
		}
	}
	return out
}
