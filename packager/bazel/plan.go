package bazel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"strconv"
	"strings"

	"rules_romfs/manifest"
	"rules_romfs/packager/board"
	"rules_romfs/packager/mpy"
	"rules_romfs/packager/pack"
)

// A planFile is what a plan action hands to the actions after it. It depends
// on the manifest, the board and the names of the sources.
type planFile struct {
	Label string        `json:"label"`
	Root  string        `json:"root"`  // what sources are relative to, from the workspace's root
	Align []alignRule   `json:"align"` // the manifest's align list: it is for libraries too
	Plan  manifest.Plan `json:"plan"`
	// BudgetAt is where the manifest sets the budget: "romfs.yaml:7:3".
	BudgetAt string `json:"budget_at,omitempty"`
	// FitAt is where it sets what the image must fit: the partition, the board,
	// or, where the target chose both, what is in the image.
	FitAt string `json:"fit_at"`
	// MPY are the compiler's options, by index of Plan.Entries.
	MPY map[int]mpy.Options `json:"mpy,omitempty"`
}

type alignRule struct {
	Match string `json:"match"`
	To    int64  `json:"to"`
}

// name returns the workspace's name of one of the plan's sources.
func (p *planFile) name(source string) string { return path.Join(p.Root, source) }

// An optionsFile says how one source is compiled or transformed: not at all,
// once, or once for each of several destinations.
type optionsFile struct {
	Jobs []mpy.Options `json:"jobs"`
	// Keep says that the image has the Python source itself, too or only.
	Keep bool `json:"keep,omitempty"`
	// Transforms are what a source becomes that is no Python.
	Transforms []transformJob `json:"transforms,omitempty"`
}

// plan resolves the manifest and writes the plan and one file of options for
// each Python source.
func (a *Action) plan(ctx context.Context, f *flags) error {
	data, err := os.ReadFile(f.manifest)
	if err != nil {
		return err
	}
	m, err := manifest.Parse(data, f.manifestName)
	if err != nil {
		return err
	}
	several := len(m.Images()) > 1
	m, target, err := f.choose(m)
	if err != nil {
		return err
	}
	if err := f.defaults(m); err != nil {
		return err
	}
	p := planFile{Label: f.label, Root: path.Join(path.Dir(f.manifestName), m.Root), Align: []alignRule{}, MPY: map[int]mpy.Options{}}
	if p.Root == ".." || strings.HasPrefix(p.Root, "../") {
		return f.defect(m, "root", manifest.CodeEscape, "set it to a directory below the workspace's root", "%q lies outside of the workspace", m.Root)
	}
	for _, rule := range m.Align {
		p.Align = append(p.Align, alignRule{rule.Match, int64(rule.To)})
	}
	if m.Budget != nil {
		p.BudgetAt = f.at(m, "budget")
	}
	switch {
	case m.Partition != "" && (f.partition == "" || several):
		p.FitAt = f.at(m, "partition")
	case m.Board != "" && f.board == "" && f.boardFile == "":
		p.FitAt = f.at(m, "board")
	default:
		p.FitAt = f.at(m, "files")
	}
	src, err := manifest.ListSource(f.declared(p.Root), f.advice(p.Root))
	if err != nil {
		return err
	}
	o := target.ResolveOptions()
	o.Images = map[string]string{}
	for _, im := range f.images {
		o.Images[im.name] = im.name
	}
	plan, warnings, err := manifest.Resolve(ctx, m, src, o)
	for _, w := range warnings {
		a.warn(f, (&manifest.Error{File: w.File, Line: w.Line, Column: w.Column, Rule: w.Rule, Message: w.Message, Remedy: w.Remedy}).Error())
	}
	if err != nil {
		return err
	}
	if f.layout != "" {
		plan.Layout = f.layout
	}
	if v := plan.MPYVersion; v != "" && f.mpyCrossVersion != "" && !(&mpy.Compiler{Release: f.mpyCrossVersion}).Is(v) {
		return f.defect(m, "mpy.version", manifest.CodeMPY, "build with --@rules_romfs//rules/toolchains:mpy_cross_version="+v+", or change the pin",
			"the manifest pins mpy-cross %s, and the toolchain is %s", v, f.mpyCrossVersion)
	}
	p.Plan = *plan
	jobs, err := p.jobs(target)
	if err != nil {
		return err
	}
	transforms, err := p.transforms(f, target)
	if err != nil {
		return err
	}
	kept := p.kept()
	for _, o := range f.options {
		if err := writeJSON(o.path, optionsFile{jobs[o.name], kept[o.name], transforms[o.name]}); err != nil {
			return err
		}
	}
	return writeJSON(f.out, p)
}

// defaults gives a manifest what the flags of the build say, where it says
// nothing itself: code for a machine is then for the board's.
func (f *flags) defaults(m *manifest.Manifest) error {
	var own manifest.MPY
	if m.MPY != nil {
		own = *m.MPY
	}
	if f.optimize != "" && own.Optimize == nil {
		level, err := strconv.Atoi(f.optimize)
		if err != nil {
			return err
		}
		own.Optimize = &level
	}
	if f.emit != "" && own.Emit == "" {
		if own.Emit = f.emit; f.emit != "bytecode" && own.Arch == "" {
			own.Arch = "board"
		}
	}
	if f.optimize != "" || f.emit != "" {
		m.MPY = &own
	}
	return nil
}

// jobs completes the compiler's options and returns them by source.
func (p *planFile) jobs(target pack.Target) (map[string][]mpy.Options, error) {
	jobs := map[string][]mpy.Options{}
	var errs []error
	for i := range p.Plan.Entries {
		e := &p.Plan.Entries[i]
		if e.MPY == nil {
			continue
		}
		o, err := target.MPYOptions(e)
		if err != nil {
			errs = append(errs, p.at(e, err))
			continue
		}
		p.MPY[i] = o
		jobs[p.name(e.Source)] = append(jobs[p.name(e.Source)], o)
	}
	return jobs, errors.Join(errs...)
}

// kept returns the names of the Python sources that are packed as they are.
func (p *planFile) kept() map[string]bool {
	kept := map[string]bool{}
	for i := range p.Plan.Entries {
		if e := &p.Plan.Entries[i]; isKept(e) {
			kept[p.name(e.Source)] = true
		}
	}
	return kept
}

// isKept reports whether an entry is a Python source as it is.
func isKept(e *manifest.Entry) bool {
	return e.Kind == manifest.File && e.MPY == nil && strings.HasSuffix(e.Source, ".py")
}

// at says in which line of the manifest the rule stands that an error is about.
func (p *planFile) at(e *manifest.Entry, err error) error {
	if e.Line == 0 {
		return err
	}
	return fmt.Errorf("%s:%d:%d: %w", e.File, e.Line, e.Column, err)
}

// at is the place of a key of the manifest: "romfs.yaml:7:3".
func (f *flags) at(m *manifest.Manifest, key string) string {
	pos := m.Pos(key)
	return fmt.Sprintf("%s:%d:%d", f.manifestName, pos.Line, pos.Column)
}

// defect is an error of the manifest that only a build by Bazel finds.
func (f *flags) defect(m *manifest.Manifest, path, code, remedy, format string, args ...any) error {
	at := m.Pos(path)
	return manifest.Errors{{
		File: f.manifestName, Line: at.Line, Column: at.Column, Rule: path, Code: code, Message: fmt.Sprintf(format, args...), Remedy: remedy,
	}}
}

// choose finds the board, the rule's or else the manifest's, and of a manifest
// with several images the one for the rule's partition.
func (f *flags) choose(m *manifest.Manifest) (*manifest.Manifest, pack.Target, error) {
	id := f.board
	if f.boardFile != "" {
		id = f.boardFile
	}
	if id == "" && board.IsPath(m.Board) {
		remedy := fmt.Sprintf("write a romfs_board(profile = %q), and name it in the attribute board of %s", path.Base(m.Board), f.label)
		return nil, pack.Target{}, f.defect(m, "board", manifest.CodeBoard, remedy, "a board file is an input that Bazel must know")
	}
	if images := m.Images(); len(images) > 1 && f.partition == "" {
		var partitions []string
		for _, im := range images {
			partitions = append(partitions, fmt.Sprintf("%q", im.Partition))
		}
		remedy := fmt.Sprintf("write a romfs_image for each, with partition = one of %s", strings.Join(partitions, ", "))
		return nil, pack.Target{}, f.defect(m, "images", manifest.CodeImages, remedy, "the manifest makes %d images, and %s is one", len(images), f.label)
	}
	images, targets, err := pack.ImageTargets(m, id, f.partition, f.partitionSize)
	if err != nil {
		return nil, pack.Target{}, err
	}
	return images[0], targets[0], nil
}

// declared maps the sources below root, as a manifest there names them.
func (f *flags) declared(root string) map[string]string {
	files := map[string]string{}
	for _, s := range f.sources {
		name := s.name
		if root != "." {
			var ok bool
			if name, ok = strings.CutPrefix(name, root+"/"); !ok {
				continue
			}
		}
		files[name] = s.name
	}
	return files
}

// advice says which label would supply what a manifest names.
func (f *flags) advice(root string) func(key, value string) string {
	pkg, _, _ := strings.Cut(strings.TrimPrefix(f.label, "//"), ":")
	return func(key, value string) string {
		if key == "image" {
			return fmt.Sprintf("add {\"//%s:TARGET\": %q} to images of %s, with the romfs_image that makes it", path.Join(path.Dir(f.manifestName), path.Dir(value)), value, f.label)
		}
		literal, isLiteral := unescape(value)
		name := path.Join(root, literal)
		if rest, ok := strings.CutPrefix(name, "external/"); ok {
			repository, file, _ := strings.Cut(rest, "/")
			return fmt.Sprintf("add the target of @%s that has %q to srcs of %s, or to deps if it is a py_library or romfs_library", repository, file, f.label)
		}
		if rest, ok := strings.CutPrefix(name, pkg+"/"); ok || pkg == "" {
			if pkg == "" {
				rest = name
			}
			if !isLiteral {
				return fmt.Sprintf("add glob([%q]) to srcs of %s", rest, f.label)
			}
			return fmt.Sprintf("add \"//%s:%s\" to srcs of %s", pkg, rest, f.label)
		}
		return fmt.Sprintf("add a label for %q, such as \"//%s:%s\", to srcs of %s", name, path.Dir(name), path.Base(name), f.label)
	}
}

// unescape returns what a pattern without wildcards matches, and false for any
// other pattern.
func unescape(pattern string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		c := pattern[i]
		if c == '\\' && i+1 < len(pattern) {
			i++
			c = pattern[i]
		} else if strings.IndexByte(`*?[{`, c) >= 0 {
			return pattern, false
		}
		b.WriteByte(c)
	}
	return b.String(), true
}

func readPlan(path string) (*planFile, error) {
	p := new(planFile)
	return p, readJSON(path, p)
}

// writeJSON writes what another action reads: without the white space that is
// for people, which takes time there.
func writeJSON(path string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o666)
}

func readJSON(path string, v any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
