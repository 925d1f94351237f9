package manifest

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"rules_romfs/internal/pattern"
	"rules_romfs/internal/strictyaml"
)

// A rule is one entry of files, compiled.
type rule struct {
	path    string // files[2], or images[1].files[2]
	file    *Rule
	src     []*pattern.Pattern // nil where the pattern is invalid
	strip   []string
	exclude []*pattern.Pattern
	dest    string // without leading and trailing slash
	destDir bool
}

// compiled is what check makes of a manifest's patterns, for Resolve.
type compiled struct {
	rules   []rule
	exclude []*pattern.Pattern
	align   []*pattern.Pattern
}

// check finds what is wrong with a manifest by itself, whatever the files,
// and compiles its patterns.
//
// patterns counts those of all images of a manifest.
func (m *Manifest) check(patterns *int) Errors {
	c := &checker{m: m, patterns: patterns}
	m.compiled = &c.out
	c.relative("root", m.Root)
	if isPath(m.Board) {
		c.slashes("board", m.Board)
	}
	if m.Layout == "openmv" && m.Dedup != nil && *m.Dedup {
		c.add(m.at("dedup"), CodeDedup, "remove it, or choose the layout compact", "true contradicts layout openmv: OpenMV's tools lose files that share the contents of others")
	}
	c.out.exclude = c.sources(m.excludeAt, m.Exclude)
	for i, a := range m.Align {
		c.out.align = append(c.out.align, c.pattern(m.alignAt(i)+".match", a.Match, pattern.Destinations))
	}
	c.mpy(nil)
	for i := range m.Files {
		if len(c.errs) > strictyaml.MaxErrors {
			break // of thousands of generated rules, the first that are wrong are enough
		}
		c.file(i, &m.Files[i])
	}
	return c.errs
}

// maxPatterns bounds the patterns of one manifest, with braces written out.
const maxPatterns = 100_000

type checker struct {
	m    *Manifest
	out  compiled
	errs Errors
	// patterns so far, with braces written out
	patterns *int
}

func (c *checker) add(path, code, remedy, format string, args ...any) {
	c.errs = append(c.errs, c.m.doc.Errorf(path, code, remedy, format, args...))
}

func (c *checker) pattern(path, text string, what pattern.For) *pattern.Pattern {
	if text == "" {
		return nil // the decoder has reported it
	}
	if *c.patterns > maxPatterns || len(c.errs) > strictyaml.MaxErrors {
		return nil
	}
	g, err := pattern.Compile(text, what)
	if wrong := (*pattern.Error)(nil); errors.As(err, &wrong) {
		c.add(path, wrong.Code, wrong.Remedy, "%s", wrong.Message)
		return nil
	}
	if *c.patterns += g.Alternatives(); *c.patterns > maxPatterns {
		c.add(path, CodeLimit, "write wildcards instead", "the manifest has more than %d patterns, each alternative in braces counted", maxPatterns)
		return nil
	}
	return g
}

func (c *checker) sources(at func(i int) string, texts []string) []*pattern.Pattern {
	var out []*pattern.Pattern
	for i, t := range texts {
		if g := c.pattern(at(i), t, pattern.Sources); g != nil {
			out = append(out, g)
		}
	}
	return out
}

func (c *checker) file(i int, f *Rule) {
	r := rule{path: c.m.ruleAt(i), file: f}
	defer func() { c.out.rules = append(c.out.rules, r) }()
	kinds := 0
	for _, key := range []string{"src", "image", "mkdir"} {
		if c.m.doc.Has(r.path + "." + key) {
			kinds++
		}
	}
	if kinds == 0 && c.m.doc.Refused(r.path) {
		return
	}
	if kinds != 1 {
		remedy := "keep one of them"
		if kinds == 0 {
			remedy = "add one of them"
		}
		c.add(r.path, strictyaml.CodeMissingKey, remedy, "a rule has exactly one of src, image and mkdir, and this has %d", kinds)
		return
	}
	c.useless(&r)
	switch {
	case f.Mkdir != "":
		r.dest, _ = c.dest(r.path+".mkdir", f.Mkdir)
		if r.dest == "" {
			c.add(r.path+".mkdir", CodeName, "name a directory below it", "the root of the image always exists")
		}
	case f.Image != "":
		c.relative(r.path+".image", f.Image)
		if !c.m.doc.Has(r.path + ".dest") {
			c.add(r.path, strictyaml.CodeMissingKey, "add dest: NAME.romfs", "an image needs a dest")
			return
		}
		r.dest, r.destDir = c.dest(r.path+".dest", f.Dest)
		if r.destDir {
			c.add(r.path+".dest", CodeName, fmt.Sprintf("write %q", strings.TrimSuffix(f.Dest, "/")+"/NAME.romfs"), "the destination of an image is a file, and %s is a directory", strictyaml.Quote(f.Dest))
		}
	default:
		c.src(&r)
		c.mpy(&r)
		c.transform(&r)
	}
}

// useless refuses keys that have no meaning for a rule's kind: an option that
// does nothing is a misunderstanding.
func (c *checker) useless(r *rule) {
	only := map[string]string{"strip": "src", "exclude": "src", "mpy": "src", "transform": "src", "bulk": "src image", "optional": "src", "align": "src image", "dest": "src image"}
	kind := "src"
	if r.file.Mkdir != "" {
		kind = "mkdir"
	} else if r.file.Image != "" {
		kind = "image"
	}
	for _, key := range []string{"dest", "strip", "exclude", "mpy", "transform", "align", "bulk", "optional"} {
		if c.m.doc.Has(r.path+"."+key) && !strings.Contains(only[key], kind) {
			c.add(r.path+"."+key, strictyaml.CodeUnknownKey, "remove it", "a rule with %s takes no %s", kind, key)
		}
	}
}

func (c *checker) src(r *rule) {
	f := r.file
	r.dest, r.destDir = c.dest(r.path+".dest", f.Dest)
	r.exclude = c.sources(func(i int) string { return fmt.Sprintf("%s.exclude[%d]", r.path, i) }, f.Exclude)
	strip, hasStrip := "", f.Strip != nil
	if hasStrip {
		s := *f.Strip
		switch strip = path.Clean(strings.TrimSuffix(s, "/")); {
		case strip == ".":
			strip = ""
		case strings.HasPrefix(s, "/") || strip == ".." || strings.HasPrefix(strip, "../"):
			c.add(r.path+".strip", CodeEscape, "write it relative to root", "%s leaves root", strictyaml.Quote(s))
			hasStrip = false
		case !r.destDir:
			c.add(r.path+".strip", CodeStrip, "remove it, or end dest with a slash", "strip has no use where dest names the file")
			hasStrip = false
		}
	}
	if !r.destDir && len(f.Src) > 1 {
		c.add(r.path+".dest", CodeName, fmt.Sprintf("write %q for a directory", f.Dest+"/"), "%s names one file, and src has %d patterns", strictyaml.Quote(f.Dest), len(f.Src))
	}
	for i, text := range f.Src {
		g := c.pattern(c.m.srcPath(r, i), text, pattern.Sources)
		r.src = append(r.src, g)
		r.strip = append(r.strip, "")
		if g == nil {
			continue
		}
		r.strip[i] = g.Base()
		if !r.destDir && !g.Literal() && len(f.Src) == 1 {
			c.add(r.path+".dest", CodeName, fmt.Sprintf("write %q for a directory", f.Dest+"/"), "%s names one file, and src is a pattern", strictyaml.Quote(f.Dest))
		}
		if hasStrip {
			r.strip[i] = strip
			if b := g.Base(); strip != "" && b != strip && !strings.HasPrefix(b, strip+"/") {
				c.add(r.path+".strip", CodeStrip, fmt.Sprintf("strip at most %q", b), "%s is not the beginning of %s", strictyaml.Quote(*f.Strip), strictyaml.Quote(text))
			}
		}
	}
}

// srcPath returns the path of one pattern of a rule, which is written alone
// or in a list.
func (m *Manifest) srcPath(r *rule, i int) string {
	if at := fmt.Sprintf("%s.src[%d]", r.path, i); m.doc.Has(at) {
		return at
	}
	return r.path + ".src"
}

// relative refuses a path that another machine does not have.
func (c *checker) relative(at, path string) {
	if strings.HasPrefix(path, "/") || filepath.IsAbs(path) {
		c.add(at, CodeEscape, "write it relative to the manifest", "%s is an absolute path, which differs between machines", strictyaml.Quote(path))
		return
	}
	c.slashes(at, path)
}

// slashes refuses a path that another system would read differently.
func (c *checker) slashes(at, path string) {
	if strings.Contains(path, `\`) {
		c.add(at, CodeName, "write slashes", "%s has a backslash, which separates directories on Windows only", strictyaml.Quote(path))
	}
}

// dest checks a destination and returns it without slashes around it, and
// whether it names a directory.
func (c *checker) dest(at, dest string) (string, bool) {
	isDir := strings.HasSuffix(dest, "/")
	clean := strings.TrimPrefix(strings.TrimSuffix(dest, "/"), "/")
	if clean == "" {
		return "", isDir
	}
	if strings.Contains(clean, `\`) {
		c.add(at, CodeName, "write slashes", "%s has a backslash, which MicroPython takes for a part of the name", strictyaml.Quote(dest))
	}
	for elem := range strings.SplitSeq(clean, "/") {
		if why := badName(elem); why != "" {
			c.add(at, CodeName, "", "%s cannot be a destination: %s", strictyaml.Quote(dest), why)
			break
		}
	}
	return clean, isDir
}

// maxNameBytes is f_namemax of MicroPython's VfsRom.
const maxNameBytes = 32767

// badName says why the driver could not look up a file of that name, or "".
func badName(elem string) string {
	switch {
	case elem == "":
		return "it has an empty name between two slashes"
	case elem == "." || elem == "..":
		return fmt.Sprintf("MicroPython looks up %q as a plain name, and no import or path can reach it", elem)
	case strings.ContainsRune(elem, 0):
		return "it holds a NUL character, where MicroPython's paths end"
	case len(elem) > maxNameBytes:
		return fmt.Sprintf("a name of %d bytes is longer than the %d of MicroPython's driver", len(elem), maxNameBytes)
	case !utf8.ValidString(elem):
		return "the name is no UTF-8, and MicroPython cannot list the directory then"
	}
	return ""
}
