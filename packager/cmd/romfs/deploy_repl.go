package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"rules_romfs/packager/artifact"
	"rules_romfs/packager/deploy"
	"rules_romfs/packager/port"
)

// deployResult is what deploy prints with --output json.
type deployResult struct {
	Name   string          `json:"name"`
	SHA256 artifact.Digest `json:"sha256"`
	Size   int64           `json:"size"`
	Signed []string        `json:"signed_by,omitempty"` // sha256 of the keys that were asked for and have signed it
	Boards []deployedBoard `json:"boards"`
}

type deployedBoard struct {
	deploy.Result
	ExitCode int    `json:"exit_code"`
	Error    string `json:"error,omitempty"`
	Code     string `json:"code,omitempty"` // of the trouble
	Hint     string `json:"hint,omitempty"` // what to do about it
}

// overREPL deploys to the boards that the flags choose, and returns their ports; and
// with --monitor the board, to see what it prints.
func (f *deployFlags) overREPL(ctx context.Context, a *app, loads []*payload) (ports []string, m *port.Monitor, err error) {
	r, profile := f.request, loads[0].Board
	if r.Backup != "" {
		if err := checkOutput(r.Backup); err != nil {
			return nil, nil, err
		}
	}
	ports, err = f.port.choose(ctx, a, profile)
	if err != nil {
		return nil, nil, err
	}
	if err := f.demand.check(ctx, a, loads, profile, slices.Collect(maps.Values(f.port.keyOf)), a.known(f.noCache)); err != nil {
		return nil, nil, err
	}
	for _, flag := range []struct {
		name  string
		given bool
	}{{"--monitor", f.monitor}, {"--backup", r.Backup != ""}} {
		if flag.given && len(ports) > 1 {
			return nil, nil, &usageError{fmt.Sprintf("%s takes one board, not %d", flag.name, len(ports))}
		}
	}
	if err := a.checkStubs(ports); err != nil {
		return nil, nil, err
	}
	r.Board, r.Partition, r.Reporter = profile, f.source.partition, a.reporter
	r.Opener, r.Cache = f.port.opener(a, profile), a.deployed(f.noCache)
	if f.monitor {
		r.Watch = func(given *port.Monitor) { m = given }
	}
	err = a.deployAll(ctx, loads, deploy.Requests(r, contents(loads)), ports)
	return ports, m, err
}

// contents are what a deploy wants of the images.
func contents(loads []*payload) []deploy.Payload {
	var all []deploy.Payload
	for _, im := range loads {
		all = append(all, deploy.Payload{Image: im.Data, Sidecar: im.Sidecar, Partition: im.Partition()})
	}
	return all
}

// deployAll deploys to all ports at once, to each every image.
func (a *app) deployAll(ctx context.Context, loads []*payload, rs []deploy.Request, ports []string) error {
	results := make([]deployResult, len(loads))
	for i, im := range loads {
		results[i] = deployResult{im.Name, im.SHA256, int64(len(im.Data)), im.signed(), make([]deployedBoard, len(ports))}
	}
	errs := make([]error, len(ports))
	deploy.RunBoards(ctx, rs, ports, func(i int, board []*deploy.Result, failures []error) {
		errs[i] = errors.Join(failures...)
		for j, r := range board {
			partition := ""
			if len(loads) > 1 {
				partition = loads[j].Partition()
			}
			results[j].Boards[i] = a.reportBoard(ctx, r, failures[j], partition)
		}
	})
	failed := errors.Join(errs...)
	if failed != nil && len(ports) == 1 && len(loads) == 1 && a.output != "json" {
		return failed
	}
	err := a.result(oneOrAll(results), func(w io.Writer) error {
		for i := range ports {
			for j, im := range loads {
				if err := printDeployed(w, im, &results[j].Boards[i], len(loads) > 1); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return errors.Join(failed, err)
}

// reportBoard says in an event how the deploy of one image to one board ended, and
// returns the same for the result. The partition is named where there are several.
func (a *app) reportBoard(ctx context.Context, result *deploy.Result, failure error, partition string) deployedBoard {
	board := deployedBoard{Result: *result, ExitCode: exitCode(ctx, failure)}
	fields := map[string]any{"port": result.Port, "status": result.Status, "exit_code": board.ExitCode, "sha256": result.SHA256}
	if failure != nil {
		board.Error = failure.Error()
		board.Code, board.Hint = advice(failure)
		fields["message"] = board.Error
	}
	if partition != "" {
		fields["image"] = partition
	}
	a.reporter.Event("deploy", fields)
	return board
}

// printDeployed prints the line of one image on one board; several says that
// the partition has to be named.
func printDeployed(w io.Writer, im *payload, r *deployedBoard, several bool) error {
	line := r.Port
	if several {
		line += ": " + im.Partition()
	}
	if r.Error != "" {
		line += fmt.Sprintf(": failed (exit code %d)", r.ExitCode)
	} else {
		line += ": " + r.Summary(im.String())
	}
	_, err := fmt.Fprintln(w, line)
	return err
}
