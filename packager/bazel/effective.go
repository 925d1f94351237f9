package bazel

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"rules_romfs/internal/pattern"
	"rules_romfs/manifest"
	"rules_romfs/packager/board"
)

// effective writes a manifest that names every file of the image, those of
// libraries too. Its root is the workspace's, as seen from the output tree: by
// the letters of the path that Bazel prints, bazel-out/…, not through the link.
func (a *Action) effective(_ context.Context, f *flags) error {
	in, err := f.readInputs()
	if err != nil {
		return err
	}
	root := strings.TrimSuffix(strings.Repeat("../", strings.Count(path.Clean(f.out), "/")), "/")
	images := map[string]string{}
	for _, im := range f.images {
		images[im.name] = relative(path.Dir(f.out), im.effective)
	}
	data, err := in.manifest(root, images)
	if err != nil {
		return err
	}
	head := "# Written by Bazel for " + f.label + ": every file of the image, by its place in the workspace.\n" +
		"# In the workspace's root, `romfs build` of this file, by its path below bazel-out/, makes the same image.\n"
	return os.WriteFile(f.out, append([]byte(head), data...), 0o666)
}

// relative returns target as seen from dir; both are slash paths of one tree.
func relative(dir, target string) string {
	d, t := strings.Split(path.Clean(dir), "/"), strings.Split(path.Clean(target), "/")
	i := 0
	for i < len(d) && i < len(t)-1 && d[i] == t[i] {
		i++
	}
	return strings.Repeat("../", len(d)-i) + strings.Join(t[i:], "/")
}

// manifest returns the effective manifest for a root, and with the paths that
// nested images have there: YAML whose values are JSON, one rule a line.
func (in *inputs) manifest(root string, images map[string]string) ([]byte, error) {
	plan := &in.own.Plan
	var b bytes.Buffer
	var err error
	put := func(key string, value any) {
		data, e := json.Marshal(value)
		err = errors.Join(err, e)
		fmt.Fprintf(&b, "%s %s\n", key, data)
	}
	put("version:", 1)
	put("name:", plan.Name)
	if in.board != "" {
		id := in.board
		if board.IsPath(id) {
			id = path.Join(root, id)
		}
		put("board:", id)
	}
	if plan.Partition != "" {
		put("partition:", plan.Partition)
	}
	put("root:", root)
	put("layout:", plan.Layout)
	if plan.Dedup != nil {
		put("dedup:", *plan.Dedup)
	}
	if plan.MPYVersion != "" {
		put("mpy:", map[string]string{"version": plan.MPYVersion})
	}
	if len(in.own.Align) > 0 {
		put("align:", in.own.Align)
	}
	budget := map[string]any{}
	if plan.Budget.Max != nil {
		budget["max"] = limit(*plan.Budget.Max)
	}
	if plan.Budget.Warn != nil {
		budget["warn"] = limit(*plan.Budget.Warn)
	}
	if len(budget) > 0 {
		put("budget:", budget)
	}
	if len(in.entries) == 0 {
		put("files:", []string{})
	} else {
		b.WriteString("files:\n")
	}
	for _, p := range in.entries {
		put("  -", p.rule(root, images))
	}
	return b.Bytes(), err
}

func limit(l manifest.Limit) any {
	if l.Percent > 0 {
		return l.String()
	}
	return l.Bytes
}

// A literalRule is one entry as a rule of its own, with everything decided.
type literalRule struct {
	Src   string `json:"src,omitempty"`
	Image string `json:"image,omitempty"`
	Mkdir string `json:"mkdir,omitempty"`
	Dest  string `json:"dest,omitempty"`
	MPY   any    `json:"mpy,omitempty"`
	Align int64  `json:"align,omitempty"`
	Bulk  *bool  `json:"bulk,omitempty"`

	Transform *literalTransform `json:"transform,omitempty"`
}

type literalTransform struct {
	Preset string   `json:"preset,omitempty"`
	Args   []string `json:"args,omitempty"`
	Run    []string `json:"run,omitempty"`
	Inputs []string `json:"inputs,omitempty"`
	Output string   `json:"output,omitempty"`
}

type literalMPY struct {
	Compile      bool     `json:"compile"`
	KeepSource   []string `json:"keep_source"`
	Optimize     int      `json:"optimize"`
	Emit         string   `json:"emit"`
	Arch         string   `json:"arch"`
	ArchFlags    []string `json:"arch_flags,omitempty"`
	SmallIntBits int      `json:"small_int_bits,omitempty"`
}

func (p plannedEntry) rule(root string, images map[string]string) literalRule {
	e := p.entry()
	if e.Kind == manifest.Dir {
		return literalRule{Mkdir: e.Dest}
	}
	rule := literalRule{Dest: e.Dest, Bulk: e.Bulk}
	// What the align list or the board did comes from there again.
	if e.AlignFrom == e.Rule+".align" {
		rule.Align = e.Align
	}
	if e.Kind == manifest.Image {
		rule.Image = images[e.Source]
		return rule
	}
	rule.Src = pattern.Escape(p.plan.name(e.Source))
	switch {
	case e.Transform != nil:
		rule.Transform = p.transform(root)
	case e.MPY != nil:
		o := p.plan.MPY[p.index]
		rule.Dest = o.SourceName
		rule.MPY = literalMPY{true, []string{}, o.Optimize, o.Emit, o.Arch, o.ArchFlags, o.SmallIntBits}
	case strings.HasSuffix(e.Dest, ".py"):
		rule.MPY = false
	}
	return rule
}

// transform names an executable of the workspace as seen from the effective
// manifest, where the CLI finds it if it is a source.
func (p plannedEntry) transform(root string) *literalTransform {
	t := p.entry().Transform
	literal := &literalTransform{Preset: t.Preset, Args: t.Args, Run: slices.Clone(t.Run), Output: strings.NewReplacer("{", "{{", "}", "}}").Replace(t.Output)}
	if len(t.Run) > 0 && strings.Contains(t.Run[0], "/") {
		literal.Run[0] = path.Join(root, path.Dir(p.entry().File), t.Run[0])
		if !strings.Contains(literal.Run[0], "/") {
			literal.Run[0] = "./" + literal.Run[0]
		}
	}
	for _, in := range t.Inputs {
		literal.Inputs = append(literal.Inputs, p.plan.name(in.Name))
	}
	return literal
}
