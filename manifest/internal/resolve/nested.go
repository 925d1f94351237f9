package resolve

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"rules_romfs/internal/strictyaml"
	"rules_romfs/manifest/internal/code"
	"rules_romfs/manifest/internal/plan"
	"rules_romfs/manifest/internal/spec"
)

// Limits of nested images.
const (
	MaxNestingDepth = 8
	MaxNestedImages = 256 // in one image, counted as often as they are packed
)

// A nesting is what the resolvers of one image and of those inside it share.
type nesting struct {
	load  Loader
	chain []string              // real paths of the manifests from the outermost in
	names []string              // the same as the rules write them
	memo  map[string]*plan.Plan // by real path; nil for one with errors
	// declared is the board of the manifest around the one at hand.
	declared string
}

// image places a nested image.
func (r *resolver) image(rule *spec.CompiledRule) {
	e := plan.Entry{Kind: plan.Image, Dest: rule.Into, Source: rule.Image, Pattern: rule.Image}
	at := rule.At + ".image"
	if r.o.Images != nil {
		built, ok := r.o.Images[e.Source]
		if !ok {
			r.add(at, code.Undeclared, r.tree.Source.Missing("image", e.Source), "no built image is given for %s", strictyaml.Quote(e.Source))
			return
		}
		e.Path = built
		r.place(rule, e, at)
		return
	}
	inside := r.resolveNested(e.Source, at)
	if inside == nil {
		return
	}
	e.Nested = inside
	r.plan.NestedImages += 1 + inside.NestedImages
	if r.plan.NestedImages > MaxNestedImages {
		r.add(at, code.Limit, "", "the image holds more than %d others", MaxNestedImages)
		return
	}
	r.place(rule, e, at)
}

// resolveNested returns the plan of another manifest, or nil if it has none.
func (r *resolver) resolveNested(ref, at string) *plan.Plan {
	n := r.nesting
	if len(n.chain) == 0 {
		n.chain, n.names = []string{realPath(r.m.Path())}, []string{filepath.Base(r.m.Path())}
	}
	path := filepath.Join(r.m.Dir(), filepath.FromSlash(ref))
	real := realPath(path)
	if i := slices.Index(n.chain, real); i >= 0 {
		r.add(at, code.Cycle, "remove one of them", "the image would hold itself: %s", strings.Join(append(slices.Clone(n.names[i:]), ref), " -> "))
		return nil
	}
	if len(n.chain) > MaxNestingDepth {
		r.add(at, code.Limit, "", "images nest deeper than %d", MaxNestingDepth)
		return nil
	}
	if known, ok := n.memo[real]; ok {
		return known
	}
	n.memo[real] = nil
	r.tell(path)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		r.add(at, code.NoMatch, "the path is relative to this manifest", "there is no manifest %s", strictyaml.Quote(ref))
		return nil
	}
	nested, err := n.load(path)
	if err != nil {
		r.addNested(err)
		return nil
	}
	if len(nested.Images()) > 1 {
		r.add(at, code.Images, "name a manifest with one image", "%s makes %s, and a rule packs one", strictyaml.Quote(ref), nested.DescribeImages())
		return nil
	}
	nested = nested.Images()[0]
	// What the manifests say has to agree, also where --board overrides it.
	inner := nested.BoardRef()
	if inner != "" && inner != r.declared && (r.declared != "" || r.o.Board == "") {
		r.add(at, code.Board, "say the same board in both, or none in the nested manifest", "the image is for %s, and the nested one for %s", orNone(r.declared), orNone(inner))
		return nil
	}
	o := r.o
	o.Partition = "" // it lies in a file, not in a partition
	o.OpenMV = false // whose content OpenMV's tools do not look into
	if o.Board == "" {
		o.Board = r.plan.Board
	}
	n.declared = r.declared
	n.chain, n.names = append(n.chain, real), append(n.names, ref)
	inside, warns, err := resolve(r.ctx, nested, nil, o, n)
	n.chain, n.names = n.chain[:len(n.chain)-1], n.names[:len(n.names)-1]
	r.nestedWarns = append(r.nestedWarns, warns...)
	if err != nil {
		r.addNested(err)
		return nil
	}
	n.memo[real] = inside
	return inside
}

// addNested takes over the errors of a nested manifest, which name its file.
func (r *resolver) addNested(err error) {
	var errs strictyaml.Errors
	if errors.As(err, &errs) {
		r.nestedErrs = append(r.nestedErrs, errs...)
	}
}

func orNone(board string) string {
	if board == "" {
		return "no board in particular"
	}
	return "the board " + board
}

// realPath returns a name for a file that two paths to it share.
func realPath(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	return path
}

// checkImages refuses images that were built for nothing: no rule names them.
func (r *resolver) checkImages() {
	named := map[string]bool{}
	for i := range r.m.Files {
		named[r.m.Files[i].Image] = true
	}
	for _, name := range slices.Sorted(maps.Keys(r.o.Images)) {
		if !named[name] {
			r.add(r.m.At("files"), code.Undeclared, "write the path as the rule does, or do not give the image", "a built image is given for %q, which no rule names", name)
		}
	}
}
