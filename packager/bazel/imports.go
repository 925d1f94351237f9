package bazel

import (
	"context"
	"errors"

	"rules_romfs/packager/imports"
)

// imports runs the modules in the interpreter of the request, or in the one that
// is built in, and returns what they print.
func (r *Request) imports(ctx context.Context, image string, argv []string) (string, error) {
	path, err := r.file(r.MicroPython)
	if err != nil {
		return "", err
	}
	if path == "" && r.MicroPythonProblem != "" {
		return "", errors.New(r.MicroPythonProblem)
	}
	stubs, err := r.stubDirs()
	if err != nil {
		return "", err
	}
	c := imports.Check{Interpreter: path, Image: image, Stubs: stubs, Modules: r.Test.Imports, Args: argv}
	return c.Run(ctx)
}

// stubDirs returns the directories of the modules that stand in for the board's.
func (r *Request) stubDirs() ([]string, error) {
	var files []string
	for _, name := range r.Test.Stubs {
		file, err := r.file(name)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return directories(files), nil
}
