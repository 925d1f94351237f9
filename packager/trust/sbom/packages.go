package sbom

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/textproto"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"rules_romfs/internal/lazyregexp"
	"rules_romfs/internal/smallfile"
	"rules_romfs/internal/syserr"
)

// A Finder tells which package a source belongs to, by what package managers
// leave beside it: the dist-info folder of pip, and the manifest.py with
// metadata() that each package of micropython-lib has.
type Finder struct {
	installed map[string]map[string]*Package // by folder of pip's: path below it to package
	library   map[string]*Package            // by folder with a manifest.py; nil: none there
}

// A ReadError says that what a package manager left could not be read: a bill
// without that package would not be whole.
type ReadError struct {
	Path string
	Err  error
}

func (e *ReadError) Error() string { return fmt.Sprintf("bill of materials: %s: %v", e.Path, e.Err) }
func (e *ReadError) Unwrap() error { return e.Err }

// read returns a file that a package manager has written; nil if there is none.
func read(path string) ([]byte, error) {
	data, _, err := smallfile.Read(path, maxMetadata)
	switch {
	case err == nil:
		return data, nil
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, smallfile.ErrNotRegular):
		return nil, nil
	case errors.Is(err, smallfile.ErrLarge):
		return nil, &ReadError{path, fmt.Errorf("it has more than %d MiB, the limit of what is read to find the packages of sources", maxMetadata>>20)}
	}
	return nil, &ReadError{path, syserr.Reason(err)}
}

// Package returns the package of the file at path, or nil.
func (f *Finder) Package(file string) (*Package, error) {
	abs, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	below := filepath.Base(abs)
	for dir, depth := filepath.Dir(abs), 0; depth < maxParents; depth++ {
		files, err := f.inFolder(dir)
		if err != nil {
			return nil, err
		}
		if p := files[filepath.ToSlash(below)]; p != nil {
			return p, nil
		}
		p, err := f.inLibrary(dir)
		if err != nil {
			return nil, err
		}
		if p != nil {
			return p, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			break
		}
		below, dir = filepath.Join(filepath.Base(dir), below), parent
	}
	return nil, nil
}

// maxParents is how far above a source its package is looked for, and maxMetadata
// the largest file in bytes that is read for it.
const (
	maxParents  = 8
	maxMetadata = 16 << 20
)

// inFolder returns the packages that pip installed into a folder, by file.
func (f *Finder) inFolder(dir string) (map[string]*Package, error) {
	if files, ok := f.installed[dir]; ok {
		return files, nil
	}
	if f.installed == nil {
		f.installed = map[string]map[string]*Package{}
	}
	files := map[string]*Package{}
	infos, _ := filepath.Glob(filepath.Join(escapeGlob(dir), "*.dist-info"))
	for _, info := range infos {
		p, err := installedPackage(info)
		if err != nil {
			return nil, err
		}
		if p == nil {
			continue
		}
		record, err := read(filepath.Join(info, "RECORD"))
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(record)) {
			name, _, _ := strings.Cut(strings.TrimSpace(line), ",")
			files[path.Clean(strings.Trim(name, `"`))] = p
		}
	}
	f.installed[dir] = files
	return files, nil
}

func escapeGlob(dir string) string {
	if os.PathSeparator == '\\' {
		return dir // escaping is not to be had there
	}
	return globSpecial().ReplaceAllString(dir, `\$0`)
}

// installedPackage reads pip's METADATA, whose head has the form of a mail.
func installedPackage(info string) (*Package, error) {
	data, err := read(filepath.Join(info, "METADATA"))
	if err != nil || data == nil {
		return nil, err
	}
	head, _ := textproto.NewReader(bufio.NewReader(bytes.NewReader(append(data, "\n\n"...)))).ReadMIMEHeader()
	p := &Package{Name: head.Get("Name"), Version: head.Get("Version"), License: head.Get("License-Expression")}
	if p.Name == "" {
		return nil, nil
	}
	if p.License == "" {
		p.License = shortLicense(head.Get("License"))
	}
	// PyPI's names are one whatever their case and punctuation (PEP 503).
	name := strings.ToLower(nameSeparators().ReplaceAllString(p.Name, "-"))
	p.PURL = purl("pypi", "", name, p.Version)
	return p, nil
}

// shortLicense is the name of a license; some packages put its whole text there.
func shortLicense(text string) string {
	if text = strings.TrimSpace(text); len(text) > 80 || strings.EqualFold(text, "unknown") {
		return ""
	}
	return text
}

// inLibrary returns the package of micropython-lib that a folder is.
func (f *Finder) inLibrary(dir string) (*Package, error) {
	if p, ok := f.library[dir]; ok {
		return p, nil
	}
	if f.library == nil {
		f.library = map[string]*Package{}
	}
	data, err := read(filepath.Join(dir, "manifest.py"))
	if err != nil {
		return nil, err
	}
	f.library[dir] = libraryPackage(filepath.Base(dir), string(data))
	return f.library[dir], nil
}

var (
	globSpecial    = lazyregexp.New(`[*?\[\\]`)
	nameSeparators = lazyregexp.New(`[-_.]+`)
	metadataCall   = lazyregexp.New(`(?:^|\n)metadata\s*\(((?:[^()"']|"[^"]*"|'[^']*')*)\)`)
	argument       = lazyregexp.New(`(\w+)\s*=\s*(?:"([^"\\]*)"|'([^'\\]*)')`)
)

// libraryPackage reads metadata(version="1.2.3", license="MIT", …) of a manifest.py.
func libraryPackage(name, text string) *Package {
	call := metadataCall().FindStringSubmatch(text)
	if call == nil {
		return nil
	}
	arguments := map[string]string{}
	for _, m := range argument().FindAllStringSubmatch(call[1], -1) {
		arguments[m[1]] = m[2] + m[3]
	}
	if arguments["version"] == "" {
		return nil // a board's manifest, or a description alone
	}
	return &Package{Name: name, Version: arguments["version"], License: arguments["license"],
		PURL: purl("generic", "micropython-lib", name, arguments["version"])}
}

// Describe reads what a package manager has left about a package: METADATA of a
// dist-info folder of pip's, or a manifest.py of micropython-lib's. It returns nil
// for a file that is neither, or says too little.
func Describe(file string) (*Package, error) {
	switch filepath.Base(file) {
	case "METADATA":
		return installedPackage(filepath.Dir(file))
	case "manifest.py":
		return new(Finder).inLibrary(filepath.Dir(file))
	}
	return nil, nil
}

// ParsePURL returns the package that a package URL names.
func ParsePURL(text string) (*Package, error) {
	bare, _, _ := strings.Cut(text, "#")
	bare, _, _ = strings.Cut(bare, "?")
	kind, rest, ok := strings.Cut(strings.TrimPrefix(bare, "pkg:"), "/")
	if !ok || kind == "" || !strings.HasPrefix(bare, "pkg:") {
		return nil, fmt.Errorf("%q is no package URL, such as pkg:pypi/six@1.17.0", text)
	}
	name, version, _ := strings.Cut(rest[strings.LastIndexByte(rest, '/')+1:], "@")
	p := &Package{PURL: text}
	for _, part := range []struct {
		to   *string
		text string
	}{{&p.Name, name}, {&p.Version, version}} {
		var err error
		if *part.to, err = url.PathUnescape(part.text); err != nil {
			return nil, fmt.Errorf("%q is no package URL: %w", text, err)
		}
	}
	if p.Name == "" {
		return nil, fmt.Errorf("%q is no package URL: it names nothing", text)
	}
	return p, nil
}

// GenericPURL is the package URL of a package of which no more is known than what
// it is called.
func GenericPURL(name, version string) string { return purl("generic", "", name, version) }

// purl writes a package URL (github.com/package-url/purl-spec).
func purl(kind, namespace, name, version string) string {
	text := "pkg:" + kind + "/"
	if namespace != "" {
		text += url.PathEscape(namespace) + "/"
	}
	text += url.PathEscape(name)
	if version != "" {
		text += "@" + url.PathEscape(version)
	}
	return text
}

// licenseIDs are identifiers of SPDX's list that packages for MicroPython state.
// Whatever else is stated is passed on as the text it is.
var licenseIDs = []string{
	"0BSD", "AGPL-3.0-only", "AGPL-3.0-or-later", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0", "EPL-2.0",
	"GPL-2.0-only", "GPL-2.0-or-later", "GPL-3.0-only", "GPL-3.0-or-later", "ISC", "LGPL-2.1-only", "LGPL-2.1-or-later",
	"LGPL-3.0-only", "LGPL-3.0-or-later", "MIT", "MPL-2.0", "PSF-2.0", "Python-2.0", "Unlicense", "Zlib",
}

func licenseID(text string) (string, bool) {
	for _, id := range licenseIDs {
		if strings.EqualFold(id, text) {
			return id, true
		}
	}
	return "", false
}
