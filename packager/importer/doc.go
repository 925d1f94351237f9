package importer

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"rules_romfs/internal/lazyregexp"
	"rules_romfs/internal/strictyaml"
)

// A doc is a manifest as it is going to be written: what it says, and the
// comments that a person would have put beside it. It is written by hand: the
// writers of YAML libraries keep no blank lines and line up no comments. Each
// manifest is read again before it goes out, see finish.
type doc struct {
	comments []string // at the top
	name     string
	board    string
	// boardHint puts a comment where the board would stand.
	boardHint bool
	root      string
	layout    string
	noDedup   bool
	compile   *setting // mpy.compile; nil: not said
	optimize  *int     // mpy.optimize
	arch      *setting // mpy.arch; nil: not said
	align     []alignEntry
	exclude   []string
	// one image has its partition and rules here, several have one each
	images []image
}

// A setting is a value with the reason for it.
type setting struct{ value, comment string }

type alignEntry struct {
	match   string
	to      int64
	comment string
}

// An image is one partition's part of a doc.
type image struct {
	partition string
	output    string
	budget    int64 // bytes; 0: none
	why       string
	rules     []rule
	trailer   []string // comments after the last rule
}

// A rule is one entry of files.
type rule struct {
	comments  []string
	src       []string // patterns
	mkdir     string
	dest      string // empty: /
	strip     *string
	align     int64 // 0: none
	alignWhy  string
	noCompile bool
	optimize  *int
	transform *transform
	optional  bool
}

// A transform is a rule's conversion: a preset and its arguments.
type transform struct {
	preset string
	args   []string
	inputs []string
}

// text writes the manifest.
func (d *doc) text() []byte {
	w := &writer{}
	for _, c := range d.comments {
		w.line("# %s", c)
	}
	w.pair("version", "1", "")
	w.pair("name", scalar(d.name), "")
	if d.board != "" {
		w.pair("board", scalar(d.board), "")
	}
	if d.boardHint {
		w.line("# board: openmv-n6           # `romfs boards` lists them; checks size, alignment and .mpy files")
	}
	several := len(d.images) > 1
	if !several && d.images[0].partition != "" {
		w.pair("partition", scalar(d.images[0].partition), "")
	}
	if !several && d.images[0].output != "" {
		w.pair("output", scalar(d.images[0].output), "")
	}
	if d.root != "." && d.root != "" {
		w.pair("root", scalar(d.root), "every src is relative to it")
	}
	if d.layout != "" {
		w.pair("layout", d.layout, "")
	}
	if d.noDedup {
		w.pair("dedup", "false", "")
	}
	d.settings(w)
	if !several {
		w.budget(&d.images[0])
		w.line("")
		w.rules(&d.images[0])
		return w.buf
	}
	w.line("")
	w.line("images:")
	for i := range d.images {
		im := &d.images[i]
		if i > 0 {
			w.line("")
		}
		w.item()
		w.pair("partition", scalar(im.partition), "")
		if im.output != "" {
			w.pair("output", scalar(im.output), "")
		}
		w.budget(im)
		w.rules(im)
		w.indent = ""
	}
	return w.buf
}

// settings writes what holds for every image.
func (d *doc) settings(w *writer) {
	if d.compile != nil || d.optimize != nil || d.arch != nil {
		w.line("")
		w.line("mpy:")
		w.indent = "  "
		if d.compile != nil {
			w.pair("compile", d.compile.value, d.compile.comment)
		}
		if d.optimize != nil {
			w.pair("optimize", fmt.Sprint(*d.optimize), "")
		}
		if d.arch != nil {
			w.pair("arch", d.arch.value, d.arch.comment)
		}
		w.indent = ""
	}
	if len(d.align) > 0 {
		w.line("")
		w.line("align:")
		for _, a := range d.align {
			w.commented(fmt.Sprintf("  - {match: %s, to: %d}", scalar(a.match), a.to), a.comment)
		}
	}
	if len(d.exclude) > 0 {
		w.line("")
		w.line("exclude:")
		for _, e := range d.exclude {
			w.line("  - %s", scalar(e))
		}
	}
}

// A writer collects lines.
type writer struct {
	buf    []byte
	indent string
	first  bool // the next line begins an item of a list
}

// item begins an item of a list: what follows is inside it.
func (w *writer) item() {
	w.indent += "    "
	w.first = true
}

func (w *writer) line(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if text != "" {
		indent := w.indent
		if w.first && !strings.HasPrefix(text, "#") {
			indent, w.first = indent[:len(indent)-2]+"- ", false
		} else if w.first {
			indent = indent[:len(indent)-2]
		}
		text = indent + text
	}
	w.buf = append(append(w.buf, text...), '\n')
}

func (w *writer) commented(text, comment string) {
	if comment != "" {
		text = fmt.Sprintf("%-*s # %s", 32-len(w.indent), text, oneLine(comment))
	}
	w.line("%s", text)
}

func (w *writer) pair(key, value, comment string) { w.commented(key+": "+value, comment) }

func (w *writer) budget(im *image) {
	if im.budget > 0 {
		w.pair("budget", fmt.Sprintf("{max: %v}", strictyaml.Size(im.budget)), im.why)
	}
}

func (w *writer) rules(im *image) {
	w.line("files:")
	outer := w.indent
	for i := range im.rules {
		r := &im.rules[i]
		if i > 0 && (len(r.comments) > 0 || !r.short() || !im.rules[i-1].short()) {
			w.line("")
		}
		w.item()
		w.rule(r)
		w.indent = outer
	}
	if len(im.trailer) > 0 {
		w.line("")
		for _, c := range im.trailer {
			w.line("  # %s", oneLine(c))
		}
	}
}

// short reports whether a rule takes one line, so that a list of such needs no
// blank lines between.
func (r *rule) short() bool {
	return len(r.comments) == 0 && len(r.src) <= 1 && r.dest == "" && r.strip == nil && r.align == 0 &&
		!r.noCompile && r.optimize == nil && r.transform == nil && !r.optional
}

func (w *writer) rule(r *rule) {
	for _, c := range r.comments {
		w.line("# %s", oneLine(c))
	}
	switch {
	case r.mkdir != "":
		w.pair("mkdir", scalar(r.mkdir), "")
	case len(r.src) == 1:
		w.pair("src", scalar(r.src[0]), "")
	default:
		w.line("src:")
		for _, s := range r.src {
			w.line("  - %s", scalar(s))
		}
	}
	if r.dest != "" {
		w.pair("dest", scalar(r.dest), "")
	}
	if r.strip != nil {
		w.pair("strip", scalar(*r.strip), "")
	}
	if r.transform != nil {
		w.pair("transform", r.transform.text(), "")
	}
	switch {
	case r.noCompile:
		w.pair("mpy", "false", "")
	case r.optimize != nil:
		w.pair("mpy", fmt.Sprintf("{optimize: %d}", *r.optimize), "")
	}
	if r.align > 0 {
		w.pair("align", fmt.Sprint(r.align), r.alignWhy)
	}
	if r.optional {
		w.pair("optional", "true", "")
	}
}

func (t *transform) text() string {
	switch {
	case t == nil:
		return ""
	case len(t.args) == 0 && len(t.inputs) == 0:
		return scalar(t.preset)
	}
	text := "{preset: " + scalar(t.preset)
	if len(t.args) > 0 {
		text += ", args: " + flow(t.args)
	}
	if len(t.inputs) > 0 {
		text += ", inputs: " + flow(t.inputs)
	}
	return text + "}"
}

// flow writes a list in one line.
func flow(list []string) string {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = scalar(s)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// plainScalar matches what YAML takes for text without quotes, also inside
// brackets: no indicator at the start, no number, no separator.
var plainScalar = lazyregexp.New(`^[A-Za-z_./][A-Za-z0-9_./+@=-]*(\*{1,2}[A-Za-z0-9_./+@=*-]*)?$`)

// reserved are the words that are no text in one version of YAML or another.
var reserved = map[string]bool{"true": true, "false": true, "yes": true, "no": true, "on": true, "off": true, "null": true, "y": true, "n": true}

// scalar writes a text as YAML: plain where that is safe in every place,
// else in double quotes.
func scalar(s string) string {
	if plainScalar().MatchString(s) && !reserved[strings.ToLower(s)] && !numberLike().MatchString(s) {
		return s
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < 0x20 || r == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r == 0x85 || r == 0x2028 || r == 0x2029 || r == 0xfeff || r >= 0x80 && r < 0xa0:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

var numberLike = lazyregexp.New(`^\.?[0-9]|^\.(inf|nan)$`)

// oneLine makes a text fit for a comment.
func oneLine(s string) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "�")
	}
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0x2028 || r == 0x2029 || r == 0xfeff {
			return ' '
		}
		return r
	}, s)
}
