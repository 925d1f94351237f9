package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"rules_romfs/internal/atomicfile"
	"rules_romfs/packager/artifact"
	"rules_romfs/packager/deploy"
	"rules_romfs/packager/pack"
	"rules_romfs/packager/report"
	"rules_romfs/packager/romfs"
	"rules_romfs/packager/trust/sign"
)

type pullResult struct {
	Image  string          `json:"image"`
	Size   int64           `json:"size"`
	SHA256 artifact.Digest `json:"sha256"`
	Valid  bool            `json:"valid"` // no errors found in it

	Signature sign.Finding `json:"signature"`
}

func newPullCmd(a *app) *cobra.Command {
	c := &pullCmd{app: a}
	cmd := &cobra.Command{
		Use:   "pull FILE",
		Short: "Save the image that is on a board",
		Long: `Read the image in a board's ROM partition, trimmed to its length, compare it
with the board's own digest, and save it. "-" writes it to stdout. Whose
signature it has is said as by ` + "`romfs query`" + `.`,
		Example: `  romfs pull backup.romfs
  romfs pull - --port /dev/ttyACM0 | romfs ls -`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.run(cmd.Context(), args[0])
		},
	}
	c.port.add(cmd, false)
	c.ask.add(cmd)
	cmd.Flags().StringVar(&c.board, "board", "", "`board` id or board file; names the partitions")
	cmd.Flags().StringVarP(&c.partition, "partition", "p", "", "`partition` name or index (default: the first)")
	a.completeBoard(cmd, "board")
	return cmd
}

// A pullCmd is one romfs pull.
type pullCmd struct {
	*app
	port             portFlags
	ask              askFlags
	board, partition string
}

func (c *pullCmd) run(ctx context.Context, path string) error {
	if err := c.checkStdout(path, "the image", false); err != nil {
		return err
	}
	toStdout := path == "-"
	if !toStdout {
		if err := checkOutput(path); err != nil {
			return err
		}
	}
	profile, err := lookupBoard(c.board)
	if err != nil {
		return err
	}
	port, err := c.port.chooseOne(ctx, c.app, profile)
	if err != nil {
		return err
	}
	keys, err := c.ask.public(c.app, profile, []string{c.port.keyOf[port]})
	if err != nil {
		return err
	}
	image, err := deploy.Pull(ctx, c.port.opener(c.app, profile), port, profile, c.partition, c.reporter)
	if err != nil {
		return err
	}
	r := pullResult{Image: path, Size: int64(len(image)), SHA256: sha256.Sum256(image)}
	r.Signature = c.known(false).Find(ctx, r.SHA256, keys)
	r.Valid = c.valid(image)
	if toStdout {
		_, err := c.stdout.Write(image)
		return err
	}
	if err := atomicfile.WriteFile(path, image); err != nil {
		return &pack.OutputError{Path: path, Err: err}
	}
	return c.result(r, func(w io.Writer) error {
		line := fmt.Sprintf("%s: %s, sha256 %s", r.Image, report.Size(r.Size), r.SHA256)
		if signature := findingText(&r.Signature, keys); signature != "" {
			line += "; " + signature
		}
		_, err := fmt.Fprintln(w, line)
		return err
	})
}

// valid tells whether an image has no errors, and says those that it has.
func (c *pullCmd) valid(image []byte) bool {
	ok := true
	for _, problem := range romfs.Validate(bytes.NewReader(image), int64(len(image))) {
		if problem.Severity == romfs.Error {
			ok = false
			c.reporter.Log(report.Warning, fmt.Sprintf("the image on the board: offset %d: %s", problem.Offset, problem.Message))
		}
	}
	return ok
}
