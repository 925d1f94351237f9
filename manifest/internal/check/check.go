// Package check finds what is wrong with a manifest by itself, whatever the
// files are, and compiles its patterns.
package check

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"rules_romfs/internal/pattern"
	"rules_romfs/internal/strictyaml"
	"rules_romfs/manifest/internal/code"
	"rules_romfs/manifest/internal/spec"
)

// Check finds what is wrong with a manifest by itself, and compiles its
// patterns.
//
// patterns counts those of all images of a manifest.
func Check(m *spec.Manifest, patterns *int) strictyaml.Errors {
	c := &checker{m: m, patterns: patterns, out: m.Compiled()}
	c.relative("root", m.Root)
	if spec.IsPath(m.Board) {
		c.slashes("board", m.Board)
	}
	if m.Layout == "openmv" && m.Dedup != nil && *m.Dedup {
		c.add(m.At("dedup"), code.Dedup, "remove it, or choose the layout compact", "true contradicts layout openmv: OpenMV's tools lose files that share the contents of others")
	}
	c.out.Exclude = c.sources(m.ExcludeAt, m.Exclude)
	for i, a := range m.Align {
		c.out.Align = append(c.out.Align, c.pattern(m.AlignAt(i)+".match", a.Match, pattern.Destinations))
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

// MaxPatterns bounds the patterns of one manifest, with braces written out.
const MaxPatterns = 100_000

type checker struct {
	m    *spec.Manifest
	out  *spec.Compiled
	errs strictyaml.Errors
	// patterns so far, with braces written out
	patterns *int
}

func (c *checker) add(path, code, remedy, format string, args ...any) {
	c.errs = append(c.errs, c.m.Doc().Errorf(path, code, remedy, format, args...))
}

func (c *checker) pattern(path, text string, what pattern.For) *pattern.Pattern {
	if text == "" {
		return nil // the decoder has reported it
	}
	if *c.patterns > MaxPatterns || len(c.errs) > strictyaml.MaxErrors {
		return nil
	}
	g, err := pattern.Compile(text, what)
	if wrong := (*pattern.Error)(nil); errors.As(err, &wrong) {
		c.add(path, wrong.Code, wrong.Remedy, "%s", wrong.Message)
		return nil
	}
	if *c.patterns += g.Alternatives(); *c.patterns > MaxPatterns {
		c.add(path, code.Limit, "write wildcards instead", "the manifest has more than %d patterns, each alternative in braces counted", MaxPatterns)
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

func (c *checker) file(i int, f *spec.Rule) {
	r := spec.CompiledRule{Rule: f, At: c.m.RuleAt(i)}
	defer func() { c.out.Rules = append(c.out.Rules, r) }()
	kinds := 0
	for _, key := range []string{"src", "image", "mkdir"} {
		if c.m.Doc().Has(r.At + "." + key) {
			kinds++
		}
	}
	if kinds == 0 && c.m.Doc().Refused(r.At) {
		return
	}
	if kinds != 1 {
		remedy := "keep one of them"
		if kinds == 0 {
			remedy = "add one of them"
		}
		c.add(r.At, strictyaml.CodeMissingKey, remedy, "a rule has exactly one of src, image and mkdir, and this has %d", kinds)
		return
	}
	c.useless(&r)
	switch {
	case f.Mkdir != "":
		r.Into, _ = c.dest(r.At+".mkdir", f.Mkdir)
		if r.Into == "" {
			c.add(r.At+".mkdir", code.Name, "name a directory below it", "the root of the image always exists")
		}
	case f.Image != "":
		c.relative(r.At+".image", f.Image)
		if !c.m.Doc().Has(r.At + ".dest") {
			c.add(r.At, strictyaml.CodeMissingKey, "add dest: NAME.romfs", "an image needs a dest")
			return
		}
		r.Into, r.IsDir = c.dest(r.At+".dest", f.Dest)
		if r.IsDir {
			c.add(r.At+".dest", code.Name, fmt.Sprintf("write %q", strings.TrimSuffix(f.Dest, "/")+"/NAME.romfs"), "the destination of an image is a file, and %s is a directory", strictyaml.Quote(f.Dest))
		}
	default:
		c.src(&r)
		c.mpy(&r)
		c.transform(&r)
	}
}

// useless refuses keys that have no meaning for a rule's kind: an option that
// does nothing is a misunderstanding.
func (c *checker) useless(r *spec.CompiledRule) {
	only := map[string]string{"strip": "src", "exclude": "src", "mpy": "src", "transform": "src", "bulk": "src image", "optional": "src", "align": "src image", "dest": "src image"}
	kind := "src"
	if r.Mkdir != "" {
		kind = "mkdir"
	} else if r.Image != "" {
		kind = "image"
	}
	for _, key := range []string{"dest", "strip", "exclude", "mpy", "transform", "align", "bulk", "optional"} {
		if c.m.Doc().Has(r.At+"."+key) && !strings.Contains(only[key], kind) {
			c.add(r.At+"."+key, strictyaml.CodeUnknownKey, "remove it", "a rule with %s takes no %s", kind, key)
		}
	}
}

func (c *checker) src(r *spec.CompiledRule) {
	f := r.Rule
	r.Into, r.IsDir = c.dest(r.At+".dest", f.Dest)
	r.Excludes = c.sources(func(i int) string { return fmt.Sprintf("%s.exclude[%d]", r.At, i) }, f.Exclude)
	strip, hasStrip := "", f.Strip != nil
	if hasStrip {
		s := *f.Strip
		switch strip = path.Clean(strings.TrimSuffix(s, "/")); {
		case strip == ".":
			strip = ""
		case strings.HasPrefix(s, "/") || strip == ".." || strings.HasPrefix(strip, "../"):
			c.add(r.At+".strip", code.Escape, "write it relative to root", "%s leaves root", strictyaml.Quote(s))
			hasStrip = false
		case !r.IsDir:
			c.add(r.At+".strip", code.Strip, "remove it, or end dest with a slash", "strip has no use where dest names the file")
			hasStrip = false
		}
	}
	if !r.IsDir && len(f.Src) > 1 {
		c.add(r.At+".dest", code.Name, fmt.Sprintf("write %q for a directory", f.Dest+"/"), "%s names one file, and src has %d patterns", strictyaml.Quote(f.Dest), len(f.Src))
	}
	for i, text := range f.Src {
		g := c.pattern(c.m.SrcAt(r, i), text, pattern.Sources)
		r.Patterns = append(r.Patterns, g)
		r.Strips = append(r.Strips, "")
		if g == nil {
			continue
		}
		r.Strips[i] = g.Base()
		if !r.IsDir && !g.Literal() && len(f.Src) == 1 {
			c.add(r.At+".dest", code.Name, fmt.Sprintf("write %q for a directory", f.Dest+"/"), "%s names one file, and src is a pattern", strictyaml.Quote(f.Dest))
		}
		if hasStrip {
			r.Strips[i] = strip
			if b := g.Base(); strip != "" && b != strip && !strings.HasPrefix(b, strip+"/") {
				c.add(r.At+".strip", code.Strip, fmt.Sprintf("strip at most %q", b), "%s is not the beginning of %s", strictyaml.Quote(*f.Strip), strictyaml.Quote(text))
			}
		}
	}
}

// relative refuses a path that another machine does not have.
func (c *checker) relative(at, path string) {
	if strings.HasPrefix(path, "/") || filepath.IsAbs(path) {
		c.add(at, code.Escape, "write it relative to the manifest", "%s is an absolute path, which differs between machines", strictyaml.Quote(path))
		return
	}
	c.slashes(at, path)
}

// slashes refuses a path that another system would read differently.
func (c *checker) slashes(at, path string) {
	if strings.Contains(path, `\`) {
		c.add(at, code.Name, "write slashes", "%s has a backslash, which separates directories on Windows only", strictyaml.Quote(path))
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
		c.add(at, code.Name, "write slashes", "%s has a backslash, which MicroPython takes for a part of the name", strictyaml.Quote(dest))
	}
	for elem := range strings.SplitSeq(clean, "/") {
		if why := BadName(elem); why != "" {
			c.add(at, code.Name, "", "%s cannot be a destination: %s", strictyaml.Quote(dest), why)
			break
		}
	}
	return clean, isDir
}

// MaxNameBytes is f_namemax of MicroPython's VfsRom.
const MaxNameBytes = 32767

// BadName says why the driver could not look up a file of that name, or "".
func BadName(elem string) string {
	switch {
	case elem == "":
		return "it has an empty name between two slashes"
	case elem == "." || elem == "..":
		return fmt.Sprintf("MicroPython looks up %q as a plain name, and no import or path can reach it", elem)
	case strings.ContainsRune(elem, 0):
		return "it holds a NUL character, where MicroPython's paths end"
	case len(elem) > MaxNameBytes:
		return fmt.Sprintf("a name of %d bytes is longer than the %d of MicroPython's driver", len(elem), MaxNameBytes)
	case !utf8.ValidString(elem):
		return "the name is no UTF-8, and MicroPython cannot list the directory then"
	}
	return ""
}
