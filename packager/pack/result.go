package pack

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"

	"rules_romfs/packager/artifact"
	"rules_romfs/packager/report"
)

// A Result says what became of one image of a build.
type Result struct {
	Image    string          `json:"image"` // where it was written
	Sidecar  string          `json:"sidecar,omitempty"`
	Written  []string        `json:"written"` // all files
	SHA256   artifact.Digest `json:"sha256"`
	Size     int64           `json:"size"`
	Free     *int64          `json:"free,omitempty"`
	Files    int             `json:"files"`
	Warnings []Warning       `json:"warnings"`
	// Partition is empty for an image that is for none in particular.
	Partition string `json:"partition,omitempty"`

	partitionSize int64
}

// Place decides where the images of the project are written: to the file out, else
// named as the manifest has it into dir, which is made, and once more there under
// their content-hashed names; with neither into the current directory.
func (p *Project) Place(out, dir string) ([]Targets, error) {
	if out != "" {
		if err := p.One("-o names one file"); err != nil {
			return nil, err
		}
	}
	if dir != "" {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return nil, &OutputError{Path: dir, Err: err}
		}
	}
	var targets []Targets
	for _, file := range p.Files() {
		targets = append(targets, Targets{Image: cmp.Or(out, filepath.Join(dir, file)), HashedDir: dir})
	}
	return targets, nil
}

func newResult(s *artifact.Sidecar, written []string, warnings []Warning) *Result {
	r := &Result{Image: written[0], Written: written, SHA256: s.Image.SHA256, Size: s.Image.Size,
		Free: s.Totals.Free, Files: s.Totals.Files, Warnings: append([]Warning{}, warnings...)}
	if len(written) > 1 {
		r.Sidecar = written[1]
	}
	if p := s.Partition; p != nil {
		r.Partition, r.partitionSize = p.Name, p.Size
	}
	return r
}

// String describes the image in a line for people.
func (r *Result) String() string {
	used := ""
	if r.Free != nil {
		used = fmt.Sprintf(" (%.1f%% of %s)", 100*float64(r.Size)/float64(r.partitionSize), r.Partition)
	}
	return fmt.Sprintf("%s: %s, %s%s, sha256 %s", r.Image, report.Plural(int64(r.Files), "file"), report.Size(r.Size), used, r.SHA256.Short())
}
