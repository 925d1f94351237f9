package bazel

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"slices"

	"rules_romfs/internal/smallfile"
	"rules_romfs/manifest"
	"rules_romfs/packager/artifact"
	"rules_romfs/packager/pack"
	"rules_romfs/packager/transform"
)

// maxTransformed bounds the bytes of a file that is converted, and of what it
// becomes: no board has flash for more.
const maxTransformed = 256 << 20

// A transformJob is one conversion of a source, as its options file has it.
type transformJob struct {
	Where  transform.Where         `json:"where"`
	Plan   *manifest.TransformPlan `json:"plan"`
	Args   []string                `json:"args"`
	Files  []transform.File        `json:"files"`  // that the preset brings
	Kept   transform.Kept          `json:"kept"`   // if not empty, nothing is run
	Inputs []string                `json:"inputs"` // names of Plan.Inputs from the workspace's root
}

// tool is the name by which a manifest calls the program of a transform.
func tool(t *manifest.TransformPlan) string {
	if t.Preset != "" {
		return t.Preset
	}
	return t.Run[0]
}

// builtin is the preset that needs no program.
const builtin = "haar"

// transforms returns the conversions of the plan by source, and refuses those
// whose program or inputs Bazel does not know.
func (p *planFile) transforms(f *flags, target pack.Target) (map[string][]transformJob, error) {
	jobs := map[string][]transformJob{}
	var errs manifest.Errors
	for i := range p.Plan.Entries {
		e := &p.Plan.Entries[i]
		t := e.Transform
		if t == nil {
			continue
		}
		add := func(remedy, format string, args ...any) {
			errs = append(errs, &manifest.Error{File: e.File, Line: t.Line, Column: t.Column, Rule: e.Rule + ".transform",
				Code: manifest.CodeTransform, Message: fmt.Sprintf(format, args...), Remedy: remedy})
		}
		command, err := target.Command(t)
		if err != nil {
			add("", "%v", err)
			continue
		}
		name := p.name(e.Source)
		_, known := f.tools[tool(t)]
		has := slices.ContainsFunc(f.options, func(o pair) bool { return o.name == name })
		switch {
		case path.Ext(name) == ".py":
			add("convert it in a rule of its own, and name what that makes in srcs", "Bazel compiles %s, and so cannot transform it", manifestQuote(e.Source))
			continue
		case command.Kept == "" && t.Preset != builtin && !known:
			add(fmt.Sprintf("add {\"//LABEL:OF_IT\": %q} to transforms of %s", tool(t), f.label), "%s is an executable that Bazel must know", tool(t))
			continue
		case command.Kept == "" && !has: // haar, and no transforms
			add("call it .xml", "Bazel converts only .xml files with %s, and %s is none", builtin, manifestQuote(e.Source))
			continue
		}
		job := transformJob{
			Where: transform.Where{Source: e.Source, Manifest: e.File, Line: t.Line, Column: t.Column, Rule: e.Rule},
			Plan:  t, Args: command.Args, Files: command.Files, Kept: command.Kept,
		}
		for _, in := range t.Inputs {
			name := p.name(in.Name)
			if !slices.Contains(f.inputs, name) {
				add(fmt.Sprintf("add %q to transform_inputs of %s", "//"+path.Dir(name)+":"+path.Base(name), f.label), "%s is a file that Bazel must know as an input of transforms", manifestQuote(in.Name))
			}
			job.Inputs = append(job.Inputs, name)
		}
		jobs[name] = append(jobs[name], job)
	}
	return jobs, errs.Err()
}

func manifestQuote(s string) string { return fmt.Sprintf("%q", s) }

// A transformedHead says what one conversion came to.
type transformedHead struct {
	Kept    transform.Kept  `json:"kept,omitempty"` // why the source is packed as it is
	Version string          `json:"version,omitempty"`
	Source  artifact.Digest `json:"source"`
	Size    int             `json:"size"` // of what was made, which follows all heads
	SHA256  artifact.Digest `json:"sha256"`
}

// transform runs the conversions of one source as its options file says. What
// it writes is empty for a source that has none, and else what readTransformed
// reads.
func (a *Action) transform(ctx context.Context, f *flags) error {
	var o optionsFile
	if err := readJSON(f.optionsFile, &o); err != nil {
		return err
	}
	var heads []transformedHead
	var made [][]byte
	var finder transform.Finder
	paths := map[string]string{}
	for _, in := range f.given {
		paths[in.name] = in.path
	}
	for _, job := range o.Transforms {
		if job.Kept != "" {
			heads = append(heads, transformedHead{Kept: job.Kept})
			continue
		}
		for i := range job.Plan.Inputs {
			job.Plan.Inputs[i].Path = paths[job.Inputs[i]]
		}
		t, err := finder.Tool(ctx, job.Plan, "", f.tools[tool(job.Plan)])
		if err != nil {
			return fmt.Errorf("%s:%d:%d: %s: %w", job.Where.Manifest, job.Where.Line, job.Where.Column, tool(job.Plan), err)
		}
		one := transform.NewJob(job.Where, f.src, job.Plan, t, transform.Command{Args: job.Args, Files: job.Files})
		batch := &transform.Batch{Workers: 1}
		results, err := batch.Run(ctx, []transform.Job{one})
		if err != nil {
			return err
		}
		r := results[0]
		heads = append(heads, transformedHead{Kept: r.Kept, Version: t.Version, Source: r.SourceSum, Size: len(r.Content), SHA256: r.Sum})
		made = append(made, r.Content)
	}
	if len(heads) == 0 {
		return os.WriteFile(f.out, nil, 0o666)
	}
	head, err := json.Marshal(heads)
	if err != nil {
		return err
	}
	out := append(binary.AppendUvarint(nil, uint64(len(head))), head...)
	return os.WriteFile(f.out, append(out, bytes.Join(made, nil)...), 0o666)
}

// readTransformed returns conversion i of the n that a transform action ran.
func readTransformed(path string, i, n int) (transformedHead, []byte, error) {
	var none transformedHead
	data, _, err := smallfile.Read(path, 2*maxTransformed)
	if err != nil {
		return none, nil, err
	}
	size, width := binary.Uvarint(data)
	if width <= 0 || size > uint64(len(data)-width) {
		return none, nil, errTransformed
	}
	var heads []transformedHead
	rest := data[width:]
	if json.Unmarshal(rest[:size], &heads) != nil || len(heads) != n {
		return none, nil, errTransformed
	}
	rest = rest[size:]
	for j, h := range heads {
		if h.Size < 0 || h.Size > len(rest) {
			return none, nil, errTransformed
		}
		if j == i {
			made := rest[:h.Size:h.Size]
			if h.Kept == "" && sha256.Sum256(made) != h.SHA256 {
				return none, nil, errTransformed
			}
			return h, made, nil
		}
		rest = rest[h.Size:]
	}
	return none, nil, errTransformed
}

var errTransformed = fmt.Errorf("what was transformed is not what the plan says; build again")

// fillTransformed gives an input what a transform made of its source.
func fillTransformed(input *pack.Input, p plannedEntry, s source, target pack.Target) error {
	t := p.entry().Transform
	command, err := target.Command(t)
	if err != nil {
		return err
	}
	if command.Kept != "" {
		input.SetTransform(t, target, nil, transform.Result{Kept: command.Kept})
		return nil
	}
	head, made, err := readTransformed(s.compiled, p.part, p.parts)
	if err != nil {
		return err
	}
	job := &transform.Job{Tool: &transform.Tool{Version: head.Version}, Args: command.Args}
	input.SetTransform(t, target, job, transform.Result{Content: made, Sum: head.SHA256, SourceSum: head.Source, Kept: head.Kept})
	return nil
}
