package inspect

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"rules_romfs/packager/artifact"
	"rules_romfs/packager/pack"
	"rules_romfs/packager/romfs"
	"rules_romfs/packager/transform"
)

// An Explanation says why an image that was built is as it is.
type Explanation struct {
	// Which of several images of a manifest; empty where it makes one.
	Image     string `json:"image,omitempty"`
	Partition string `json:"partition,omitempty"`

	Size    int64           `json:"size"`
	Layout  string          `json:"layout"`
	Files   []ExplainedFile `json:"files"`   // in image order
	Padding int64           `json:"padding"` // bytes in the whole image
	Free    *int64          `json:"free,omitempty"`
	Notes   []string        `json:"notes"` // about the image as a whole
}

// An ExplainedFile says why a file is in the image as it is.
type ExplainedFile struct {
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

// Explain explains the images of one build, whose files would have those names:
// all of their files, or those at dests (files and directories in an image),
// each of which has to be in one of them.
func Explain(images []*pack.Image, names, dests []string) ([]*Explanation, error) {
	var all []*Explanation
	found := make([]bool, len(dests))
	for i, im := range images {
		x := explain(im, dests, found)
		if len(images) > 1 {
			x.Image, x.Partition = names[i], im.Spec.Partition.Name
		}
		all = append(all, x)
	}
	if i := slices.Index(found, false); i >= 0 {
		which := "the image has"
		if len(images) > 1 {
			which = "the images have"
		}
		return nil, &InputError{fmt.Errorf("%s no %q; without a DEST, explain lists all (the manifest is named with -f)", which, dests[i])}
	}
	return all, nil
}

// explain explains one image, and notes in found which of dests are in it.
func explain(im *pack.Image, dests []string, found []bool) *Explanation {
	plan := im.Plan
	x := &Explanation{Size: plan.Size, Layout: plan.Layout.String(), Files: []ExplainedFile{}, Padding: plan.Padding, Notes: notes(im)}
	if p := im.Spec.Partition; p != nil && p.Size > 0 {
		free := p.Size - plan.Size
		x.Free = &free
	}
	for i := range plan.Files {
		p := &plan.Files[i]
		wanted := len(dests) == 0
		for j, d := range dests {
			d = CleanPath(d)
			if d == "." || p.Path == d || strings.HasPrefix(p.Path, d+"/") {
				wanted, found[j] = true, true
			}
		}
		if wanted {
			x.Files = append(x.Files, explainFile(im, p))
		}
	}
	return x
}

func explainFile(im *pack.Image, p *romfs.Placed) ExplainedFile {
	in := im.Input(p.Path)
	e := ExplainedFile{
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
