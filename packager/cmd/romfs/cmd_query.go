package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"rules_romfs/packager/deploy"
	"rules_romfs/packager/report"
	"rules_romfs/packager/trust/sign"
)

func newQueryCmd(a *app) *cobra.Command {
	var p portFlags
	var ask askFlags
	var boardID string
	var stay bool
	cmd := &cobra.Command{
		Use:   "query",
		Short: "Show a board's ROM partitions and what is in them",
		Long: `Ask a board what it is, which ROM partitions its firmware has, and what is in
them. The name of an image is known if it was deployed from this machine.

Whose signature it has is said if its envelope is known here: the image was
signed, verified or deployed with it on this machine. A signature counts only by
a key that is named, with --key or as require_signature in the ports file or the
board file.

The running program is interrupted; afterwards main.py is started anew.`,
		Example: `  romfs query
  romfs query --key pub.pem
  romfs query --port /dev/ttyACM0 --output json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
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
			q, err := deploy.Ask(cmd.Context(), p.opener(a, profile), port, profile, a.deployed(false), stay)
			if err != nil {
				return err
			}
			r := queryResult{Query: q, Partitions: []queryPartition{}}
			for i := range q.Partitions {
				part := queryPartition{QueryPartition: &q.Partitions[i]}
				if part.SHA256 != nil {
					f := a.known(false).Find(cmd.Context(), *part.SHA256, keys)
					part.Signature = &f
				}
				r.Partitions = append(r.Partitions, part)
			}
			return a.result(r, func(w io.Writer) error { return printQuery(w, &r, keys) })
		},
	}
	p.add(cmd, false)
	ask.add(cmd)
	cmd.Flags().StringVar(&boardID, "board", "", "`board` id or board file; names the partitions")
	cmd.Flags().BoolVar(&stay, "no-run", false, "stay at the REPL: do not start main.py")
	a.completeBoard(cmd, "board")
	return cmd
}

// queryResult is what query prints with --output json.
type queryResult struct {
	*deploy.Query
	Partitions []queryPartition `json:"partitions"`
}

type queryPartition struct {
	*deploy.QueryPartition
	Signature *sign.Finding `json:"signature,omitempty"`
}

func printQuery(w io.Writer, q *queryResult, keys []*sign.PublicKey) error {
	mpy := ""
	if q.MPY != "" {
		mpy = ", .mpy " + q.MPY
	}
	ids := ""
	if q.ID != "" {
		ids += ", id " + q.ID
	}
	if q.USBSerial != "" {
		ids += ", USB serial number " + q.USBSerial
	}
	if _, err := fmt.Fprintf(w, "%s: %s, %s%s%s\n", q.Port, q.Machine, q.Firmware, mpy, ids); err != nil {
		return err
	}
	if len(q.Partitions) == 0 {
		_, err := fmt.Fprintln(w, "no ROM partition: ROMFS is not enabled in this firmware")
		return err
	}
	for _, part := range q.Partitions {
		if _, err := io.WriteString(w, partitionText(&part, keys)); err != nil {
			return err
		}
	}
	return nil
}

func partitionText(p *queryPartition, keys []*sign.PublicKey) string {
	name := fmt.Sprintf("partition %d", p.Index)
	if p.Name != "" {
		name += " (" + p.Name + ")"
	}
	if p.Error != "" {
		return fmt.Sprintf("%s: %s\n", name, p.Error)
	}
	erase := "erase unit unknown"
	if p.Erase > 0 {
		erase = "erase unit " + report.Size(p.Erase)
	}
	s := fmt.Sprintf("%s: %s (%d bytes), %s, %s\n", name, report.Size(p.Size), p.Size, p.Kind, erase)
	if p.Image == 0 {
		return s + fmt.Sprintf("  no ROMFS image (begins with %s)\n", p.Head)
	}
	s += fmt.Sprintf("  image: %d bytes, payload %d", p.Image, p.Payload)
	if p.SHA256 != nil {
		s += ", sha256 " + p.SHA256.String()
	}
	if p.Known != "" {
		s += ", " + p.Known
	}
	switch {
	case p.Signature != nil:
		if text := findingText(p.Signature, keys); text != "" {
			s += "\n  " + text
		}
	case len(keys) > 0:
		s += "\n  whose signature it has is not known: the board makes no SHA-256; `romfs pull` reads the image and tells"
	}
	return s + "\n"
}
