// Package transform converts files: a model for the NPU of a board, a table
// into the form that a program reads. It runs one program for one file.
//
// A [Tool] is the program: an executable of the manifest's author, or that of a
// preset ([Presets]). A [Job] is one file with the tool's arguments, and a
// [Batch] runs many, several at a time and through a cache.
//
// A run starts in a directory that holds copies of the source and of the
// inputs that the manifest names, and nothing else. Its environment is fixed
// but for PATH, so that its output is a function of what it is given; only that
// output comes out of the directory, which is deleted. What it started ends with it.
package transform

import (
	"context"
	"crypto/sha256"
	"path"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"rules_romfs/internal/batch"
	"rules_romfs/internal/filecache"
	"rules_romfs/internal/smallfile"
	"rules_romfs/manifest"
	"rules_romfs/packager/artifact"
)

// cacheFormat is part of every key. Count it up when the meaning of a key or of
// an entry changes, or the environment of a run.
const cacheFormat = "rules_romfs transform cache 1"

// maxFile bounds the bytes of a source, an input and an output: no board has
// flash for more.
const maxFile = 256 << 20

// cacheLimits: models are large, and take minutes to make.
var cacheLimits = filecache.Limits{Entry: maxFile, Total: 2 << 30}

// OpenCache returns the cache of conversions under root (see mpy.CacheRoot),
// which need not exist yet.
func OpenCache(root string) (*filecache.Cache, error) {
	return filecache.Open(filepath.Join(root, "transform"), cacheLimits)
}

// A Job is one file to be converted.
type Job struct {
	Where  Where
	Path   string   // the file to read
	Root   string   // directory that no link may lead out of; empty: anywhere
	Name   string   // its base name: what the tool sees
	Tool   *Tool    // what converts it
	Args   []string // its arguments, with placeholders
	Inputs []File   // what it reads besides
	Output string   // base name of what it makes
}

// NewJob returns the job of converting a file, by a transform with its
// tool and command line.
func NewJob(w Where, file string, t *manifest.TransformPlan, tool *Tool, c Command) Job {
	j := Job{Where: w, Path: file, Name: path.Base(w.Source), Tool: tool, Args: c.Args, Output: t.Output}
	for _, in := range t.Inputs {
		j.Inputs = append(j.Inputs, File{Name: path.Base(in.Name), Path: in.Path, Root: in.Root})
	}
	j.Inputs = append(j.Inputs, c.Files...)
	return j
}

// Where says which file of which rule something is about.
type Where struct {
	Source       string // the file, as the manifest names it
	Manifest     string // the manifest's path
	Line, Column int    // of the rule's transform there
	Rule         string // "files[2]"
}

// A File is one that a run finds in its directory: the content of Path, or Data.
type File struct {
	Name string // base name
	Path string
	Root string // as that of a Job
	Data []byte // if Path is empty
}

// A Result is what a [Job] became.
type Result struct {
	Content   []byte   // the output
	Sum       [32]byte // its sha256
	SourceSum [32]byte // that of the source
	Cached    bool     // taken from the cache

	Kept Kept // why the source is packed as it is, without Content; empty: it is not
}

// A Kept is the reason why a source is packed as it is.
type Kept string

// The reasons.
const (
	AlreadyDone Kept = artifact.KeptConverted // it is what the tool makes
	NoNPU       Kept = artifact.KeptNoNPU     // the board has nothing that needs a conversion
	NoTool      Kept = artifact.KeptMissing   // there is no tool, and the user wants to do without
)

// A Batch converts many files.
type Batch struct {
	Cache   *filecache.Cache       // nil: run everything
	Workers int                    // tools that run at once; 0: one a processor
	Done    func(i int, r *Result) // called after each success, from several goroutines; may be nil

	inputs sync.Map // path -> func() (input, error): each is read once
}

// An input is the content of a [File].
type input struct {
	data []byte
	sum  [32]byte
}

// Run converts all files; results are in the order of jobs. It does not stop at
// one that fails, and reports every failure in the order of the jobs: a
// [*RunError] or a [*ReadError].
func (b *Batch) Run(ctx context.Context, jobs []Job) ([]Result, error) {
	results, err := batch.Run(ctx, b.Workers, jobs, func(j Job) (Result, error) { return b.job(ctx, &j) }, b.Done)
	if b.Cache != nil {
		b.Cache.Trim(time.Now())
	}
	return results, err
}

func (b *Batch) job(ctx context.Context, j *Job) (Result, error) {
	source, _, err := smallfile.ReadBelow(nil, j.Root, j.Path, maxFile)
	if err != nil {
		return Result{}, &ReadError{Where: j.Where, Err: err}
	}
	r := Result{SourceSum: sha256.Sum256(source)}
	if j.Tool.converted != nil && j.Tool.converted(source) {
		r.Kept = AlreadyDone
		return r, nil
	}
	inputs := make([]input, len(j.Inputs))
	for i, f := range j.Inputs {
		if inputs[i], err = b.input(f); err != nil {
			return r, &ReadError{Where: j.Where, Input: f.Name, Err: err}
		}
	}
	k := j.key(r.SourceSum, inputs)
	if b.Cache != nil {
		if r.Content, r.Sum, r.Cached = b.Cache.Get(k); r.Cached {
			return r, nil
		}
	}
	if r.Content, err = j.convert(ctx, source, inputs); err != nil {
		return r, err
	}
	r.Sum = sha256.Sum256(r.Content)
	if b.Cache != nil {
		b.Cache.Put(k, r.Content, r.Sum)
	}
	return r, nil
}

// key covers everything that decides the output.
func (j *Job) key(source [32]byte, inputs []input) filecache.Key {
	facts := []string{cacheFormat, string(source[:]), j.Name, j.Output}
	list := func(items []string) {
		facts = append(append(facts, strconv.Itoa(len(items))), items...)
	}
	list(j.Tool.facts)
	list(j.Args)
	var read []string
	for i, f := range j.Inputs {
		read = append(read, f.Name, string(inputs[i].sum[:]))
	}
	list(read)
	return filecache.KeyOf(facts...)
}

func (b *Batch) input(f File) (input, error) {
	if f.Path == "" {
		return input{f.Data, sha256.Sum256(f.Data)}, nil
	}
	once, _ := b.inputs.LoadOrStore(f.Path, sync.OnceValues(func() (input, error) {
		data, _, err := smallfile.ReadBelow(nil, f.Root, f.Path, maxFile)
		return input{data, sha256.Sum256(data)}, err
	}))
	return once.(func() (input, error))()
}
