// Command registry writes a Bazel registry whose modules are folders of this
// machine. Every version that any module asks for is there, as the one folder
// that stands for the module: what a machine without a registry has is one
// version of each.
//
//	registry -out DIR [-at FINAL=NOW]... [-wants MODULE.bazel]... NAME=DIR...
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/bazelbuild/buildtools/build"
)

func main() {
	g := generator{folders: map[string]string{}, files: map[string]*build.File{}, wanted: map[version]bool{}}
	out := flag.String("out", "", "`folder` to write")
	flag.Func("at", "read what will lie at `FINAL=NOW`", func(s string) error { g.at = append(g.at, s); return nil })
	var consumers []string
	flag.Func("wants", "a `MODULE.bazel` whose dependencies are wanted too", func(s string) error { consumers = append(consumers, s); return nil })
	flag.Parse()
	if err := g.run(*out, consumers, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "registry:", err)
		os.Exit(1)
	}
}

type version struct{ module, version string }

type generator struct {
	at      []string
	folders map[string]string // module name -> its folder
	files   map[string]*build.File
	wanted  map[version]bool
}

func (g *generator) run(out string, consumers, modules []string) error {
	for _, m := range modules {
		name, dir, ok := strings.Cut(m, "=")
		if !ok {
			return fmt.Errorf("%s: want NAME=DIR", m)
		}
		g.folders[name] = dir
	}
	// Bazel's own local_config_platform asks for this one.
	g.wanted[version{"platforms", "0.0.7"}] = true
	for name, dir := range g.folders {
		file, err := g.parse(filepath.Join(dir, "MODULE.bazel"))
		if err != nil {
			return err
		}
		g.files[name] = file
		if err := g.collect(file, false); err != nil {
			return err
		}
	}
	for _, path := range consumers {
		file, err := g.parse(path)
		if err != nil {
			return err
		}
		if err := g.collect(file, true); err != nil {
			return err
		}
	}
	for v := range g.wanted {
		if err := g.write(filepath.Join(out, "modules", v.module, v.version), v); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(out, "bazel_registry.json"), []byte("{}\n"), 0o644)
}

// parse reads a MODULE.bazel file from where its folder lies now.
func (g *generator) parse(path string) (*build.File, error) {
	now := path
	for _, m := range g.at {
		final, dir, _ := strings.Cut(m, "=")
		if rest, ok := strings.CutPrefix(path, final+"/"); ok {
			now = filepath.Join(dir, rest)
		}
	}
	data, err := os.ReadFile(now)
	if err != nil {
		return nil, err
	}
	return build.ParseModule(now, data)
}

// collect notes the dependencies of a module; those for its own development
// count only where it can be the root module.
func (g *generator) collect(file *build.File, root bool) error {
	overridden := map[string]bool{}
	for _, rule := range file.Rules("local_path_override") {
		overridden[rule.AttrString("module_name")] = true
	}
	for _, dep := range file.Rules("bazel_dep") {
		name := dep.AttrString("name")
		// A name, IS_RELEASE, is true in a release only.
		if !root && dep.AttrLiteral("dev_dependency") == "True" || root && overridden[name] {
			continue
		}
		if g.folders[name] == "" {
			return fmt.Errorf("%s: no folder stands for module %s", file.Path, name)
		}
		g.wanted[version{name, dep.AttrString("version")}] = true
	}
	return nil
}

// write writes one version of a module: its MODULE.bazel file under that
// version's name, without what only a real registry can promise.
func (g *generator) write(dir string, v version) error {
	file := *g.files[v.module]
	modules := file.Rules("module")
	if len(modules) != 1 {
		return fmt.Errorf("%s: %d calls of module, want 1", file.Path, len(modules))
	}
	modules[0].DelAttr("compatibility_level")
	modules[0].DelAttr("bazel_compatibility")
	modules[0].SetAttr("version", &build.StringExpr{Value: v.version})
	source, err := json.Marshal(map[string]string{"type": "local_path", "path": g.folders[v.module]})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "MODULE.bazel"), build.Format(&file), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "source.json"), source, 0o644)
}
