package haar

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// What a file may have at most: the largest cascade that OpenCV ships is 3 MB,
// with 100,000 elements, 9 deep.
const (
	maxFile     = 16 << 20 // bytes
	maxElements = 1 << 18
	maxDepth    = 32
	maxText     = 1 << 10 // bytes directly in one element: a few numbers
)

// An Error is something wrong in a cascade's file.
type Error struct {
	Line    int // 1 is the first
	Message string
}

func (e *Error) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Message) }

// An element is one of XML, without attributes but the type_id.
type element struct {
	name, typeID string
	line         int
	text         string // directly in it, without the elements
	children     []*element
}

// errorf returns an error at the element.
func (e *element) errorf(format string, args ...any) error {
	return &Error{e.line, fmt.Sprintf(format, args...)}
}

// find returns the child of that name; nil without one.
func (e *element) find(name string) *element {
	for _, c := range e.children {
		if c.name == name {
			return c
		}
	}
	return nil
}

// child returns the child of that name, which has to be there.
func (e *element) child(name string) (*element, error) {
	if c := e.find(name); c != nil {
		return c, nil
	}
	return nil, e.errorf("<%s> has no <%s>", e.name, name)
}

// items returns the members of a sequence, which OpenCV calls "_".
func (e *element) items() ([]*element, error) {
	for _, c := range e.children {
		if c.name != "_" {
			return nil, c.errorf("<%s> in the list <%s>", c.name, e.name)
		}
	}
	if len(e.children) == 0 {
		return nil, e.errorf("<%s> is an empty list", e.name)
	}
	return e.children, nil
}

// sequence returns the child of that name, and its items.
func (e *element) sequence(name string) (list *element, items []*element, err error) {
	if list, err = e.child(name); err == nil {
		items, err = list.items()
	}
	return list, items, err
}

// limited fails where a reader has more than n bytes.
type limited struct {
	r io.Reader
	n int64
}

var errTooLarge = fmt.Errorf("more than %d MiB: this is no cascade", maxFile>>20)

func (l *limited) Read(b []byte) (int, error) {
	n, err := l.r.Read(b)
	if l.n -= int64(n); l.n < 0 {
		return 0, errTooLarge
	}
	return n, err
}

// parseXML returns the root element of a document.
func parseXML(r io.Reader) (*element, error) {
	d := xml.NewDecoder(&limited{r, maxFile})
	root := &element{} // of it the document's root is the only child
	b := &treeBuilder{open: []*element{root}}
	for {
		token, err := d.Token()
		line, _ := d.InputPos()
		var syntax *xml.SyntaxError
		switch {
		case errors.As(err, &syntax):
			return nil, &Error{syntax.Line, "this is no XML: " + syntax.Msg}
		case err == io.EOF && len(root.children) == 0:
			return nil, &Error{line, "the file has no XML element"}
		case err == io.EOF:
			return root.children[0], nil
		case err != nil:
			return nil, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			err = b.start(t, line)
		case xml.EndElement:
			b.end()
		case xml.CharData:
			err = b.text(string(t))
		}
		if err != nil {
			return nil, err
		}
	}
}

// A treeBuilder makes elements of the tokens of a document.
type treeBuilder struct {
	open  []*element // from the outermost in; the first stands for the document
	count int
}

func (b *treeBuilder) top() *element { return b.open[len(b.open)-1] }

func (b *treeBuilder) start(t xml.StartElement, line int) error {
	e := &element{name: t.Name.Local, line: line}
	for _, a := range t.Attr {
		if a.Name.Local == "type_id" {
			e.typeID = a.Value
		}
	}
	if b.count++; b.count > maxElements {
		return e.errorf("more than %d elements: this is no cascade", maxElements)
	}
	if len(b.open) > maxDepth {
		return e.errorf("elements nest more than %d deep: this is no cascade", maxDepth)
	}
	b.top().children = append(b.top().children, e)
	b.open = append(b.open, e)
	return nil
}

func (b *treeBuilder) end() {
	top := b.top()
	top.text = strings.TrimSpace(top.text)
	b.open = b.open[:len(b.open)-1]
}

func (b *treeBuilder) text(text string) error {
	top := b.top()
	if len(b.open) == 1 || top.text == "" && strings.TrimSpace(text) == "" {
		return nil
	}
	if top.text += text; len(top.text) > maxText {
		return top.errorf("more than %d bytes of text in <%s>: this is no cascade", maxText, top.name)
	}
	return nil
}
