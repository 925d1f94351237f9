package deploy

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"rules_romfs/packager/artifact"
	"rules_romfs/packager/report"
)

// A Payload is one of the images that a deploy sends.
type Payload struct {
	Image     []byte
	Sidecar   *artifact.Sidecar // nil: nothing is known but the image
	Partition string            // that it is for, as Request.Partition; "": not known
}

// Requests returns the deploy of each image; r holds what they share. Several
// images go each to its own partition, and each backup has the partition's name
// before the extension.
func Requests(r Request, payloads []Payload) []Request {
	if len(payloads) == 1 {
		r.Image, r.Sidecar = payloads[0].Image, payloads[0].Sidecar
		return []Request{r}
	}
	// Firmware mounts partition 0, so modules are imported from its image.
	mounted := max(0, slices.IndexFunc(payloads, func(p Payload) bool {
		return p.Sidecar == nil || p.Sidecar.Partition == nil || p.Sidecar.Partition.Index == 0
	}))
	backup, imports := r.Backup, r.Imports
	var all []Request
	for i, p := range payloads {
		r.Image, r.Sidecar, r.Partition = p.Image, p.Sidecar, p.Partition
		if r.Imports = nil; i == mounted {
			r.Imports = imports
		}
		if backup != "" {
			ext := filepath.Ext(backup)
			r.Backup = strings.TrimSuffix(backup, ext) + "-" + p.Partition + ext
		}
		all = append(all, r)
	}
	return all
}

// RunBoards runs the requests on the boards of all ports at once, as RunAll does
// on each; the requests' own Port does not count. One board's failure does not stop
// the others. done is given the results and errors of the i-th port when that board
// is done, at the same time as others may be.
func RunBoards(ctx context.Context, requests []Request, ports []string, done func(i int, results []*Result, errs []error)) {
	var wait sync.WaitGroup
	for i, port := range ports {
		wait.Go(func() {
			rs := slices.Clone(requests)
			for j := range rs {
				rs[j].Port = port
			}
			results, errs := RunAll(ctx, rs)
			done(i, results, errs)
		})
	}
	wait.Wait()
}

// RunAllDFU runs the requests through the bootloader, one after the other; the
// board stays in it until the last. Where there are several, an error names the
// partition.
func RunAllDFU(ctx context.Context, requests []DFURequest) ([]*DFUResult, error) {
	var results []*DFUResult
	for i, r := range requests {
		r.Stay = i < len(requests)-1
		result, err := RunDFU(ctx, r)
		switch {
		case err != nil && len(requests) == 1:
			return nil, err
		case err != nil && i == 0:
			return nil, fmt.Errorf("%s: %w", r.Partition, err)
		case err != nil:
			return nil, fmt.Errorf("%s: %w; the images before it are done", r.Partition, err)
		}
		results = append(results, result)
	}
	return results, nil
}

// DFURequests are Requests for the bootloader.
func DFURequests(r DFURequest, payloads []Payload) []DFURequest {
	var all []DFURequest
	asked := r.Partition
	for _, p := range payloads {
		r.Image, r.Partition = p.Image, cmp.Or(asked, p.Partition)
		all = append(all, r)
	}
	return all
}

// Summary says in a line how a deploy without an error ended, and in a line each
// what was imported afterwards. image names the image.
func (r *Result) Summary(image string) string {
	blocks := fmt.Sprintf("%d of %d blocks changed", r.Changed, r.Blocks)
	var line string
	switch r.Status {
	case Skipped:
		line = "nothing was changed"
	case Written:
		line = fmt.Sprintf("wrote %s: %s; compared, but not seen mounted", image, blocks)
	case Planned:
		line = fmt.Sprintf("would deploy %s: %s, %s to send, %s to copy on the board", image, blocks, report.Size(r.Literal), report.Size(r.Copied))
	case Verified:
		line = "holds " + image + r.on()
	case Unchanged:
		line = fmt.Sprintf("already holds %s: %s", image, blocks) + r.on()
	default:
		after := "mounted" // what the firmware does with partition 0 only
		if r.Partition != 0 {
			after = "read again"
		}
		line = fmt.Sprintf("deployed %s: %s, %s sent, %s copied on the board, %s erased%s; verified, and %s after a reset",
			image, blocks, report.Size(r.Literal), report.Size(r.Copied), report.Plural(int64(r.Erased), "block"), r.on(), after)
	}
	if r.Import != "" {
		line += "; use it: " + r.Import
	}
	for _, m := range r.Imported {
		line += fmt.Sprintf("\n%s: imported %s from %s", r.Port, m.Module, m.File)
	}
	return line
}

// on says which board it was, where that is known: ports change their names.
func (r *Result) on() string {
	s := ""
	if r.ID != "" {
		s += "; board " + r.ID
	}
	if r.USBSerial != "" && r.USBSerial != r.ID {
		s += "; USB serial number " + r.USBSerial
	}
	return s
}

// Summary says in lines what was done with an image of that name.
func (r *DFUResult) Summary(image string) string {
	switch r.Status {
	case Planned:
		return strings.Join(r.Commands, "\n")
	case Verified:
		return "the board holds " + image
	}
	return fmt.Sprintf("deployed %s through the bootloader, read back and compared", image)
}
