package mpy

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"time"

	"rules_romfs/internal/batch"
	"rules_romfs/internal/filecache"
	"rules_romfs/internal/smallfile"
)

// A Job is one source of a [Batch].
type Job struct {
	Path    string // file to read; errors name it
	Root    string // directory that no link may lead out of; empty: anywhere
	Options Options
}

// A Result is what a [Job] became.
type Result struct {
	Code       []byte    // the .mpy file
	Sum        [32]byte  // its sha256
	SourceSize int64     // bytes read from Job.Path
	Modified   time.Time // when the source was written to last
	SourceSum  [32]byte  // sha256 of the source
	Cached     bool      // taken from the cache
}

// A Batch compiles many sources.
type Batch struct {
	Compiler *Compiler
	Cache    *Cache                 // nil: compile everything
	Workers  int                    // compilers that run at once; 0: one a processor
	Done     func(i int, r *Result) // called after each success, from several goroutines; may be nil

	// Slow is told of a source that has been with the compiler for SlowAfter,
	// 5 seconds if that is 0, from several goroutines; may be nil.
	Slow      func(path string)
	SlowAfter time.Duration
}

// maxSource bounds the bytes of one source: what the compiler could not take
// need not be read.
const maxSource = maxHeap / 16

// sources are buffers that one source after the other is read into.
var sources sync.Pool

// Run compiles all jobs; results are in their order. It does not stop at a
// source that does not compile, and reports every failure, in the order of the
// jobs and whatever the number of workers: errors.As finds each
// [*CompileError], [*OptionError] or [*os.PathError] in the joined error.
func (b *Batch) Run(ctx context.Context, jobs []Job) ([]Result, error) {
	results, err := batch.Run(ctx, b.Workers, jobs, func(j Job) (Result, error) { return b.job(ctx, j) }, b.Done)
	if b.Cache != nil {
		b.Cache.Flush()
	}
	return results, err
}

func (b *Batch) job(ctx context.Context, j Job) (Result, error) {
	if err := j.Options.Validate(); err != nil {
		return Result{}, fmt.Errorf("%s: %w", j.Path, err)
	}
	buf, _ := sources.Get().(*[]byte)
	if buf == nil {
		buf = new([]byte)
	}
	defer sources.Put(buf)
	src, modified, err := smallfile.ReadBelow(*buf, j.Root, j.Path, maxSource)
	if err != nil {
		return Result{}, err
	}
	*buf = src
	r := Result{SourceSize: int64(len(src)), Modified: modified, SourceSum: sha256.Sum256(src)}
	var k filecache.Key
	cache := b.Cache
	if b.Compiler.Digest == ([32]byte{}) {
		cache = nil // nothing tells when the compiler behind a script changes
	}
	if cache != nil {
		k = cacheKey(b.Compiler, j.Options, r.SourceSum)
		if r.Code, r.Sum, r.Cached = cache.Get(k); r.Cached {
			return r, nil
		}
	}
	if b.Slow != nil {
		defer time.AfterFunc(cmp.Or(b.SlowAfter, slowAfter), func() { b.Slow(j.Path) }).Stop()
	}
	r.Code, err = b.Compiler.Compile(ctx, src, j.Options)
	if err != nil {
		var ce *CompileError
		if errors.As(err, &ce) {
			ce.File = j.Path
		}
		return Result{}, err
	}
	r.Sum = sha256.Sum256(r.Code)
	if cache != nil {
		cache.Put(k, r.Code, r.Sum)
	}
	return r, nil
}
