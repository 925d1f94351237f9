package bazel

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"rules_romfs/packager/artifact"
	"rules_romfs/packager/pack"
	"rules_romfs/packager/report"
)

// validate compares the size of an image, as its sidecar has it, with the
// budget of its manifest.
func (a *Action) validate(_ context.Context, f *flags) error {
	p, err := readPlan(f.plan)
	if err != nil {
		return err
	}
	sidecar, err := artifact.Load(f.sidecar)
	if err != nil {
		return err
	}
	limit, warn := p.budget(sidecar)
	over, warning := pack.CheckBudget(sidecar.Image.Size, limit, warn, largest(sidecar))
	if over != nil {
		return fmt.Errorf("%s: %w", p.BudgetAt, over)
	}
	if warning != "" {
		a.warn(f, p.BudgetAt+": "+warning)
	}
	return os.WriteFile(f.out, nil, 0o666)
}

// budget returns the manifest's budget in bytes; 0: none.
func (p *planFile) budget(s *artifact.Sidecar) (limit, warn int64) {
	var whole int64
	if s.Partition != nil {
		whole = s.Partition.Size
	}
	if m := p.Plan.Budget.Max; m != nil {
		limit = m.Of(whole)
		whole = limit
	}
	if w := p.Plan.Budget.Warn; w != nil {
		warn = w.Of(whole)
	}
	return limit, warn
}

// largest names the three files that take most space.
func largest(s *artifact.Sidecar) []string {
	files := slices.Clone(s.Files)
	slices.SortStableFunc(files, func(a, b artifact.File) int { return cmp.Compare(b.Stored, a.Stored) })
	var names []string
	for _, f := range files[:min(3, len(files))] {
		names = append(names, fmt.Sprintf("%s (%s)", f.Path, report.Size(f.Stored)))
	}
	return names
}

// publish puts an image and its sidecar into a directory under the name that
// says its content: <name>-<12 hex digits of its sha256>.romfs.
func (a *Action) publish(_ context.Context, f *flags) error {
	sidecar, err := artifact.Load(f.sidecar)
	if err != nil {
		return err
	}
	path := filepath.Join(f.outDir, sidecar.Name+"-"+sidecar.Image.SHA256.Short()+".romfs")
	return errors.Join(copyFile(path, f.image), copyFile(artifact.Path(path), f.sidecar))
}

func copyFile(to, from string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o666)
}
