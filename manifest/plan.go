package manifest

import (
	"rules_romfs/manifest/internal/plan"
	"rules_romfs/manifest/internal/source"
)

// What a manifest comes to: see [Resolve] and [DirPlan].
type (
	// A Plan says what goes into one image: a manifest resolved against a source
	// tree.
	Plan = plan.Plan
	// An Entry is one file or directory of the image, and why it is as it is.
	Entry = plan.Entry
	// A Kind is what an entry becomes in the image: File, Dir or Image.
	Kind = plan.Kind
	// MPYOptions say how one file is compiled.
	MPYOptions = plan.MPYOptions
	// A TransformPlan says how one source becomes what is packed in its place.
	TransformPlan = plan.TransformPlan
	// A TransformInput is a file that a transform reads besides its source.
	TransformInput = plan.TransformInput
	// An AlignBy says which kind of rule gave an entry its alignment.
	AlignBy = plan.AlignBy
	// A Warning is something that is probably not meant.
	Warning = plan.Warning
)

// The kinds of entries.
const (
	File  = plan.File
	Dir   = plan.Dir
	Image = plan.Image
)

// The kinds of rules that give an alignment, the strongest first.
const (
	ByNothing = plan.ByNothing
	ByRule    = plan.ByRule
	ByList    = plan.ByList
	ByBoard   = plan.ByBoard
	ByLayout  = plan.ByLayout
	ByNested  = plan.ByNested
)

// What a plan depends on besides the manifest.
type (
	// ResolveOptions are what a build knows besides the manifest.
	ResolveOptions = plan.ResolveOptions
	// DirOptions are the settings of a build from a plain directory.
	DirOptions = plan.DirOptions
	// A BoardAlign is one alignment rule of a board profile, by destination.
	BoardAlign = plan.BoardAlign
	// A Source is where the files of a manifest come from.
	Source = source.Source
)

// DirSource is a Source over the directory root of this machine. Symbolic
// links may stay inside root only.
func DirSource(root string) Source { return source.FromDir(root) }

// ListSource is a Source over declared files alone, as Bazel gives them: it
// maps each name, a slash path below root, to the path to read. The files
// need not exist. Missing, if not nil, gives the advice of [Source].Missing.
func ListSource(files map[string]string, missing func(key, value string) string) (Source, error) {
	return source.FromList(files, missing)
}

// Unused returns the warnings about patterns in the top level of a manifest
// that none of its images has a use for. The plans are those of all images.
func Unused(plans []*Plan) []Warning { return plan.Unused(plans) }
