package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"rules_romfs/internal/lazyregexp"
	"rules_romfs/manifest"
	"rules_romfs/packager/board"
	"rules_romfs/packager/importer"
	"rules_romfs/packager/report"
)

// initResult is what init prints with --output json.
type initResult struct {
	Manifest string          `json:"manifest"`
	Files    int             `json:"files"`
	Notes    []importer.Note `json:"notes"` // of what is not packed
}

func newInitCmd(a *app) *cobra.Command {
	var o importer.ProjectOptions
	cmd := &cobra.Command{
		Use:   "init [DIR]",
		Short: "Write a first manifest, romfs.yaml, for a project",
		Long: `Write DIR/romfs.yaml (default: here) to start from. It packs the Python modules
that are there, below src/ and lib/ if there is a src/, and data that lies in
packages or that a module names. Tests, virtual environments, hidden files and
the like stay out. Every file that is not packed is named on stderr with the
reason; a warning is what a board might miss. A manifest that exists is kept.`,
		Example: `  romfs init
  romfs init app --board openmv-n6 && romfs build app/romfs.yaml`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Dir = "."
			if len(args) > 0 {
				o.Dir = args[0]
			}
			if o.Board != "" {
				if _, err := board.Lookup(o.Board); err != nil {
					return &usageError{err.Error()}
				}
			}
			o.Out = filepath.Join(o.Dir, defaultManifest)
			res, err := importer.NewProject(cmd.Context(), o)
			var defects manifest.Errors
			if errors.As(err, &defects) && defects[0].Rule == "name" {
				return &usageError{fmt.Sprintf("--name %s: %s; %s", o.Name, defects[0].Message, defects[0].Remedy)}
			}
			if err != nil {
				return err
			}
			if _, err := os.Lstat(o.Out); err == nil {
				return &inputError{fmt.Errorf("%s is there already, and was kept; remove it first, or edit it", o.Out)}
			}
			a.notes(res.Notes)
			if err := writeManifest(o.Out, res.Text); err != nil {
				return err
			}
			r := initResult{Manifest: o.Out, Files: res.Images[0].Files, Notes: append([]importer.Note{}, res.Notes...)}
			return a.result(r, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "%s: written, for %s; build with: romfs build %s\n", r.Manifest, report.Plural(int64(r.Files), "file"), shellQuote(r.Manifest))
				return err
			})
		},
	}
	cmd.Flags().StringVar(&o.Board, "board", "", "`board` that the manifest names")
	cmd.Flags().StringVar(&o.Name, "name", "", "base `name` of the image (default: the directory's)")
	a.completeBoard(cmd, "board")
	return cmd
}

var plainWord = lazyregexp.New(`^[A-Za-z0-9_./+:@%,=-]+$`)

// shellQuote writes a word so that it can be pasted into a shell.
func shellQuote(word string) string {
	if plainWord().MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
