package main

import (
	"bytes"
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
	var p portFlags
	var ask askFlags
	var boardID, partition string
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
			if err := a.checkStdout(args[0], "the image", false); err != nil {
				return err
			}
			toStdout := args[0] == "-"
			if !toStdout {
				if err := checkOutput(args[0]); err != nil {
					return err
				}
			}
			profile, err := lookupBoard(boardID)
			if err != nil {
				return err
			}
			port, err := p.chooseOne(cmd.Context(), a, profile)
			if err != nil {
				return err
			}
			keys, err := ask.public(a, profile, []string{p.keyOf[port]})
			if err != nil {
				return err
			}
			image, err := deploy.Pull(cmd.Context(), p.opener(a, profile), port, profile, partition, a.reporter)
			if err != nil {
				return err
			}
			r := pullResult{Image: args[0], Size: int64(len(image)), SHA256: sha256.Sum256(image), Valid: true}
			r.Signature = a.known(false).Find(cmd.Context(), r.SHA256, keys)
			for _, problem := range romfs.Validate(bytes.NewReader(image), r.Size) {
				if problem.Severity == romfs.Error {
					r.Valid = false
					a.reporter.Log(report.Warning, fmt.Sprintf("the image on the board: offset %d: %s", problem.Offset, problem.Message))
				}
			}
			if toStdout {
				_, err := a.stdout.Write(image)
				return err
			}
			if err := atomicfile.WriteFile(args[0], image); err != nil {
				return &pack.OutputError{Path: args[0], Err: err}
			}
			return a.result(r, func(w io.Writer) error {
				signature := findingText(&r.Signature, keys)
				if signature != "" {
					signature = "; " + signature
				}
				_, err := fmt.Fprintf(w, "%s: %s, sha256 %s%s\n", r.Image, report.Size(r.Size), r.SHA256, signature)
				return err
			})
		},
	}
	p.add(cmd, false)
	ask.add(cmd)
	cmd.Flags().StringVar(&boardID, "board", "", "`board` id or board file; names the partitions")
	cmd.Flags().StringVarP(&partition, "partition", "p", "", "`partition` name or index (default: the first)")
	a.completeBoard(cmd, "board")
	return cmd
}
