package bazel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"rules_romfs/internal/pattern"
	"rules_romfs/packager/report"
	"rules_romfs/packager/romfs"
)

// A Test is what romfs_test checks of an image. Files are runfiles paths.
type Test struct {
	Image          string   `json:"image"`
	MustContain    []string `json:"must_contain"`
	MustNotContain []string `json:"must_not_contain"`
	MaxSize        int64    `json:"max_size"` // bytes; 0: any
	Imports        []string `json:"imports"`
	Stubs          []string `json:"stubs"`
	MaxSizes       []MaxOf  `json:"max_sizes"`
	MaxRAM         []MaxRAM `json:"max_ram"`
	Growth         *Growth  `json:"growth"` // nil: there is no image to compare with
}

// MaxOf bounds the bytes of some files together.
type MaxOf struct {
	Match string `json:"match"` // a directory, or a pattern
	Max   int64  `json:"max"`
}

// Growth bounds how much larger the image is than another.
type Growth struct {
	Base    string `json:"base"`
	Bytes   int64  `json:"bytes"`
	Percent int64  `json:"percent"` // if not 0, of the base, instead of Bytes
}

// RunTest carries out a test and reports each check on w. Args are what imported
// modules find in sys.argv. The error says how many failed.
func (r *Request) RunTest(ctx context.Context, w io.Writer, args []string) error {
	path, err := r.file(r.Test.Image)
	if err != nil {
		return err
	}
	v := &verdict{w: w}
	if err := r.checkImage(path, v); err != nil {
		return err
	}
	if len(r.Test.Imports) > 0 {
		output, err := r.imports(ctx, path, args)
		v.check("MicroPython imports "+strings.Join(r.Test.Imports, ", ")+" from /rom", texts(err)...)
		if err == nil && output != "" {
			v.detail(output)
		}
	}
	if len(r.Test.MaxRAM) > 0 {
		r.checkRAM(ctx, path, v)
	}
	if v.failed > 0 {
		return fmt.Errorf("%s: %s failed", r.Label, report.Plural(v.failed, "check"))
	}
	return nil
}

// A verdict is what the checks of a test say.
type verdict struct {
	w      io.Writer
	failed int64
}

// check reports a check, which passed if there are no problems.
func (v *verdict) check(what string, problems ...string) {
	if len(problems) == 0 {
		fmt.Fprintf(v.w, "ok    %s\n", what)
		return
	}
	v.failed++
	fmt.Fprintf(v.w, "FAIL  %s\n", what)
	for _, p := range problems {
		v.detail(p)
	}
}

// detail writes lines that belong to a check.
func (v *verdict) detail(text string) {
	fmt.Fprintf(v.w, "      %s\n", strings.ReplaceAll(text, "\n", "\n      "))
}

// checkImage checks the image by itself: format, size and files.
func (r *Request) checkImage(path string, v *verdict) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	v.check("the image is sound", r.Test.problems(file, info.Size())...)
	if limit := r.Test.MaxSize; limit > 0 {
		var problems []string
		if info.Size() > limit {
			problems = append(problems, fmt.Sprintf("it has %d bytes, %d too many", info.Size(), info.Size()-limit))
		}
		v.check(fmt.Sprintf("it has at most %d bytes", limit), problems...)
	}
	if g := r.Test.Growth; g != nil {
		what, err := r.growth(g, info.Size())
		v.check(what, texts(err)...)
	}
	sizes, err := list(file, info.Size())
	if err != nil {
		return err
	}
	for _, m := range r.Test.MaxSizes {
		v.check(fmt.Sprintf("%s has at most %d bytes", m.Match, m.Max), texts(m.check(sizes))...)
	}
	var files []string
	for _, f := range sizes {
		files = append(files, f.path)
	}
	r.Test.checkContents(files, v)
	return nil
}

// checkContents checks which files an image has.
func (t *Test) checkContents(files []string, v *verdict) {
	for _, pattern := range t.MustContain {
		found, err := match(pattern, files)
		if err == nil && len(found) == 0 {
			err = fmt.Errorf("no file matches; it has %s", strings.Join(files, ", "))
		}
		v.check("it contains "+pattern, texts(err)...)
	}
	for _, pattern := range t.MustNotContain {
		found, err := match(pattern, files)
		if err == nil && len(found) > 0 {
			err = fmt.Errorf("it has %s", strings.Join(found, ", "))
		}
		v.check("it does not contain "+pattern, texts(err)...)
	}
}

func texts(err error) []string {
	if err == nil {
		return nil
	}
	return []string{err.Error()}
}

func (t *Test) problems(image io.ReaderAt, size int64) []string {
	var problems []string
	for _, p := range romfs.Validate(image, size) {
		if p.Severity == romfs.Error {
			problems = append(problems, p.Message)
		}
	}
	return problems
}

// growth compares the size with that of another image.
func (r *Request) growth(g *Growth, size int64) (what string, err error) {
	path, err := r.file(g.Base)
	if err != nil {
		return "it is compared with another image", err
	}
	info, err := os.Stat(path)
	if err != nil {
		return "it is compared with another image", err
	}
	limit := info.Size() + g.Bytes
	if g.Percent > 0 {
		limit = info.Size() + info.Size()*g.Percent/100
	}
	what = fmt.Sprintf("it has at most %d bytes, where %s has %d", limit, filepath.Base(g.Base), info.Size())
	if size > limit {
		return what, fmt.Errorf("it has %d bytes, %d too many", size, size-limit)
	}
	return what, nil
}

// check adds up the files that it is about.
func (m *MaxOf) check(files []sized) error {
	dir := strings.Trim(m.Match, "/")
	var sum int64
	n := 0
	for _, f := range files {
		inside := dir == "" || strings.HasPrefix(f.path, dir+"/")
		if !inside && !strings.HasSuffix(m.Match, "/") {
			found, err := match(m.Match, []string{f.path})
			if err != nil {
				return err
			}
			inside = len(found) > 0
		}
		if inside {
			sum += f.size
			n++
		}
	}
	switch {
	case n == 0:
		return errors.New("no file is in such a directory or matches; a budget of nothing holds nothing")
	case sum > m.Max:
		return fmt.Errorf("its %s have %d bytes, %d too many", report.Plural(int64(n), "file"), sum, sum-m.Max)
	}
	return nil
}

// A sized is a file of an image.
type sized struct {
	path string
	size int64
}

func list(image io.ReaderAt, size int64) ([]sized, error) {
	im, err := romfs.Open(image, size)
	if err != nil {
		return nil, err
	}
	var files []sized
	err = im.Walk(func(e *romfs.Entry) error {
		if !e.Dir {
			files = append(files, sized{e.Path(), e.Size})
		}
		return nil
	})
	return files, err
}

func match(text string, files []string) ([]string, error) {
	p, err := pattern.Compile(text, pattern.Destinations)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, f := range files {
		if f == strings.TrimPrefix(text, "/") || p.Match(f) {
			found = append(found, f)
		}
	}
	return found, nil
}
