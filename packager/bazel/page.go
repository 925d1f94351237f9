package bazel

import (
	"bytes"
	"context"
	"os"
	"path/filepath"

	"rules_romfs/packager/artifact"
	"rules_romfs/packager/inspect"
	"rules_romfs/packager/ram"
	"rules_romfs/packager/report/page"
)

// report draws the page about an image, compared with an older one if there is
// one.
func (a *Action) report(ctx context.Context, f *flags) error {
	image, err := f.open(ctx)
	if err != nil {
		return err
	}
	defer image.Close()
	subject := page.Subject{Name: image.Name, Image: image}
	sidecar, err := artifact.Load(f.sidecar)
	if err != nil {
		return err
	}
	if f.boardFile != "" {
		subject.Target.Board = f.boardFile
		if sidecar.Partition != nil {
			subject.Target.Partition = sidecar.Partition.Name
		}
	}
	p, err := readPlan(f.plan)
	if err != nil {
		return err
	}
	subject.Budget.Max, subject.Budget.Warn = p.budget(sidecar)
	text, err := os.ReadFile(f.ram)
	if err != nil {
		return err
	}
	if subject.RAM, err = ram.Decode(text); err != nil {
		return err
	}
	if f.base != "" {
		base, err := inspect.Open(ctx, f.base)
		if err != nil {
			return err
		}
		defer base.Close()
		base.Name = filepath.Base(f.base)
		subject.Base, subject.BaseName = base, base.Name
	}
	in, damage, err := page.Inspect(ctx, subject)
	if err == nil {
		err = damage
	}
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := page.Write(&b, *in); err != nil {
		return err
	}
	return os.WriteFile(f.out, b.Bytes(), 0o666)
}
