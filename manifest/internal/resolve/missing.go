package resolve

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"rules_romfs/internal/pattern"
	"rules_romfs/internal/slashpath"
	"rules_romfs/internal/strictyaml"
	"rules_romfs/internal/syserr"
	"rules_romfs/manifest/internal/code"
	"rules_romfs/manifest/internal/lint"
	"rules_romfs/manifest/internal/source"
)

// This file says what is wrong with a source that a rule names.

// literal handles a src without wildcards.
func (r *resolver) literal(s *scan) {
	name := s.glob.Fixed()
	kind, err := r.tree.Lookup(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if !s.rule.Optional {
			r.add(s.at, code.NoMatch, r.missingRemedy(s.glob), "there is no file %s", strictyaml.Quote(name))
		}
	case err != nil:
		r.badLink(s, name, err)
	case kind == source.Dir:
		r.add(s.at, code.NoMatch, fmt.Sprintf("write %q for the files in it", s.glob.Text()+"/**"), "%s is a directory", strictyaml.Quote(name))
	case kind == source.Irregular:
		r.irregular(s, name)
	default:
		if by := r.leftOut(s.rule, name); by != "" {
			r.add(s.at, code.Excluded, "remove one of the two", "%s is named here and left out by %s", strictyaml.Quote(name), by)
			return
		}
		s.found = append(s.found, name)
	}
}

func (r *resolver) noMatch(s *scan) {
	text := strictyaml.Quote(s.glob.Text())
	if s.left != "" {
		remedy := "name the files literally, remove the pattern, or say optional: true"
		if strings.Contains(s.leftBy, "exclude[") {
			remedy = "correct the exclude, remove the pattern, or say optional: true"
		}
		r.add(s.at, code.NoMatch, remedy, "everything that %s matches is left out: %s by %s", text, strictyaml.Quote(s.left), s.leftBy)
		return
	}
	// The fixed part of the pattern is what is most often misspelt.
	dir := ""
	for elem := range strings.SplitSeq(s.glob.Fixed(), "/") {
		if elem == "" {
			break
		}
		at := slashpath.Join(dir, elem)
		d := r.tree.Dir(dir)
		if d.Err != nil {
			break
		}
		switch kind, ok := d.Kinds()[elem]; {
		case !ok:
			r.add(s.at, code.NoMatch, r.closest(at, s.glob), "%s matches no file: there is no directory %s", text, strictyaml.Quote(at))
			return
		case lint.IsJunk(elem):
			r.add(s.at, code.NoMatch, "name the files literally", "%s matches no file: %s is on the junk list", text, strictyaml.Quote(at))
			return
		case kind == source.Link:
			r.add(s.at, code.NoMatch, "name the directory that it leads to", "%s matches no file: %s is a symbolic link, and patterns do not follow links to directories", text, strictyaml.Quote(at))
			return
		}
		dir = at
	}
	r.add(s.at, code.NoMatch, r.closest("", s.glob), "%s matches no file", text)
}

func (r *resolver) missingRemedy(g *pattern.Pattern) string { return r.closest(g.Fixed(), g) }

// closest advises on a src that does not exist.
func (r *resolver) closest(name string, g *pattern.Pattern) string {
	if advice := r.advice(name, g.Text()); advice != "" {
		return advice
	}
	return "correct it, or say optional: true"
}

// advice is what can be said of a name that does not exist: a similar one
// beside it, and what the source has to say of the pattern.
func (r *resolver) advice(name, pattern string) string {
	var remedies []string
	if name != "" {
		if d := r.tree.Dir(slashpath.Parent(name)); d.Err == nil {
			var names []string
			for _, in := range d.Infos {
				names = append(names, in.Name)
			}
			if c := strictyaml.Closest(path.Base(name), names); c != "" {
				remedies = append(remedies, fmt.Sprintf("did you mean %q?", slashpath.Join(slashpath.Parent(name), c)))
			}
		}
	}
	if hint := r.tree.Source.Missing("src", pattern); hint != "" {
		remedies = append(remedies, hint)
	}
	return strings.Join(remedies, " Otherwise ")
}

func (r *resolver) badLink(s *scan, name string, err error) {
	r.failed(s, name)
	q := strictyaml.Quote(name)
	switch {
	case errors.Is(err, source.ErrOutside):
		r.add(s.at, code.Escape, "copy the file, or set root to a directory that holds both", "the symbolic link %s leads out of root", q)
	case errors.Is(err, source.ErrLoop):
		r.add(s.at, code.Irregular, "remove or exclude it", "the symbolic link %s leads back to itself", q)
	case errors.Is(err, source.ErrBroken):
		r.add(s.at, code.Irregular, "remove or exclude it", "the symbolic link %s is broken", q)
	default:
		r.add(s.at, code.IO, "", "%s cannot be read: %s", q, syserr.Reason(err))
	}
}

// failed notes that a rule's source cannot be packed; it was read to see that.
func (r *resolver) failed(s *scan, name string) {
	s.failed = true
	r.tell(r.tree.Source.Path(name))
}

// tell tells whoever wants to know that a path is read.
func (r *resolver) tell(path string) {
	if r.o.Reads != nil {
		r.o.Reads(path)
	}
}

func (r *resolver) irregular(s *scan, name string) {
	r.failed(s, name)
	r.add(s.at, code.Irregular, "exclude it", "%s is a FIFO, socket or device, and cannot be packed", strictyaml.Quote(name))
}

// checkOutputs refuses patterns that match what the build will write, whether
// it exists by now or not: the second build would pack the first.
func (r *resolver) checkOutputs() {
	for _, out := range r.o.Outputs {
		if same(out, r.m.Path()) {
			r.add("", code.Output, "choose another output", "the build would overwrite its manifest")
			continue
		}
		name, ok := r.tree.Source.Locate(out)
		if !ok {
			continue
		}
		for _, s := range r.scans {
			base := path.Base(name)
			if !s.glob.Match(name) || r.leftOut(s.rule, name) != "" || !s.glob.Literal() && (lint.IsJunk(base) || lint.IsSecret(base)) {
				continue
			}
			r.add(s.at, code.Output, fmt.Sprintf("write the image elsewhere, or say exclude: [%s]", pattern.Escape(name)), "%s matches %s, which this build writes, so the image would hold its own predecessor", strictyaml.Quote(s.glob.Text()), strictyaml.Quote(name))
		}
	}
}

// same reports whether two paths name one file, as far as names tell.
func same(a, b string) bool {
	a, errA := filepath.Abs(a)
	b, errB := filepath.Abs(b)
	return errA == nil && errB == nil && a == b
}

// checkExcludes warns of excludes that name a directory: they are tested
// against files, and so leave nothing out.
func (r *resolver) checkExcludes() {
	check := func(at string, g *pattern.Pattern) {
		if !g.Literal() {
			return
		}
		if kind, err := r.tree.Lookup(g.Fixed()); err == nil && kind == source.Dir {
			r.warn(at, code.LintUnused, fmt.Sprintf("write %q", g.Text()+"/**"), "%s is a directory, and patterns match files", strictyaml.Quote(g.Text()))
		}
	}
	for i, g := range r.m.Compiled().Exclude {
		check(r.m.ExcludeAt(i), g)
	}
	for i := range r.m.Compiled().Rules {
		rule := &r.m.Compiled().Rules[i]
		for j, g := range rule.Excludes {
			check(fmt.Sprintf("%s.exclude[%d]", rule.At, j), g)
		}
	}
}

// checkSecrets warns of keys and passwords that patterns leave out, unless a
// rule packs them by name.
func (r *resolver) checkSecrets() {
	named := map[string]bool{}
	for _, s := range r.scans {
		if s.glob.Literal() {
			named[s.glob.Fixed()] = true
		}
	}
	for _, s := range r.scans {
		for _, name := range s.secrets {
			if !named[name] {
				r.warn(s.at, code.LintSecret, "name it literally in src to pack it, or exclude it to be quiet", "%s looks like a key or a password and is left out", strictyaml.Quote(name))
			}
		}
	}
}
