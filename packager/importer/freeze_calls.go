package importer

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.starlark.net/starlark"

	"rules_romfs/internal/syserr"
	"rules_romfs/manifest"
)

// A builtin is a function of manifest.py.
type builtin func(thread *starlark.Thread, args starlark.Tuple, kwargs []starlark.Tuple) error

// builtins are the names that a manifest.py has (micropython
// tools/manifestfile.py, _manifest_globals).
func (f *freezer) builtins(options []starlark.Tuple) starlark.StringDict {
	all := starlark.StringDict{"options": newOptions(options), measureName: measurer(measureName), factorName: measurer(factorName)}
	for name, call := range map[string]builtin{
		"metadata":      f.callMetadata,
		"include":       f.callInclude,
		"require":       f.callRequire,
		"add_library":   f.callAddLibrary,
		"package":       f.callPackage,
		"module":        f.callModule,
		"c_module":      f.callCModule,
		"freeze":        f.freezeFunction("freeze", ".py", ".mpy"),
		"freeze_as_mpy": f.freezeFunction("freeze_as_mpy", ".py"),
		"freeze_mpy":    f.freezeFunction("freeze_mpy", ".mpy"),
		"freeze_as_str": f.callFreezeAsStr,
	} {
		all[name] = starlark.NewBuiltin(name, func(thread *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
			f.at = thread
			return starlark.None, f.report(thread, call(thread, args, kwargs))
		})
	}
	return all
}

func (f *freezer) callMetadata(_ *starlark.Thread, args starlark.Tuple, kwargs []starlark.Tuple) error {
	if len(args) > 0 {
		return fmt.Errorf("metadata takes keywords only")
	}
	for _, kw := range kwargs {
		if name, _ := starlark.AsString(kw[0]); name == "version" {
			f.meta[len(f.meta)-1].version, _ = starlark.AsString(kw[1])
		}
	}
	return nil
}

// split takes the named arguments of a function out of kwargs.
func split(kwargs []starlark.Tuple, names ...string) (own, rest []starlark.Tuple) {
	for _, kw := range kwargs {
		if name, _ := starlark.AsString(kw[0]); slices.Contains(names, name) {
			own = append(own, kw)
		} else {
			rest = append(rest, kw)
		}
	}
	return own, rest
}

func (f *freezer) callInclude(thread *starlark.Thread, args starlark.Tuple, kwargs []starlark.Tuple) error {
	var what starlark.Value
	own, options := split(kwargs, "manifest_path")
	if err := starlark.UnpackArgs("include", args, own, "manifest_path", &what); err != nil {
		return err
	}
	paths, err := stringsOf("include", what)
	for _, path := range paths {
		full, ok := f.path(thread, fmt.Sprintf("include(%q)", path), path)
		if !ok {
			continue
		}
		if info, err := os.Stat(full); err == nil && info.IsDir() {
			full = filepath.Join(full, "manifest.py")
		}
		f.include(full, options, false)
		f.at = thread
	}
	return err
}

func (f *freezer) callRequire(thread *starlark.Thread, args starlark.Tuple, kwargs []starlark.Tuple) error {
	var name string
	var version, pypi, library starlark.Value
	own, options := split(kwargs, "name", "version", "pypi", "library")
	if err := starlark.UnpackArgs("require", args, own, "name", &name, "version?", &version, "pypi?", &pypi, "library?", &library); err != nil {
		return err
	}
	dirs := f.libraryDirs
	if lib, ok := starlark.AsString(library); ok {
		dir, known := f.libraries[lib]
		if !known {
			f.noteAt(thread, NoteLost, "", "require(%q): the library %q is not known, so it is left out", name, lib)
			return nil
		}
		dirs = []string{dir}
	}
	for _, dir := range dirs {
		found, err := f.findPackage(dir, name)
		if err != nil {
			return fmt.Errorf("require(%q): %w", name, err)
		}
		if found != "" {
			f.include(filepath.Join(found, "manifest.py"), options, true)
			f.at = thread
			return nil
		}
	}
	remedy := "say where micropython-lib is with --lib"
	if f.vars["MPY_LIB_DIR"] != "" {
		remedy = ""
	}
	f.noteAt(thread, NoteLost, remedy, "require(%q): there is no such package in a known library, so it is left out", name)
	return nil
}

func (f *freezer) callAddLibrary(thread *starlark.Thread, args starlark.Tuple, kwargs []starlark.Tuple) error {
	var name, path string
	var first bool
	if err := starlark.UnpackArgs("add_library", args, kwargs, "library", &name, "library_path", &path, "prepend?", &first); err != nil {
		return err
	}
	if dir, ok := f.path(thread, fmt.Sprintf("add_library(%q)", name), path); ok {
		f.addLibrary(name, dir, first)
	}
	return nil
}

func (f *freezer) callCModule(thread *starlark.Thread, args starlark.Tuple, kwargs []starlark.Tuple) error {
	var path string
	if err := starlark.UnpackArgs("c_module", args, kwargs, "module_path", &path); err != nil {
		return err
	}
	f.noteAt(thread, NoteLost, "build it into the firmware, or as a native .mpy", "c_module(%q): C modules are part of the firmware, so it is left out", path)
	return nil
}

func (f *freezer) callPackage(thread *starlark.Thread, args starlark.Tuple, kwargs []starlark.Tuple) error {
	var path string
	var files, opt starlark.Value
	base := "."
	if err := starlark.UnpackArgs("package", args, kwargs, "package_path", &path, "files?", &files, "base_path?", &base, "opt?", &opt); err != nil {
		return err
	}
	call, err := f.newCall(thread, "package", opt)
	if err != nil {
		return err
	}
	what := fmt.Sprintf("package(%q)", path)
	var ok bool
	if call.base, ok = f.path(thread, what, base); !ok {
		return nil
	}
	if files == nil || files == starlark.None {
		return f.walk(thread, what, call, path, ".py")
	}
	names, err := stringsOf("package", files)
	if err != nil {
		return err
	}
	for i := range names {
		names[i] = filepath.Join(filepath.FromSlash(path), filepath.FromSlash(names[i]))
	}
	f.named(thread, what, call, names)
	return nil
}

func (f *freezer) callModule(thread *starlark.Thread, args starlark.Tuple, kwargs []starlark.Tuple) error {
	var path string
	var opt starlark.Value
	base := "."
	if err := starlark.UnpackArgs("module", args, kwargs, "module_path", &path, "base_path?", &base, "opt?", &opt); err != nil {
		return err
	}
	if !strings.EqualFold(filepath.Ext(path), ".py") {
		return fmt.Errorf("module(%q): a module must be a .py file", path)
	}
	call, err := f.newCall(thread, "module", opt)
	if err != nil {
		return err
	}
	what := fmt.Sprintf("module(%q)", path)
	var ok bool
	if call.base, ok = f.path(thread, what, base); ok {
		f.named(thread, what, call, []string{filepath.FromSlash(path)})
	}
	return nil
}

// freezeFunction is freeze and its relatives, by the extensions that they take.
func (f *freezer) freezeFunction(name string, exts ...string) builtin {
	return func(thread *starlark.Thread, args starlark.Tuple, kwargs []starlark.Tuple) error {
		var path string
		var script, opt starlark.Value
		if err := starlark.UnpackArgs(name, args, kwargs, "path", &path, "script?", &script, "opt?", &opt); err != nil {
			return err
		}
		call, err := f.newCall(thread, name, opt)
		if err != nil {
			return err
		}
		what := fmt.Sprintf("%s(%q)", name, path)
		var ok bool
		if call.base, ok = f.path(thread, what, path); !ok {
			return nil
		}
		if script == nil || script == starlark.None {
			return f.walk(thread, what, call, "", exts...)
		}
		names, err := stringsOf(name, script)
		if err != nil {
			return err
		}
		if one, ok := starlark.AsString(script); ok {
			if info, err := os.Stat(filepath.Join(call.base, filepath.FromSlash(one))); err == nil && info.IsDir() {
				return f.walk(thread, what, call, one, exts...)
			}
		}
		f.named(thread, what, call, names)
		return nil
	}
}

func (f *freezer) callFreezeAsStr(thread *starlark.Thread, args starlark.Tuple, kwargs []starlark.Tuple) error {
	var path string
	if err := starlark.UnpackArgs("freeze_as_str", args, kwargs, "path", &path); err != nil {
		return err
	}
	call, err := f.newCall(thread, "freeze_as_str", nil)
	if err != nil {
		return err
	}
	call.asStr = true
	what := fmt.Sprintf("freeze_as_str(%q)", path)
	var ok bool
	if call.base, ok = f.path(thread, what, path); !ok {
		return nil
	}
	return f.walk(thread, what, call, "", ".py")
}

// newCall begins a call that freezes files.
func (f *freezer) newCall(thread *starlark.Thread, name string, opt starlark.Value) (*freezeCall, error) {
	pos := thread.CallFrame(1).Pos
	c := &freezeCall{file: pos.Filename(), line: int(pos.Line), walk: named}
	if opt == nil || opt == starlark.None {
		return c, nil
	}
	n, err := starlark.AsInt32(opt)
	if err != nil || n < 0 || n > 3 {
		return nil, fmt.Errorf("%s: opt is a level of optimization from 0 to 3, not %s", name, opt)
	}
	c.opt = &n
	return c, nil
}

// named says that the files of a call were named, not found.
const named = "-"

// walk freezes all files below base/dir.
func (f *freezer) walk(thread *starlark.Thread, what string, c *freezeCall, dir string, exts ...string) error {
	c.walk, c.exts = filepath.ToSlash(filepath.Clean(filepath.FromSlash(dir))), exts
	found, err := f.im.walkFiles(c.base, filepath.FromSlash(dir), exts)
	if err != nil {
		return fmt.Errorf("%s: %s cannot be read: %w", what, shown(filepath.Join(c.base, filepath.FromSlash(dir))), syserr.Reason(err))
	}
	if len(found) == 0 {
		f.noteAt(thread, NoteLost, "", "%s: finds no file in %s", what, f.name(c.base))
	}
	f.add(thread, what, c, found)
	return nil
}

// named freezes files by their names below base.
func (f *freezer) named(thread *starlark.Thread, what string, c *freezeCall, names []string) {
	var there []string
	for _, name := range names {
		full := filepath.Join(c.base, filepath.FromSlash(name))
		ext := strings.ToLower(filepath.Ext(name))
		switch {
		case strings.ContainsRune(name, 0) || !isFile(full):
			pos := thread.CallFrame(1).Pos
			f.fail(pos, pos.Filename(), manifest.CodeNoMatch, "", "%s: there is no file %s", what, f.name(full))
		case ext != ".py" && ext != ".mpy":
			f.noteAt(thread, NoteLost, "", "%s: %s is neither .py nor .mpy, and left out", what, name)
		default:
			there = append(there, filepath.FromSlash(name))
		}
	}
	f.add(thread, what, c, there)
}

func (f *freezer) add(thread *starlark.Thread, what string, c *freezeCall, names []string) {
	for _, name := range names {
		if !filepath.IsLocal(name) {
			f.noteAt(thread, NoteLost, "name its directory as the base path", "%s: %s would lie outside of the image, and is left out", what, filepath.ToSlash(name))
			continue
		}
		c.files = append(c.files, frozenFile{filepath.Join(c.base, name), filepath.ToSlash(filepath.Clean(name)), f.meta[len(f.meta)-1].version})
	}
	if len(c.files) > 0 {
		f.calls = append(f.calls, c)
	}
}

// stringsOf is a string, or those of a list or tuple.
func stringsOf(name string, v starlark.Value) ([]string, error) {
	if s, ok := starlark.AsString(v); ok {
		return []string{s}, nil
	}
	list, ok := v.(starlark.Iterable)
	if !ok {
		return nil, fmt.Errorf("%s: got %s, want a string or a list of strings", name, v.Type())
	}
	var out []string
	for e := range starlark.Elements(list) {
		s, ok := starlark.AsString(e)
		if !ok {
			return nil, fmt.Errorf("%s: got %s in a list of strings", name, e.Type())
		}
		out = append(out, s)
	}
	return out, nil
}

// includeOptions is the variable options of an included manifest: what the
// includer said, else what options.defaults() says, else None.
type includeOptions struct{ given, defaults map[string]starlark.Value }

func newOptions(kwargs []starlark.Tuple) *includeOptions {
	return &includeOptions{given: dictOf(kwargs)}
}

func dictOf(kwargs []starlark.Tuple) map[string]starlark.Value {
	m := map[string]starlark.Value{}
	for _, kw := range kwargs {
		name, _ := starlark.AsString(kw[0])
		m[name] = kw[1]
	}
	return m
}

func (o *includeOptions) String() string        { return "options" }
func (o *includeOptions) Type() string          { return "options" }
func (o *includeOptions) Freeze()               {}
func (o *includeOptions) Truth() starlark.Bool  { return true }
func (o *includeOptions) Hash() (uint32, error) { return 0, fmt.Errorf("options cannot be a key") }
func (o *includeOptions) AttrNames() []string   { return nil }

func (o *includeOptions) Attr(name string) (starlark.Value, error) {
	if name == "defaults" {
		return starlark.NewBuiltin(name, func(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
			if len(args) > 0 {
				return nil, fmt.Errorf("options.defaults takes keywords only")
			}
			o.defaults = dictOf(kwargs)
			return starlark.None, nil
		}), nil
	}
	if v, ok := o.given[name]; ok {
		return v, nil
	}
	if v, ok := o.defaults[name]; ok {
		return v, nil
	}
	return starlark.None, nil
}
