package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A message is one of a protocol buffer's text form, as far as Bazel writes
// it: fields are messages, quoted strings, or bare words.
type message struct {
	fields []field
}

type field struct {
	name  string
	text  string
	child *message // nil for a value
}

// text returns the value of a field, "" where it is not set.
func (m *message) text(name string) string {
	for _, f := range m.fields {
		if f.name == name {
			return f.text
		}
	}
	return ""
}

// all returns the messages of a repeated field.
func (m *message) all(name string) []*message {
	var all []*message
	for _, f := range m.fields {
		if f.name == name && f.child != nil {
			all = append(all, f.child)
		}
	}
	return all
}

// sorted is all, by the value of one field.
func (m *message) sorted(name, by string) []*message {
	all := m.all(name)
	slices.SortFunc(all, func(a, b *message) int { return strings.Compare(a.text(by), b.text(by)) })
	return all
}

// parse reads the text form, of which Bazel writes one field or brace a line.
func parse(text string) (*message, error) {
	root := &message{}
	open := []*message{root}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		current := open[len(open)-1]
		name, value, isValue := strings.Cut(line, ": ")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case line == "}" && len(open) > 1:
			open = open[:len(open)-1]
		case strings.HasSuffix(line, " {"):
			child := &message{}
			current.fields = append(current.fields, field{name: strings.TrimSuffix(line, " {"), child: child})
			open = append(open, child)
		case isValue:
			if strings.HasPrefix(value, `"`) {
				var err error
				if value, err = unquote(value); err != nil {
					return nil, fmt.Errorf("line %d: %w", i+1, err)
				}
			}
			current.fields = append(current.fields, field{name: name, text: value})
		default:
			return nil, fmt.Errorf("line %d: unexpected %q", i+1, line)
		}
	}
	if len(open) > 1 {
		return nil, fmt.Errorf("%d braces are not closed", len(open)-1)
	}
	return root, nil
}

// unquote undoes the escapes of the text form, which are those of Go but for
// the quote of the other kind.
func unquote(quoted string) (string, error) {
	s, err := strconv.Unquote(strings.ReplaceAll(quoted, `\'`, `'`))
	if err != nil {
		return "", fmt.Errorf("%s is no string", quoted)
	}
	return s, nil
}
