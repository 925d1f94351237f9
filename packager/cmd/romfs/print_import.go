package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"rules_romfs/packager/importer"
	"rules_romfs/packager/report"
)

// importResult is what import prints with --output json.
type importResult struct {
	Manifest string          `json:"manifest"`
	Kind     importer.Kind   `json:"kind"`
	Images   []importedImage `json:"images"`
	Notes    []importer.Note `json:"notes"`
}

type importedImage struct {
	Partition string         `json:"partition,omitempty"`
	Files     int            `json:"files"`
	Tools     map[string]int `json:"tools,omitempty"` // files that each converter is for
}

// notes says what a person should know of a source.
func (a *app) notes(notes []importer.Note) {
	for _, n := range notes {
		a.reporter.Log(noteLevel(n), fmt.Sprintf("%s [%s]", n.String(), n.Code))
	}
}

// noteLevel says how loud a note is: what loses nothing is only said.
func noteLevel(n importer.Note) report.Level {
	if n.Code == importer.NoteGuess || n.Code == importer.NoteAside {
		return report.Info
	}
	return report.Warning
}

func (r importResult) print(w io.Writer) error {
	var b strings.Builder
	for _, im := range r.Images {
		what := report.Plural(int64(im.Files), "file")
		if im.Partition != "" {
			what += " for " + im.Partition
		}
		for i, tool := range slices.Sorted(maps.Keys(im.Tools)) {
			sep := ", "
			if i == 0 {
				sep = "; "
			}
			what += fmt.Sprintf("%s%d through %s", sep, im.Tools[tool], tool)
		}
		fmt.Fprintf(&b, "%s: %s\n", r.Manifest, what)
	}
	fmt.Fprintf(&b, "build with: romfs build %s\n", shellQuote(r.Manifest))
	_, err := io.WriteString(w, b.String())
	return err
}
