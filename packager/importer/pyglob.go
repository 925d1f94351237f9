package importer

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// pythonGlob returns the files that sorted(glob.glob(pattern)) of Python has:
// the stars of "**" are no more than one, what begins with a dot is matched by
// a segment that does too, links are followed, and there are no escapes.
func (im *importer) pythonGlob(pattern string) ([]string, error) {
	volume := filepath.VolumeName(pattern)
	segments := strings.Split(filepath.ToSlash(pattern[len(volume):]), "/")
	found := []string{volume + string(filepath.Separator)}
	for i, segment := range segments {
		if segment == "" {
			continue
		}
		last := i == len(segments)-1
		var next []string
		for _, dir := range found {
			names, err := im.matchSegment(dir, segment)
			if err != nil {
				return nil, err
			}
			for _, name := range names {
				path := filepath.Join(dir, name)
				info, err := os.Stat(path)
				if err == nil && (last && info.Mode().IsRegular() || !last && info.IsDir()) {
					next = append(next, path)
				}
			}
		}
		found = next
	}
	slices.Sort(found)
	return found, nil
}

// matchSegment lists the names in a directory that one segment matches.
func (im *importer) matchSegment(dir, segment string) ([]string, error) {
	if !strings.ContainsAny(segment, "*?[") {
		return []string{segment}, im.look(1, dir)
	}
	re := regexp.MustCompile(fnmatch(segment))
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err := im.look(1+len(entries), dir); err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if name := e.Name(); re.MatchString(name) && (name[0] != '.' || segment[0] == '.') {
			names = append(names, name)
		}
	}
	return names, nil
}

// fnmatch writes a segment of Python's fnmatch as a regular expression.
func fnmatch(segment string) string {
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	for i := 0; i < len(segment); i++ {
		switch segment[i] {
		case '*':
			b.WriteString(".*")
		case '?':
			b.WriteByte('.')
		case '[':
			set, end := bracket(segment[i:])
			b.WriteString(set)
			i += end
		default:
			b.WriteString(regexp.QuoteMeta(segment[i : i+1]))
		}
	}
	b.WriteString(`\z`)
	return b.String()
}

// bracket writes the set that s begins with, and returns where it ends; a
// bracket that is never closed is one character.
func bracket(s string) (string, int) {
	body := 1
	if strings.HasPrefix(s[body:], "!") {
		body++
	}
	first := body
	if strings.HasPrefix(s[first:], "]") {
		first++ // it is part of the set
	}
	length := strings.IndexByte(s[first:], ']')
	if length < 0 {
		return `\[`, 0
	}
	end := first + length
	set := strings.NewReplacer(`\`, `\\`, `[`, `\[`, `]`, `\]`, `^`, `\^`).Replace(s[body:end])
	if body == 2 {
		set = "^" + set
	}
	re := "[" + set + "]"
	if _, err := regexp.Compile(re); err != nil {
		return `[^\x{0}-\x{10ffff}]`, end // a range that runs backwards matches nothing
	}
	return re, end
}

// isFile reports whether there is a regular file, also through a link.
func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// stem is the path without its extension, as Python's os.path.splitext has it:
// dots at the start of the name do not begin one.
func stem(path string) string {
	base := filepath.Base(path)
	if ext := filepath.Ext(strings.TrimLeft(base, ".")); ext != "" {
		return strings.TrimSuffix(path, ext)
	}
	return path
}
