package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"rules_romfs/packager/artifact"
	"rules_romfs/packager/pack"
	"rules_romfs/packager/report"
	"rules_romfs/packager/romfs"
	"rules_romfs/packager/transform"
)

type explainResult struct {
	// Which of several images of a manifest; empty where it makes one.
	Image     string `json:"image,omitempty"`
	Partition string `json:"partition,omitempty"`

	Size    int64         `json:"size"`
	Layout  string        `json:"layout"`
	Files   []explanation `json:"files"`
	Padding int64         `json:"padding"` // bytes in the whole image
	Free    *int64        `json:"free,omitempty"`
	Notes   []string      `json:"notes"`
}

// An explanation says why a file is in the image as it is.
type explanation struct {
	Path   string `json:"path"`
	Source string `json:"source"`
	Rule   string `json:"rule,omitempty"`
	Kind   string `json:"kind"`
	Why    string `json:"why,omitempty"` // compiled or converted how, or kept why

	Transform *artifact.Transform `json:"transform,omitempty"`
	Remark    string              `json:"remark,omitempty"` // about what the transform made

	Offset    int64  `json:"offset"`
	Size      int64  `json:"size"`
	Align     int64  `json:"align"`
	AlignFrom string `json:"align_from,omitempty"`
	Padding   int64  `json:"padding"` // bytes spent before its content
	Place     string `json:"place"`
}

func newExplainCmd(a *app) *cobra.Command {
	var f sourceFlags
	var path string
	cmd := &cobra.Command{
		Use:   "explain [DEST...]",
		Short: "Say why each file is in the image, and why it lies where it does",
		Long: `Work out the image of a manifest without writing it, and say for every file, or
for those at DEST (a file or directory in the image): which rule put it there,
why it is compiled or kept as it is, why it is aligned, and where it lies. Of a
manifest with several images all are explained, or with -p one.`,
		Example: `  romfs explain
  romfs explain models/person.tflite -f app/romfs.yaml
  romfs explain lib --board openmv-n6 --output json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			project, err := f.open(a, path)
			if err != nil {
				return err
			}
			images, err := project.Build(cmd.Context())
			if err != nil {
				return err
			}
			a.warnings(images)
			results, err := explainAll(images, project.Files(), args)
			if err != nil {
				return err
			}
			return a.result(oneOrAll(results), func(w io.Writer) error {
				for i, r := range results {
					if len(results) > 1 {
						if _, err := fmt.Fprintf(w, "%s%s\n", strings.Repeat("\n", min(i, 1)), r.header()); err != nil {
							return err
						}
					}
					if err := r.print(w); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	f.add(a, cmd)
	cmd.Flags().StringVarP(&path, "file", "f", defaultManifest, "manifest or directory that the image is made of")
	return cmd
}

// explainAll explains each image. A DEST has to be in one of them.
func explainAll(images []*pack.Image, files, dests []string) ([]*explainResult, error) {
	var all []*explainResult
	found := make([]bool, len(dests))
	for i, im := range images {
		r := explain(im, dests, found)
		if len(images) > 1 {
			r.Image, r.Partition = files[i], im.Spec.Partition.Name
		}
		all = append(all, r)
	}
	if i := slices.Index(found, false); i >= 0 {
		which := "the image has"
		if len(images) > 1 {
			which = "the images have"
		}
		return nil, &inputError{fmt.Errorf("%s no %q; without a DEST, explain lists all (the manifest is named with -f)", which, dests[i])}
	}
	return all, nil
}

// explain explains one image, and notes in found which of dests are in it.
func explain(im *pack.Image, dests []string, found []bool) *explainResult {
	plan := im.Plan
	r := &explainResult{Size: plan.Size, Layout: plan.Layout.String(), Files: []explanation{}, Padding: plan.Padding, Notes: notes(im)}
	if p := im.Spec.Partition; p != nil && p.Size > 0 {
		free := p.Size - plan.Size
		r.Free = &free
	}
	for i := range plan.Files {
		p := &plan.Files[i]
		wanted := len(dests) == 0
		for j, d := range dests {
			d = cleanPath(d)
			if d == "." || p.Path == d || strings.HasPrefix(p.Path, d+"/") {
				wanted, found[j] = true, true
			}
		}
		if wanted {
			r.Files = append(r.Files, explainFile(im, p))
		}
	}
	return r
}

// header stands above one of several images.
func (r *explainResult) header() string { return fmt.Sprintf("== %s, for %s", r.Image, r.Partition) }

func explainFile(im *pack.Image, p *romfs.Placed) explanation {
	in := im.Input(p.Path)
	e := explanation{
		Path: p.Path, Source: in.Source, Rule: in.Rule, Kind: in.Kind, Why: in.Why, Transform: in.Transform,
		Offset: p.Offset, Size: p.Size, Align: max(p.Align, 1), AlignFrom: in.AlignFrom, Padding: p.Padding,
	}
	if t := in.Transform; t != nil && t.Preset == "haar" && t.Kept == "" {
		if source, err := os.ReadFile(in.Path); err == nil { // or it is gone since the build, which was fine
			e.Remark = transform.HaarRemark(source, t.Args)
		}
	}
	switch {
	case p.SharedWith != "":
		e.Place = fmt.Sprintf("at %d, where %s has the same bytes", p.Offset, p.SharedWith)
	case p.Boundary:
		e.Place = fmt.Sprintf("at %d, the start of an erase block (%d): the first of the bulk files", p.Offset, im.Plan.Boundary)
	default:
		e.Place = fmt.Sprintf("at %d", p.Offset)
	}
	if p.AlignedFor != "" {
		e.Place += fmt.Sprintf(", aligned to %d for %s, which shares its bytes", p.Given, p.AlignedFor)
	}
	return e
}

// notes are about the image as a whole.
func notes(im *pack.Image) []string {
	plan, all := im.Plan, []string{}
	if plan.Boundary > 0 {
		all = append(all, fmt.Sprintf("the files before the bulk files can grow by %d bytes until those move", plan.Slack))
	}
	if plan.BoundaryDropped {
		all = append(all, fmt.Sprintf("layout stable has no room for its boundary: with it the image would have %d bytes", plan.BoundarySize))
	}
	if plan.Shared > 0 {
		all = append(all, fmt.Sprintf("sharing equal files saves %d bytes", plan.Shared))
	}
	return all
}

func (r *explainResult) print(w io.Writer) error {
	var b strings.Builder
	for _, f := range r.Files {
		fmt.Fprintf(&b, "%s\n", display(f.Path))
		from := f.Source
		if f.Rule != "" && f.Rule != "directory" {
			from += " (" + f.Rule + ")"
		}
		fmt.Fprintf(&b, "  from   %s\n", from)
		switch {
		case f.Kind == artifact.KindMPY:
			fmt.Fprintf(&b, "  kind   compiled: %s\n", f.Why)
		case f.Transform != nil && f.Transform.Kept == "":
			fmt.Fprintf(&b, "  kind   made by %s\n", f.Why)
		case f.Kind == artifact.KindImage:
			fmt.Fprint(&b, "  kind   an image of its own\n")
		default:
			why := ""
			if f.Why != "" {
				why = ": " + f.Why
			}
			fmt.Fprintf(&b, "  kind   as it is%s\n", why)
		}
		if f.Remark != "" {
			fmt.Fprintf(&b, "  note   %s\n", f.Remark)
		}
		if f.Align > 1 {
			fmt.Fprintf(&b, "  align  %d: %s\n", f.Align, f.AlignFrom)
		}
		padding := ""
		if f.Padding > 0 {
			padding = fmt.Sprintf(", after %s of padding", report.Plural(f.Padding, "byte"))
		}
		fmt.Fprintf(&b, "  place  %s, %d bytes%s\n", f.Place, f.Size, padding)
	}
	fmt.Fprintf(&b, "image: layout %s, %s, %d bytes of padding", r.Layout, report.Size(r.Size), r.Padding)
	if r.Free != nil {
		fmt.Fprintf(&b, ", %s free in the partition", report.Size(*r.Free))
	}
	b.WriteByte('\n')
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "  %s\n", n)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
