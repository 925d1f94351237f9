package importer

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"rules_romfs/internal/pattern"
	"rules_romfs/internal/slashpath"
	"rules_romfs/manifest"
	"rules_romfs/packager/report"
)

// write makes the manifest of what is packed, and the notes of what is not.
func (p *project) write() error {
	im := p.im
	var out image
	for i, root := range p.roots {
		out.rules = append(out.rules, p.modules(i, root))
	}
	p.excludes()
	for i, root := range p.roots {
		out.rules = append(out.rules, p.dataRules(i, root)...)
	}
	if err := im.setBoard(); err != nil {
		return err
	}
	im.needArch(p.native)
	im.doc.boardHint = im.doc.board == ""
	out.trailer = []string{"- src: assets/**             # data: packed as it is", "  dest: assets/", "  align: 16                  # bytes, for what is used in place"}
	im.doc.images = []image{out}
	im.res.Text = im.doc.text()
	m, err := manifest.Parse(im.res.Text, im.Out)
	if err != nil {
		return err
	}
	// What is really packed decides what is not.
	plan, _, err := manifest.Resolve(im.ctx, m, nil, manifest.ResolveOptions{})
	if err != nil {
		return err
	}
	packed := map[string]bool{}
	for e := range plan.Files() {
		packed[e.Source] = true
	}
	im.res.Images = []Image{{Files: len(packed)}}
	for i := range p.files {
		switch f := &p.files[i]; {
		case packed[f.name]:
			f.leftOut = leftOut{}
		case f.pack:
			f.leftOut = leftOut{"no rule finds it", true}
		}
	}
	p.notes()
	return nil
}

// modules is the rule of a root's modules.
func (p *project) modules(i int, root projectRoot) rule {
	r := rule{dest: root.dest}
	if root.dest != "" {
		r.comments = []string{"modules that are found in " + root.dest + " of the image, too"}
	}
	any := false
	for _, ext := range []string{".py", ".mpy"} {
		has := slices.ContainsFunc(p.files, func(f projectFile) bool { return f.pack && f.module && f.root == i && path.Ext(f.name) == ext })
		if has || ext == ".py" {
			r.src = append(r.src, slashpath.Join(pattern.Escape(root.dir), "**/*"+ext))
		}
		any = any || has
	}
	r.optional = !any
	return r
}

// excludes leaves out what the patterns of modules would find and must not.
func (p *project) excludes() {
	add := func(text string) { p.im.doc.exclude = append(p.im.doc.exclude, text) }
	kept := func(glob *pattern.Pattern) bool {
		return slices.ContainsFunc(p.files, func(f projectFile) bool { return f.pack && glob.Match(f.name) })
	}
	var globs []*pattern.Pattern
	try := func(text string) {
		if glob, err := pattern.Compile(text, pattern.Sources); err == nil && !kept(glob) {
			add(text)
			globs = append(globs, glob)
		}
	}
	try("**/*_test.py")
	for _, f := range p.files {
		if !f.module || f.pack || f.root == none || slices.ContainsFunc(globs, func(g *pattern.Pattern) bool { return g.Match(f.name) }) {
			continue
		}
		if strings.HasPrefix(path.Base(f.name), "test_") {
			try("**/test_*.py")
		}
		for dir := range strings.SplitSeq("tests test", " ") {
			if before, _, ok := strings.Cut("/"+f.name, "/"+dir+"/"); ok {
				try(strings.TrimPrefix(before+"/"+dir+"/**", "/"))
			}
		}
		if !slices.ContainsFunc(globs, func(g *pattern.Pattern) bool { return g.Match(f.name) }) {
			try(pattern.Escape(f.name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.left)) {
		dir, isDir := strings.CutSuffix(name, "/")
		base := path.Base(dir)
		switch {
		case strings.HasPrefix(base, ".") || manifest.LeftOut(base) != "": // no pattern finds it
		case isDir && !p.left[name].lost: // patterns do not follow links to directories
			add(pattern.Escape(dir) + "/**")
		case !isDir && (path.Ext(base) == ".py" || path.Ext(base) == ".mpy"):
			add(pattern.Escape(name))
		}
	}
}

// dataRules are the rules of what a root's modules read: for each directory, a
// pattern for each suffix where that finds the same; else, and for what lies
// elsewhere, the names.
func (p *project) dataRules(i int, root projectRoot) []rule {
	groups := map[string][]string{} // by pattern
	for _, f := range p.files {
		if f.pack && !f.module && (f.root == i || f.root == none && i == 0) {
			groups[p.dataPattern(f, root)] = append(groups[p.dataPattern(f, root)], f.name)
		}
	}
	byDir := map[string]*rule{}
	var names []string
	for _, text := range slices.Sorted(maps.Keys(groups)) {
		glob, err := pattern.Compile(text, pattern.Sources)
		exact := err == nil && !slices.ContainsFunc(p.files, func(f projectFile) bool { return !f.pack && glob.Match(f.name) })
		if text == "" || !exact {
			names = append(names, groups[text]...)
			continue
		}
		dir := glob.Base()
		if byDir[dir] == nil {
			below := strings.TrimPrefix(strings.TrimPrefix(dir, root.dir), "/")
			byDir[dir] = &rule{dest: root.dest}
			if below != "" {
				byDir[dir].dest += below + "/"
			}
		}
		byDir[dir].src = append(byDir[dir].src, text)
	}
	var rules []rule
	for _, dir := range slices.Sorted(maps.Keys(byDir)) {
		rules = append(rules, *byDir[dir])
	}
	return append(rules, p.named(names, root)...)
}

// dataPattern is the pattern of a file's suffix in the topmost directory below
// its root; empty for what a name alone finds.
func (p *project) dataPattern(f projectFile, root projectRoot) string {
	ext := path.Ext(f.name)
	rest, ok := strings.CutPrefix(f.name, root.dir+"/")
	if root.dir == "" {
		rest, ok = f.name, true
	}
	top, _, below := strings.Cut(rest, "/")
	switch {
	case !ok || ext == "":
		return ""
	case below:
		return slashpath.Join(pattern.Escape(slashpath.Join(root.dir, top)), "**/*"+pattern.Escape(ext))
	case root.dir == "":
		return ""
	}
	return pattern.Escape(root.dir) + "/*" + pattern.Escape(ext)
}

// named are the rules of files by their names.
func (p *project) named(names []string, root projectRoot) []rule {
	var rules []rule
	for _, name := range slices.Sorted(slices.Values(names)) {
		into := root.dest
		rest, ok := strings.CutPrefix(name, root.dir+"/")
		if !ok || root.dir == "" {
			into, rest = "", name
		}
		if dir := slashpath.Parent(rest); dir != "" {
			into += dir + "/"
		}
		if last := len(rules) - 1; last >= 0 && rules[last].dest == into {
			rules[last].src = append(rules[last].src, pattern.Escape(name))
			continue
		}
		rules = append(rules, rule{src: []string{pattern.Escape(name)}, dest: into})
	}
	return rules
}

// notes says of all that is not packed why. A directory stands for what is in it
// where all of that is left out for one reason.
func (p *project) notes() {
	left := maps.Clone(p.left)
	whole := map[string]leftOut{} // directories, to the reason of all in them
	mixed := map[string]bool{}
	count := map[string]int{}
	for _, f := range p.files {
		for dir := slashpath.Parent(f.name); dir != ""; dir = slashpath.Parent(dir) {
			count[dir]++
			if have, ok := whole[dir]; ok && have != f.leftOut || f.why == "" {
				mixed[dir] = true
			}
			whole[dir] = f.leftOut
		}
	}
	for _, f := range p.files {
		if f.why == "" {
			continue
		}
		name := f.name
		for dir := slashpath.Parent(f.name); dir != "" && !mixed[dir]; dir = slashpath.Parent(dir) {
			name = dir + "/"
		}
		left[name] = f.leftOut
	}
	byWhy := map[leftOut][]string{}
	for _, name := range slices.Sorted(maps.Keys(left)) {
		text := name
		if n := count[strings.TrimSuffix(name, "/")]; n > 0 {
			text = fmt.Sprintf("%s (%s)", name, report.Plural(int64(n), "file"))
		}
		byWhy[left[name]] = append(byWhy[left[name]], text)
	}
	order := slices.SortedFunc(maps.Keys(byWhy), func(a, b leftOut) int { return cmp.Compare(a.why, b.why) })
	for _, why := range order {
		n := Note{Code: NoteAside, Message: fmt.Sprintf("not packed, %s: %s", why.why, strings.Join(byWhy[why], ", "))}
		if why.lost {
			n.Code, n.Remedy = NoteLeftOut, "to pack one, add a rule for it to "+p.im.Out
		}
		p.im.note(n)
	}
}
