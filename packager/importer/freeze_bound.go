package importer

import (
	"fmt"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// Starlark bounds the steps of a program and not its memory: forty lines that
// double a text are enough for all that a machine has. So whatever something is
// made of (an operand, an argument, what a name stands for) is measured first.
// What one operation makes is then at most the product of two such values, and
// what all of them keep, maxSteps of them.

// maxValue bounds a value, with all that is in it, in bytes. Those of
// MicroPython's manifests take some hundred.
const maxValue = 16 << 10

// elementSize is what a value takes beside the bytes of a text.
const elementSize = 16

// The names of the functions that measure are none that a source can have.
const (
	measureName = "(measure)" // returns its first argument
	factorName  = "(factor)"  // likewise, of a product, where a number counts as so many bytes
)

// measured rewrites a manifest so that its values are measured.
func measured(file *syntax.File) {
	syntax.Walk(file, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.AssignStmt:
			if name, ok := n.LHS.(*syntax.Ident); ok && n.Op != syntax.EQ { // x += …
				measure(measureName, &n.RHS, &syntax.Ident{NamePos: name.NamePos, Name: name.Name})
			} else {
				measure(measureName, &n.RHS)
			}
		case *syntax.ReturnStmt:
			measure(measureName, &n.Result)
		case *syntax.BinaryExpr:
			measureOperands(n)
		case *syntax.DotExpr:
			measure(measureName, &n.X)
		case *syntax.IndexExpr:
			measure(measureName, &n.X)
		case *syntax.SliceExpr:
			measure(measureName, &n.X)
		case *syntax.Comprehension:
			if _, ok := n.Body.(*syntax.DictEntry); !ok {
				measure(measureName, &n.Body)
			}
		case *syntax.DictEntry:
			measure(measureName, &n.Key)
			measure(measureName, &n.Value)
		case *syntax.ListExpr:
			measureElements(n.List)
		case *syntax.TupleExpr:
			measureElements(n.List)
		case *syntax.CallExpr:
			measureArguments(n)
		}
		return true
	})
}

// measure puts an expression, if there is one, into a call that measures it, and
// more beside it.
func measure(name string, x *syntax.Expr, more ...syntax.Expr) {
	if *x == nil {
		return
	}
	at, _ := (*x).Span()
	*x = &syntax.CallExpr{Fn: &syntax.Ident{NamePos: at, Name: name}, Lparen: at, Args: append([]syntax.Expr{*x}, more...), Rparen: at}
}

func measureOperands(n *syntax.BinaryExpr) {
	name := measureName
	if n.Op == syntax.STAR {
		name = factorName
	}
	if n.Op != syntax.EQ { // the name of an argument
		measure(name, &n.X)
	}
	measure(name, &n.Y)
}

// measureElements measures what is made in a list: but not names, which are no
// more than what was assigned, and may be assigned to here.
func measureElements(list []syntax.Expr) {
	for i := range list {
		switch list[i].(type) {
		case *syntax.BinaryExpr, *syntax.CallExpr, *syntax.CondExpr, *syntax.SliceExpr, *syntax.Comprehension:
			measure(measureName, &list[i])
		}
	}
}

func measureArguments(n *syntax.CallExpr) {
	if fn, ok := n.Fn.(*syntax.Ident); ok && (fn.Name == measureName || fn.Name == factorName) {
		return
	}
	for i := range n.Args {
		switch arg := n.Args[i].(type) {
		case *syntax.UnaryExpr: // *args and **kwargs, or a number
			measure(measureName, &arg.X)
		case *syntax.BinaryExpr:
			if arg.Op != syntax.EQ {
				measure(measureName, &n.Args[i])
			}
		default:
			measure(measureName, &n.Args[i])
		}
	}
}

// measurer is the function that measures its arguments and returns the first.
func measurer(name string) *starlark.Builtin {
	return starlark.NewBuiltin(name, func(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
		for _, v := range args {
			size := sizeOf(v, 0)
			if n, ok := v.(starlark.Int); ok && name == factorName {
				if count, ok := n.Int64(); !ok || count > maxValue {
					size = maxValue + 1
				}
			}
			if size > maxValue {
				return nil, fmt.Errorf("a value has more than %d KiB, which no list of modules needs; use several calls", maxValue>>10)
			}
		}
		return args[0], nil
	})
}

// sizeOf adds the size of a value to that of others. It stops above maxValue,
// also in a list that holds itself.
func sizeOf(v starlark.Value, size int) int {
	if size += elementSize; size > maxValue {
		return size
	}
	switch v := v.(type) {
	case starlark.String:
		size += len(v)
	case starlark.Bytes:
		size += len(v)
	case starlark.Int:
		size += v.BigInt().BitLen() / 8
	case *starlark.Dict:
		for key, value := range v.Entries() {
			if size = sizeOf(value, sizeOf(key, size)); size > maxValue {
				return size
			}
		}
	case *starlark.List, starlark.Tuple, *starlark.Set:
		for e := range starlark.Elements(v.(starlark.Iterable)) {
			if size = sizeOf(e, size); size > maxValue {
				return size
			}
		}
	case starlark.Sequence: // range and the like
		size += elementSize * min(v.Len(), maxValue)
	}
	return size
}
