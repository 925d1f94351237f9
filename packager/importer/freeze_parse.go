package importer

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	"go.starlark.net/resolve"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

const starlarkRemedy = "a manifest.py is evaluated as Starlark, a part of Python without import, class, try, with, is and f-strings: write it so, or list the files in a manifest by hand"

// maxObstacles is how many lines of one manifest are named that are no Starlark.
const maxObstacles = 20

// program reads a manifest. Of one that is no Starlark all that is wrong is
// reported, not the first of it alone: the statements that are wrong are taken
// out, and the rest is read again. sound tells whether nothing was.
func (f *freezer) program(file string, data []byte, names starlark.StringDict) (program *starlark.Program, sound bool) {
	options := &syntax.FileOptions{Set: true, TopLevelControl: true, GlobalReassign: true}
	text := &statements{lines: bytes.Split(data, []byte("\n"))}
	for range 2 * maxObstacles {
		parsed, err := options.Parse(file, text.join(), 0)
		if err == nil {
			measured(parsed)
			program, err = starlark.FileProgram(parsed, names.Has)
		}
		var wrong syntax.Error
		var undefined resolve.ErrorList
		switch {
		case err == nil:
			return program, len(text.removed) == 0
		case errors.As(err, &wrong):
			if !text.knows(int(wrong.Pos.Line)) {
				f.fail(wrong.Pos, file, codeSyntax, starlarkRemedy, "cannot be evaluated: %s", wrong.Msg)
			}
			if !text.remove(int(wrong.Pos.Line)) {
				return nil, false
			}
		case errors.As(err, &undefined):
			for _, e := range undefined {
				// What a statement defines that was taken out is no defect of its own.
				if name := identifier().FindString(strings.TrimPrefix(e.Msg, "undefined: ")); !slices.Contains(text.words, name) {
					f.fail(e.Pos, file, codeSyntax, starlarkRemedy, "cannot be evaluated: %s", e.Msg)
				}
			}
			for _, e := range undefined {
				text.remove(int(e.Pos.Line))
			}
		default:
			f.fail(syntax.Position{}, file, codeValue, "", "cannot be evaluated: %v", err)
			return nil, false
		}
	}
	return nil, false
}

// statements are the lines of a manifest, of which some are taken out.
type statements struct {
	lines   [][]byte
	removed []int    // from 1
	words   []string // in what was removed
}

func (s *statements) join() []byte { return bytes.Join(s.lines, []byte("\n")) }

// knows reports whether what is wrong with a line has been said: it was taken
// out, or goes on with what was, as the except of a try does.
func (s *statements) knows(line int) bool {
	if slices.Contains(s.removed, line) {
		return true
	}
	first := identifier().Find(s.lines[min(line, len(s.lines))-1])
	return len(s.removed) > 0 && slices.Contains([]string{"except", "finally", "else", "elif"}, string(first))
}

// remove takes out the statement in a line, with what is indented below it. In
// its place stands one that does nothing; where that is wrong too, in the middle
// of a call, nothing. False if the line is empty already.
func (s *statements) remove(line int) bool {
	if line < 1 || line > len(s.lines) {
		return false
	}
	text := s.lines[line-1]
	again := slices.Contains(s.removed, line)
	if again && len(bytes.TrimSpace(text)) == 0 {
		return false
	}
	indent := text[:len(text)-len(bytes.TrimLeft(text, " \t"))]
	s.removed = append(s.removed, line)
	if again {
		s.lines[line-1] = nil
		return true
	}
	s.words = append(s.words, identifier().FindAllString(string(text), -1)...)
	s.lines[line-1] = append(slices.Clone(indent), "pass"...)
	for i := line; i < len(s.lines); i++ {
		below := s.lines[i]
		if len(bytes.TrimSpace(below)) > 0 && len(below)-len(bytes.TrimLeft(below, " \t")) <= len(indent) {
			break
		}
		s.words = append(s.words, identifier().FindAllString(string(below), -1)...)
		s.lines[i] = nil
	}
	return true
}

// evaluate runs a manifest as Starlark.
func (f *freezer) evaluate(file string, data []byte, kwargs []starlark.Tuple) {
	names := f.builtins(kwargs)
	program, sound := f.program(file, data, names)
	if program == nil {
		return
	}
	thread := &starlark.Thread{Name: file, Print: func(*starlark.Thread, string) {}}
	left := maxSteps - min(f.steps, maxSteps-1)
	thread.SetMaxExecutionSteps(left)
	outer := f.at
	defer func() { f.at = outer; f.steps += thread.ExecutionSteps() }()
	_, err := program.Init(thread, names)
	var evalError *starlark.EvalError
	switch {
	case err == nil || !sound: // what is missing was taken out
	case errors.As(err, &evalError):
		var pos syntax.Position
		for i := range len(evalError.CallStack) { // the innermost that is no function of ours
			if p := evalError.CallStack.At(i).Pos; p.Filename() == file {
				pos = p
				break
			}
		}
		f.fail(pos, file, codeValue, "", "cannot be evaluated: %s", evalError.Msg)
	default:
		f.fail(syntax.Position{}, file, codeValue, "", "cannot be evaluated: %v", err)
	}
}

// report turns the error of a call into a defect of the manifest, which goes on:
// there may be more. What bounds an import ends it.
func (f *freezer) report(thread *starlark.Thread, err error) error {
	var look *lookError
	if err == nil || errors.As(err, &look) || f.im.ctx.Err() != nil || len(f.errs) > maxDefects {
		return err
	}
	pos := thread.CallFrame(1).Pos
	f.fail(pos, pos.Filename(), codeValue, "", "cannot be evaluated: %v", err)
	return nil
}

// maxDefects is how many defects of calls are collected.
const maxDefects = 100
