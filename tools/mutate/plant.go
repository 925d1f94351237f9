package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A fault is one change of meaning.
type fault struct {
	id   int
	name string // the file, the function, and what is changed in it; stays the same when lines move
	line int
}

// An edit is text that stands in for what is between two offsets of a file.
type edit struct {
	from, to int
	text     string
	order    int // of what is inserted at the same place
}

// A planter puts faults into the files of a package.
type planter struct {
	fset   *token.FileSet
	info   *types.Info
	source []byte
	base   int // position of the file's first byte
	edits  []edit
	faults *[]fault
	fn     string // the function at hand
	parent map[ast.Node]ast.Node
}

// plant writes faulty copies of the code into work, and the file by which the Go
// tool takes them instead.
func plant(code []string, work string) (faults []fault, overlay string, err error) {
	replace := map[string]string{}
	dirs := map[string][]string{} // by package: the files that get faults; nil: all
	for _, c := range code {
		if strings.HasSuffix(c, ".go") {
			dirs[filepath.Dir(c)] = append(dirs[filepath.Dir(c)], filepath.Base(c))
		} else {
			dirs[c] = nil
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(dirs)) {
		if err := plantPackage(dir, dirs[dir], work, replace, &faults); err != nil {
			return nil, "", fmt.Errorf("%s: %w", dir, err)
		}
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return nil, "", err
	}
	overlay = filepath.Join(work, "overlay.json")
	return faults, overlay, os.WriteFile(overlay, text, 0o666)
}

func plantPackage(dir string, only []string, work string, replace map[string]string, faults *[]fault) error {
	fset := token.NewFileSet()
	var files []*ast.File
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, filepath.Join(dir, e.Name()), nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		files = append(files, f)
	}
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
	config := types.Config{Importer: importer.ForCompiler(fset, "source", nil)}
	if _, err := config.Check(dir, fset, files, info); err != nil {
		return err
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	put := func(name, text string) error {
		copied := filepath.Join(work, strings.ReplaceAll(dir, "/", "-")+"-"+name)
		replace[filepath.Join(abs, name)] = copied
		return os.WriteFile(copied, []byte(text), 0o666)
	}
	for _, f := range files {
		path := fset.Position(f.Package).Filename
		if only != nil && !slices.Contains(only, filepath.Base(path)) {
			continue
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		p := &planter{fset: fset, info: info, source: source, base: fset.File(f.Package).Base(), faults: faults, parent: map[ast.Node]ast.Node{}}
		p.file(f)
		if err := put(filepath.Base(path), p.text()); err != nil {
			return err
		}
	}
	return put("zz_mutants.go", "package "+files[0].Name.Name+"\n"+helpers)
}

// helpers are what the faulty code calls. Each knows its fault by the number.
const helpers = `
import (
	"cmp"
	"os"
	"strconv"
)

var aliveMutant, _ = strconv.Atoi(os.Getenv("MUTANT"))

func onMutant(id int) bool { return id == aliveMutant }

func lessMutant[T cmp.Ordered](id int, a, b T) bool {
	if onMutant(id) {
		return a <= b
	}
	return a < b
}

func atMostMutant[T cmp.Ordered](id int, a, b T) bool {
	if onMutant(id) {
		return a < b
	}
	return a <= b
}

func andMutant(id int, a bool, b func() bool) bool {
	if onMutant(id) {
		return a || b()
	}
	return a && b()
}

func orMutant(id int, a bool, b func() bool) bool {
	if onMutant(id) {
		return a && b()
	}
	return a || b()
}

type integerMutant interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~uintptr
}

func sumMutant[T integerMutant](id int, a, b T) T {
	if onMutant(id) {
		return a - b
	}
	return a + b
}

func differenceMutant[T integerMutant](id int, a, b T) T {
	if onMutant(id) {
		return a + b
	}
	return a - b
}

func productMutant[T integerMutant](id int, a, b T) T {
	if onMutant(id) {
		return a + b
	}
	return a * b
}

func quotientMutant[T integerMutant](id int, a, b T) T {
	if onMutant(id) {
		return a * b
	}
	return a / b
}

func moreMutant[T integerMutant](id int, n T) T {
	if onMutant(id) {
		return n + 1
	}
	return n
}
`

func (p *planter) at(pos token.Pos) int { return int(pos) - p.base }

func (p *planter) code(n ast.Node) string { return string(p.source[p.at(n.Pos()):p.at(n.End())]) }

// add notes a fault and returns its number.
func (p *planter) add(n ast.Node, change string) int {
	id := len(*p.faults) + 1
	at := p.fset.Position(n.Pos())
	text := strings.Join(strings.Fields(p.code(n)), " ")
	if len(text) > 60 {
		text = text[:60] + "…"
	}
	*p.faults = append(*p.faults, fault{id, fmt.Sprintf("%s %s: %s: `%s`", at.Filename, p.fn, change, text), at.Line})
	return id
}

// wrap puts text before and after a node. What is outside is wrapped first.
func (p *planter) wrap(n ast.Node, before, after string) {
	k := len(p.edits)
	p.edits = append(p.edits, edit{p.at(n.Pos()), p.at(n.Pos()), before, k}, edit{p.at(n.End()), p.at(n.End()), after, -k})
}

// text is the file with its edits: at the same place, the ends of what is inside
// come first, and the beginnings of what is outside.
func (p *planter) text() string {
	slices.SortStableFunc(p.edits, func(a, b edit) int {
		return cmp.Or(a.from-b.from, a.to-b.to, a.order-b.order)
	})
	var b strings.Builder
	at := 0
	for _, e := range p.edits {
		b.Write(p.source[at:e.from])
		b.WriteString(e.text)
		at = e.to
	}
	b.Write(p.source[at:])
	return b.String()
}

func (p *planter) file(f *ast.File) {
	var stack []ast.Node
	ast.Inspect(f, func(n ast.Node) bool {
		if n == nil {
			stack = stack[:len(stack)-1]
			return true
		}
		if len(stack) > 0 {
			p.parent[n] = stack[len(stack)-1]
		}
		stack = append(stack, n)
		return true
	})
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Body != nil {
			p.fn = fn.Name.Name
			ast.Inspect(fn.Body, p.visit)
		}
	}
}

// visit plants the faults of one node; ast.Inspect goes from the outside inwards.
func (p *planter) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.GenDecl:
		return n.Tok != token.CONST
	case *ast.ArrayType, *ast.FuncType, *ast.StructType:
		return false
	case *ast.BlockStmt:
		p.statements(n.List)
	case *ast.CaseClause:
		p.statements(n.Body)
	case *ast.IfStmt:
		p.condition(n.Cond)
	case *ast.BinaryExpr:
		if tv := p.info.Types[n]; tv.Value == nil {
			p.binary(n, tv.Type)
		} else {
			return false // decided by the compiler
		}
	case *ast.BasicLit:
		p.number(n)
	}
	return true
}

// condition turns one round that is no comparison, which binary does.
func (p *planter) condition(e ast.Expr) {
	if b, ok := e.(*ast.BinaryExpr); ok && b.Op != token.LAND && b.Op != token.LOR {
		return
	}
	id := p.add(e, "the opposite of")
	p.wrap(e, "(", fmt.Sprintf(") != onMutant(%d)", id))
}

var ordered = map[token.Token]string{token.LSS: "lessMutant", token.LEQ: "atMostMutant"}

var arithmetic = map[token.Token]string{
	token.ADD: "sumMutant", token.SUB: "differenceMutant", token.MUL: "productMutant", token.QUO: "quotientMutant",
}

func (p *planter) binary(n *ast.BinaryExpr, t types.Type) {
	replaceOperator := func(with string) {
		at := p.at(n.OpPos)
		p.edits = append(p.edits, edit{at, at + len(n.Op.String()), with, 0})
	}
	switch n.Op {
	case token.EQL, token.NEQ:
		id := p.add(n, "the opposite of")
		p.wrap(n, "((", fmt.Sprintf(") != onMutant(%d))", id))
	case token.LSS, token.LEQ:
		id := p.add(n, "another bound of")
		p.wrap(n, fmt.Sprintf("%s(%d, ", ordered[n.Op], id), ")")
		replaceOperator(", ")
	case token.GTR, token.GEQ: // the opposite of at most, and of less
		id := p.add(n, "another bound of")
		name := map[token.Token]string{token.GTR: "atMostMutant", token.GEQ: "lessMutant"}[n.Op]
		p.wrap(n, fmt.Sprintf("!%s(%d, ", name, id), ")")
		replaceOperator(", ")
	case token.LAND, token.LOR:
		id := p.add(n, "and for or, or the other way round, in")
		name := map[token.Token]string{token.LAND: "andMutant", token.LOR: "orMutant"}[n.Op]
		p.wrap(n, fmt.Sprintf("%s(%d, ", name, id), "})")
		replaceOperator(", func() bool { return ")
	default:
		basic, ok := t.Underlying().(*types.Basic)
		if name := arithmetic[n.Op]; ok && name != "" && basic.Info()&types.IsInteger != 0 {
			id := p.add(n, "another sign or factor in")
			p.wrap(n, fmt.Sprintf("%s(%d, ", name, id), ")")
			replaceOperator(", ")
		}
	}
}

// number makes a number one more.
func (p *planter) number(n *ast.BasicLit) {
	tv := p.info.Types[n]
	basic, ok := tv.Type.(*types.Basic)
	if n.Kind != token.INT || !ok || basic.Info()&types.IsInteger == 0 || basic.Info()&types.IsUntyped != 0 {
		return
	}
	switch parent := p.parent[n].(type) {
	case *ast.KeyValueExpr:
		if parent.Key == n {
			return // of an array, which the compiler has to know
		}
	case ast.Expr:
		if p.info.Types[parent].Value != nil {
			return // a part of what the compiler decides
		}
	}
	id := p.add(n, "one more than")
	p.wrap(n, fmt.Sprintf("moreMutant(%d, %s(", id, basic.Name()), "))")
}

// statements leaves one out.
func (p *planter) statements(list []ast.Stmt) {
	for _, s := range list {
		switch s := s.(type) {
		case *ast.ExprStmt:
			if call, ok := s.X.(*ast.CallExpr); ok {
				if name, ok := call.Fun.(*ast.Ident); ok && name.Name == "panic" {
					continue
				}
			}
		case *ast.AssignStmt:
			if s.Tok == token.DEFINE {
				continue
			}
		case *ast.BranchStmt:
			if s.Label != nil || s.Tok != token.CONTINUE {
				continue
			}
		case *ast.ReturnStmt:
			p.returned(s)
			continue
		case *ast.IncDecStmt:
		default:
			continue
		}
		id := p.add(s, "without")
		p.wrap(s, fmt.Sprintf("if !onMutant(%d) { ", id), " }")
	}
}

// returned forgets an error that is all that is returned.
func (p *planter) returned(s *ast.ReturnStmt) {
	if len(s.Results) != 1 {
		return
	}
	named, ok := p.info.Types[s.Results[0]].Type.(*types.Named)
	if !ok || named.Obj().Name() != "error" {
		return
	}
	id := p.add(s, "no error from")
	p.edits = append(p.edits, edit{p.at(s.Pos()), p.at(s.Pos()), fmt.Sprintf("if onMutant(%d) { return nil }; ", id), len(p.edits)})
}
