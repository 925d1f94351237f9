// Package schemagen writes the JSON Schema of the YAML files that strictyaml
// decodes, from the Go types themselves: keys and constraints from the same
// struct tags that the decoder obeys, descriptions from the doc comments.
//
// It is for tests that keep a committed schema up to date; programs print the
// committed file. Where a type has several spellings in YAML, its method
// JSONSchemaOf says them:
//
//	func (RuleMPY) JSONSchemaOf() any // a JSON Schema as maps and slices
//
// In what it returns, a Go value of another type stands for that type's
// schema. A struct with conditions between its keys adds them to its schema
// with a method JSONSchemaExtra.
package schemagen

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/invopop/jsonschema"
)

type describer interface{ JSONSchemaOf() any }

type extender interface{ JSONSchemaExtra() map[string]any }

// Options say what a schema is about.
type Options struct {
	ID    string // $id of the schema
	Title string
	// Packages are the packages of the types, import path to directory, whose
	// doc comments become the descriptions.
	Packages map[string]string
}

// Generate returns the schema (JSON Schema 2020-12) of the files that decode
// into a value of the type of v, which is a struct.
func Generate(v any, o Options) ([]byte, error) {
	g := &generator{extra: jsonschema.Definitions{}}
	g.reflector = &jsonschema.Reflector{
		FieldNameTag: "yaml", RequiredFromJSONSchemaTags: true, Anonymous: true, ExpandedStruct: true, Mapper: g.mapType,
	}
	g.reflector.CommentMap = map[string]string{}
	for pkg, dir := range o.Packages {
		if err := g.addComments(pkg, dir); err != nil {
			return nil, fmt.Errorf("schemagen: comments of %s: %w", pkg, err)
		}
	}
	s := g.reflector.Reflect(v)
	s.ID, s.Title = jsonschema.ID(o.ID), o.Title
	for name, def := range g.extra {
		if s.Definitions == nil {
			s.Definitions = jsonschema.Definitions{}
		}
		s.Definitions[name] = def
	}
	g.extend(s, reflect.TypeOf(v))
	if g.err != nil {
		return nil, g.err
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(s); err != nil {
		return nil, fmt.Errorf("schemagen: %w", err)
	}
	return b.Bytes(), nil
}

type generator struct {
	reflector *jsonschema.Reflector
	extra     jsonschema.Definitions // definitions that only JSONSchemaOf refers to
	err       error
}

// addComments reads the doc comments of the structs in the Go files of dir.
// Reflector.AddGoComments does the same for the current directory only.
func (g *generator) addComments(pkg, dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("no Go files in %s", dir)
	}
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		g.addTypes(pkg, f)
	}
	return nil
}

// addTypes takes the doc comments of the structs of one file.
func (g *generator) addTypes(pkg string, f *ast.File) {
	for _, d := range f.Decls {
		decl, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, s := range decl.Specs {
			t, ok := s.(*ast.TypeSpec)
			if !ok {
				continue
			}
			if st, ok := t.Type.(*ast.StructType); ok {
				g.addStruct(pkg+"."+t.Name.Name, st, cmp.Or(t.Doc, decl.Doc))
			}
		}
	}
}

func (g *generator) addStruct(key string, st *ast.StructType, doc *ast.CommentGroup) {
	g.reflector.CommentMap[key] = oneLine(doc)
	for _, field := range st.Fields.List {
		for _, name := range field.Names {
			g.reflector.CommentMap[key+"."+name.Name] = oneLine(field.Doc)
		}
	}
}

// oneLine joins the lines of a comment, which are wrapped for Go's sake.
func oneLine(c *ast.CommentGroup) string {
	return strings.Join(strings.Fields(c.Text()), " ")
}

// mapType returns the schema of a type that describes itself, or nil.
func (g *generator) mapType(t reflect.Type) *jsonschema.Schema {
	d, ok := reflect.Zero(t).Interface().(describer)
	if !ok {
		return nil
	}
	return g.convert(g.resolve(d.JSONSchemaOf()))
}

// resolve replaces the Go values in a description by their schemas.
func (g *generator) resolve(x any) any {
	switch x := x.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, v := range x {
			out[k] = g.resolve(v)
		}
		return out
	case []any:
		out := make([]any, len(x))
		for i, v := range x {
			out[i] = g.resolve(v)
		}
		return out
	case describer:
		return g.resolve(x.JSONSchemaOf())
	}
	t := reflect.TypeOf(x)
	if t == nil || t.Kind() != reflect.Struct {
		return x
	}
	s := g.reflector.ReflectFromType(t)
	s.Version = ""
	for name, def := range s.Definitions {
		g.extra[name] = def
	}
	s.Definitions = nil
	g.extra[t.Name()] = s
	return map[string]any{"$ref": "#/$defs/" + t.Name()}
}

func (g *generator) convert(x any) *jsonschema.Schema {
	s := &jsonschema.Schema{}
	b, err := json.Marshal(x)
	if err == nil {
		err = json.Unmarshal(b, s)
	}
	if err != nil && g.err == nil {
		g.err = fmt.Errorf("schemagen: %w", err)
	}
	return s
}

// extend adds the conditions between keys that structs declare.
func (g *generator) extend(s *jsonschema.Schema, root reflect.Type) {
	seen := map[reflect.Type]bool{}
	var visit func(t reflect.Type)
	visit = func(t reflect.Type) {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct || seen[t] {
			return
		}
		seen[t] = true
		def := s.Definitions[t.Name()]
		if t == root {
			def = s
		}
		g.addConditions(t, def)
		for i := range t.NumField() {
			if f := t.Field(i); f.IsExported() {
				visit(f.Type)
			}
		}
	}
	visit(root)
}

// addConditions adds those of one struct to its schema.
func (g *generator) addConditions(t reflect.Type, def *jsonschema.Schema) {
	zero := reflect.Zero(t).Interface()
	e, ok := zero.(extender)
	if _, describes := zero.(describer); !ok || describes {
		return // none, or those of a struct in it
	}
	if def == nil {
		g.err = fmt.Errorf("schemagen: no definition of %s", t)
		return
	}
	if def.Extras == nil {
		def.Extras = map[string]any{}
	}
	maps.Copy(def.Extras, e.JSONSchemaExtra())
}
