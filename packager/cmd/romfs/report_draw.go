package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"rules_romfs/internal/syserr"
	"rules_romfs/packager/images"
	"rules_romfs/packager/inspect"
	"rules_romfs/packager/ram"
	"rules_romfs/packager/report/page"
)

// A reportSubject is an image to draw.
type reportSubject struct {
	image  *inspect.Image
	target inspect.Target
	name   string // of the image file
	budget page.Budget
}

// ledger reads the RAM figures; nil without any.
func (f *reportFlags) ledger() (*ram.Ledger, error) {
	if f.ram == "" {
		return nil, nil
	}
	text, err := os.ReadFile(f.ram)
	if err != nil {
		return nil, &inputError{syserr.Plain(err)}
	}
	l, err := ram.Decode(text)
	if err != nil {
		return nil, &inputError{fmt.Errorf("%s: %w", f.ram, err)}
	}
	return l, nil
}

// subjects opens an image, or builds those of a manifest or directory.
func (f *reportFlags) subjects(ctx context.Context, a *app, path string) ([]reportSubject, error) {
	limit, err := parseSize("budget", f.budget)
	if err != nil {
		return nil, err
	}
	if images.Is(path) {
		im, err := a.openImage(ctx, path)
		target := inspect.Target{Board: f.source.board, Partition: f.source.partition}
		return []reportSubject{{im, target, path, page.Budget{Max: limit}}}, err
	}
	project, err := f.source.open(ctx, a, path)
	if err != nil {
		return nil, err
	}
	for _, flag := range []struct{ name, value string }{{"-o", f.out}, {"--base", f.base}, {"--ram", f.ram}} {
		if flag.value != "" {
			if err := project.One(flag.name + " is about one image"); err != nil {
				return nil, err
			}
		}
	}
	built, err := project.Build(ctx)
	if err != nil {
		return nil, err
	}
	a.warnings(built)
	var all []reportSubject
	names := project.Files()
	for i, im := range built {
		image, err := inspect.Built(ctx, names[i], im, a.reporter)
		if err != nil {
			return nil, err
		}
		budget := page.Budget{Max: im.Spec.Max, Warn: im.Spec.Warn}
		if limit > 0 {
			budget = page.Budget{Max: limit}
		}
		all = append(all, reportSubject{image, inspect.Target{Board: f.source.board}, names[i], budget})
	}
	return all, nil
}

// draw makes the page of an image. Where the image is damaged, the error comes
// with the page.
func (f *reportFlags) draw(ctx context.Context, a *app, s reportSubject, ledger *ram.Ledger) ([]byte, reportResult, error) {
	r := reportResult{Image: s.name, Report: f.out}
	if r.Report == "" {
		r.Report = strings.TrimSuffix(filepath.Base(s.name), filepath.Ext(s.name)) + ".html"
	}
	if s.name == "-" {
		r.Image = s.image.Name
	}
	subject := page.Subject{Name: filepath.Base(r.Image), Image: s.image, Target: s.target, Budget: s.budget, RAM: ledger}
	if f.base != "" {
		old, err := a.openImage(ctx, f.base)
		if err != nil {
			return nil, r, err
		}
		defer old.Close()
		subject.Base, subject.BaseName = old, old.Name
		if old.Path != "" {
			subject.BaseName = filepath.Base(old.Path)
		}
	}
	in, damage, err := page.Inspect(ctx, subject)
	if err != nil {
		return nil, r, err
	}
	var b bytes.Buffer
	if err := page.Write(&b, *in); err != nil {
		return nil, r, err
	}
	r.SHA256, r.Size = *in.Listing.SHA256, int64(b.Len())
	r.Errors, r.Warnings, _, _ = in.Verification.Verdict(true)
	return b.Bytes(), r, damage
}
