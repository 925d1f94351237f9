package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"rules_romfs/internal/atomicfile"
	"rules_romfs/internal/syserr"
	"rules_romfs/manifest"
	"rules_romfs/packager/board"
	"rules_romfs/packager/pack"
)

func newInitCmd(a *app) *cobra.Command {
	var boardID, name string
	cmd := &cobra.Command{
		Use:   "init [DIR]",
		Short: "Write a first manifest, romfs.yaml, for a project",
		Long: `Write DIR/romfs.yaml (default: here) to start from: it packs the Python files
that are there, below src/ if there is one. A manifest that exists is kept.`,
		Example: `  romfs init
  romfs init app --board openmv-n6 && romfs build app/romfs.yaml`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := "."
			if len(args) > 0 {
				dir = args[0]
			}
			if boardID != "" {
				if _, err := board.Lookup(boardID); err != nil {
					return &usageError{err.Error()}
				}
			}
			text, err := firstManifest(dir, name, boardID)
			if err != nil {
				return err
			}
			path := filepath.Join(dir, defaultManifest)
			if _, err := os.Lstat(path); err == nil {
				return &inputError{fmt.Errorf("%s is there already, and was kept; remove it first, or edit it", path)}
			}
			if err := atomicfile.WriteFile(path, []byte(text)); err != nil {
				return &pack.OutputError{Path: path, Err: err}
			}
			return a.result(map[string]string{"manifest": path}, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "%s: written; build with: romfs build %s\n", path, shellQuote(path))
				return err
			})
		},
	}
	cmd.Flags().StringVar(&boardID, "board", "", "`board` that the manifest names")
	cmd.Flags().StringVar(&name, "name", "", "base `name` of the image (default: the directory's)")
	a.completeBoard(cmd, "board")
	return cmd
}

var notInNames = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// firstManifest is the text of a manifest for what is in dir.
func firstManifest(dir, name, boardID string) (string, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return "", &inputError{syserr.Plain(err)}
	}
	if !info.IsDir() {
		return "", &inputError{fmt.Errorf("%s is no directory", dir)}
	}
	if name == "" {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return "", err
		}
		if name = strings.Trim(notInNames.ReplaceAllString(filepath.Base(abs), "-"), "-._"); name == "" {
			name = "app"
		}
	}
	src := `"**/*.py"`
	has, err := hasPython(filepath.Join(dir, "src"))
	if err != nil {
		return "", err
	}
	if has {
		src = "src/**/*.py"
	} else if has, err = hasPython(dir); err != nil {
		return "", err
	}
	optional := ""
	if !has {
		optional = "\n    optional: true          # nothing matches yet"
	}
	boardLine := "# board: openmv-n6           # `romfs boards` lists them; checks size, alignment and .mpy files"
	if boardID != "" {
		boardLine = "board: " + boardID
	}
	text := fmt.Sprintf(`version: 1
name: %s
%s

exclude: ["**/*_test.py"]

files:
  - src: %s
    dest: /%s
# - src: assets/**             # data: packed as it is
#   dest: assets/
#   align: 16                  # bytes, for what is used in place
`, name, boardLine, src, optional)
	// A name given by the user may be none.
	if _, err := manifest.Parse([]byte(text), filepath.Join(dir, defaultManifest)); err != nil {
		return "", &usageError{fmt.Sprintf("--name %s: %v", name, err)}
	}
	return text, nil
}

// hasPython reports whether a .py file is below dir, which may not exist.
func hasPython(dir string) (bool, error) {
	found := false
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case !d.IsDir() && filepath.Ext(path) == ".py" && !strings.HasSuffix(path, "_test.py"):
			found = true
			return fs.SkipAll
		}
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, &inputError{syserr.Plain(err)}
	}
	return found, nil
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./+:@%,=-]+$`)

// shellQuote writes a word so that it can be pasted into a shell.
func shellQuote(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
