//go:build linux

package deploy

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"rules_romfs/packager/board"
	"rules_romfs/packager/deploy/deploytest"
	"rules_romfs/packager/port"
	"rules_romfs/packager/report"
	"rules_romfs/packager/romfs"
	"rules_romfs/packager/simboard"
)

// ae3 starts an OpenMV AE3, which has two partitions, and returns a deploy to
// both of them.
func ae3(t *testing.T, o simboard.Options) (*simboard.Board, []Request) {
	t.Helper()
	return twoCores(t, "openmv-ae3", o)
}

func twoCores(t *testing.T, id string, o simboard.Options) (*simboard.Board, []Request) {
	t.Helper()
	profile, err := board.Lookup(id)
	if err != nil {
		t.Fatal(err)
	}
	o.Board = profile
	b := deploytest.Start(t, o)
	var all []Request
	for i, name := range []string{"romfs0", "romfs1"} {
		r := request(t, b, deploytest.Image(t, romfs.Options{}, map[string][]byte{
			"app" + name + ".py": deploytest.Code(uint64(i), 500), "model.tflite": deploytest.Random(uint64(i), 30_000-i*20_000),
		}))
		r.Board, r.Partition = profile, name
		all = append(all, r)
	}
	return b, all
}

func boardHolds(b *simboard.Board, partition int, image []byte) bool {
	return bytes.HasPrefix(b.Contents(partition), image)
}

// counting counts how many images are written.
func counting(all []Request) *int {
	n := new(int)
	for i := range all {
		all[i].Reporter = tasks{all[i].Reporter, func(name string) {
			if strings.HasSuffix(name, ": writing") {
				*n++
			}
		}}
	}
	return n
}

// tasks is a Reporter that calls a function for each task.
type tasks struct {
	report.Reporter
	begins func(name string)
}

func (k tasks) Task(name string, total int64, unit report.Unit) report.Task {
	k.begins(name)
	return k.Reporter.Task(name, total, unit)
}

// TestRunAll deploys both images of an AE3, each to its partition.
func TestRunAll(t *testing.T) {
	t.Parallel()
	b, all := ae3(t, simboard.Options{})
	all[0].Imports = []string{"appromfs0"}
	var said []string
	all[1].Reporter = keeping{all[1].Reporter, &said}
	results, errs := RunAll(context.Background(), all)
	for i, r := range results {
		if errs[i] != nil || r.Status != Deployed || r.Partition != i || r.Changed == 0 || r.Sent == 0 || !boardHolds(b, i, all[i].Image) {
			t.Errorf("image %d: %v, %+v", i, errs[i], r)
		}
	}
	if n := strings.Count(strings.Join(said, "\n"), "the HE core has partition romfs1 mounted"); n != 1 {
		t.Errorf("it warned %d times of the other core: %q", n, said)
	}
	if len(results[0].Imported) != 1 || !strings.Contains(results[1].Import, "rom_ioctl(2, 1)") {
		t.Errorf("%+v, %+v", results[0], results[1])
	}

	// Again: nothing to do. One differs: it alone is written.
	wrote := counting(all)
	all[1].Image = deploytest.Image(t, romfs.Options{}, map[string][]byte{"other": deploytest.Random(9, 3000)})
	results, errs = RunAll(context.Background(), all)
	if errors.Join(errs...) != nil || results[0].Status != Unchanged || results[1].Status != Deployed || *wrote != 1 || !boardHolds(b, 1, all[1].Image) {
		t.Errorf("%v, %+v, %+v, %d written", errs, results[0], results[1], *wrote)
	}

	// Comparing goes on behind a difference.
	for i := range all {
		all[i].VerifyOnly = true
	}
	right := all[0].Image
	all[0].Image = all[1].Image
	results, errs = RunAll(context.Background(), all)
	var differs *VerifyError
	if !errors.As(errs[0], &differs) || errs[1] != nil || results[0].Status != Differs || results[1].Status != Verified {
		t.Errorf("%v, %+v, %+v", errs, results[0], results[1])
	}
	all[0].Image = right
	if _, errs = RunAll(context.Background(), all); errors.Join(errs...) != nil {
		t.Error(errs)
	}
}

// TestRunAllRefused: what one image is refused for leaves the other partition
// as it was too.
func TestRunAllRefused(t *testing.T) {
	t.Parallel()
	b, all := ae3(t, simboard.Options{})
	large := bytes.Clone(all[1].Image)
	ensemble, err := board.Lookup("alif-ensemble")
	if err != nil {
		t.Fatal(err)
	}
	native := deploytest.Image(t, romfs.Options{}, map[string][]byte{"n.mpy": {'M', 6, 9<<2 | 3, 31, 1, 0, 0}})
	for name, c := range map[string]struct {
		change func(r *Request)
		want   string
	}{
		"another board":          {func(r *Request) { r.Board = ensemble }, "the image is for alif-ensemble"},
		"code for another core":  {func(r *Request) { r.Image = native }, "cannot load n.mpy"},
		"one partition for both": {func(r *Request) { r.Partition = "0" }, "two images are for partition 0"},
		"no such partition":      {func(r *Request) { r.Partition = "romfs2" }, `no partition "romfs2"`},
		"no image":               {func(r *Request) { r.Image = large[1:] }, "not a ROMFS image"},
	} {
		both := []Request{all[0], all[1]}
		c.change(&both[1])
		results, errs := RunAll(context.Background(), both)
		if errs[0] != nil || errs[1] == nil || !strings.Contains(errs[1].Error(), c.want) || results[0].Status != Skipped || boardHolds(b, 0, all[0].Image) {
			t.Errorf("%s: %v, %+v", name, errs, results[0])
		}
	}
}

// TestOtherCoreRuns: MicroPython's own firmware for the other core runs main.py
// from the partition.
func TestOtherCoreRuns(t *testing.T) {
	t.Parallel()
	b, all := twoCores(t, "alif-ensemble", simboard.Options{})
	_, errs := RunAll(context.Background(), all)
	var incompatible *IncompatibleError
	if errs[0] != nil || !errors.As(errs[1], &incompatible) || !strings.Contains(errs[1].Error(), "the HE core runs from partition romfs1") || boardHolds(b, 0, all[0].Image) {
		t.Error(errs)
	}
	// --any-board is about another thing.
	for i := range all {
		all[i].AnyBoard = true
	}
	if _, errs = RunAll(context.Background(), all); !errors.As(errs[1], &incompatible) || !strings.Contains(errs[1].Error(), "--core-stopped") {
		t.Error(errs)
	}
	for i := range all {
		all[i].AnyBoard, all[i].OtherCore = false, true
	}
	if _, errs = RunAll(context.Background(), all); errors.Join(errs...) != nil || !boardHolds(b, 1, all[1].Image) {
		t.Error(errs)
	}
}

// TestRunAllFails: the first failure ends the deploy, and the results say what
// was done.
func TestRunAllFails(t *testing.T) {
	t.Parallel()
	b, all := ae3(t, simboard.Options{})
	// The cable is pulled when the second image begins to be written.
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	n := 0
	for i := range all {
		all[i].Reporter = tasks{all[i].Reporter, func(name string) {
			if strings.HasSuffix(name, ": writing") {
				if n++; n == 2 {
					cancel()
				}
			}
		}}
	}
	results, errs := RunAll(ctx, all)
	var interrupted *InterruptedError
	if errs[0] != nil || !errors.As(errs[1], &interrupted) || results[0].Status != Written || !boardHolds(b, 0, all[0].Image) || boardHolds(b, 1, all[1].Image) {
		t.Errorf("%v, %+v, %+v", errs, results[0], results[1])
	}
	// The next one repairs it.
	for i := range all {
		all[i].Reporter = nil
	}
	results, errs = RunAll(context.Background(), all)
	if errors.Join(errs...) != nil || results[0].Status != Unchanged || results[1].Status != Deployed || !boardHolds(b, 1, all[1].Image) {
		t.Errorf("%v, %+v, %+v", errs, results[0], results[1])
	}

	// The first one fails: the second is not tried.
	all[0].Port = "socket://127.0.0.1:1"
	results, errs = RunAll(context.Background(), all)
	var port *port.Error
	if !errors.As(errs[0], &port) || errs[1] != nil || results[1].Status != Skipped {
		t.Errorf("%v, %+v", errs, results[1])
	}
}

// TestRunAllResumes: a board that restarts while the second image is written
// gets the rest of it, and the first is not sent again.
func TestRunAllResumes(t *testing.T) {
	t.Parallel()
	var o simboard.Options
	for _, f := range []string{"cut=200", "power-back=300ms"} {
		if err := o.SetFault(f); err != nil {
			t.Fatal(err)
		}
	}
	b, all := ae3(t, o)
	results, errs := RunAll(context.Background(), all)
	for i, r := range results {
		if errs[i] != nil || r.Status != Deployed || !boardHolds(b, i, all[i].Image) {
			t.Errorf("image %d: %v, %+v", i, errs[i], r)
		}
	}
	if results[0].Resumed != 0 || results[1].Resumed == 0 || results[0].Changed == 0 {
		t.Errorf("the power was not cut within the second image: %+v, %+v", results[0], results[1])
	}
}
