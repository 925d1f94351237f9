//go:build linux

package selftest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"rules_romfs/internal/peer"
	"rules_romfs/packager/deploy"
	"rules_romfs/packager/port"
	"rules_romfs/packager/report"
	"rules_romfs/packager/simboard"
)

func start(t *testing.T, o simboard.Options) (*simboard.Board, Request) {
	t.Helper()
	o.Interpreter, o.Listen = peer.MicroPython(t), "127.0.0.1:0"
	b, err := simboard.Start(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b, Request{Opener: &port.Opener{}, Port: b.Addr(), Reporter: report.NewLog(t.Output())}
}

// TestSelftest passes on one board of each way of writing, cuts the link once,
// and leaves the last image.
func TestSelftest(t *testing.T) {
	t.Parallel()
	for _, driver := range []string{"stm32-qspi", "stm32-internal-h7", "alif-mram", "rp2", "nrf", "samd51", "renesas-ra4", "esp32-encrypted"} {
		t.Run(driver, func(t *testing.T) {
			t.Parallel()
			b, r := start(t, simboard.Options{Partitions: []simboard.Partition{{Driver: driver, Size: 256 << 10}}})
			got, err := Run(context.Background(), r, "test")
			if err != nil || !got.Passed || len(got.Steps) != 6 || got.ID == "" || got.Flash == "" {
				t.Fatalf("%v, %+v", err, got)
			}
			if i := slices.IndexFunc(got.Steps, func(s Step) bool { return strings.Contains(s.Note, ", 1 reconnect") }); i != 3 {
				t.Errorf("the link was cut in step %d: %+v", i, got.Steps)
			}
			if v := b.Stats().Violations; len(v) > 0 {
				t.Errorf("the flash does not bear it: %v", v)
			}
		})
	}
}

// TestSelftestFails: a board that loses bits is reported, with the steps until
// then, and so is one without room.
func TestSelftestFails(t *testing.T) {
	t.Parallel()
	o := simboard.Options{}
	if err := o.SetFault("weak-block=2"); err != nil {
		t.Fatal(err)
	}
	_, r := start(t, o)
	got, err := Run(context.Background(), r, "test")
	var verify *deploy.VerifyError
	if !errors.As(err, &verify) || got.Passed || len(got.Steps) != 1 || got.Steps[0].Passed || !strings.Contains(got.Steps[0].Error, "written once more") {
		t.Errorf("%v, %+v", err, got)
	}
	_, r = start(t, simboard.Options{Partitions: []simboard.Partition{{Size: 8 << 10}}})
	r.Size = 8 << 10
	got, err = Run(context.Background(), r, "test")
	var incompatible *deploy.IncompatibleError
	if !errors.As(err, &incompatible) || got.Passed || got.Machine == "" {
		t.Errorf("%v, %+v", err, got)
	}
}
