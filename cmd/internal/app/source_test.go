//go:build unix

package app_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// source is one package as it ships, tests left out, with the type of every expression:
// what a rule about types has to know. A rule that only reads names is got round by a
// method whose result nobody writes down.
type source struct {
	folder string // below the root: "providers/kaspi"
	files  *token.FileSet
	syntax []*ast.File
	info   *types.Info
	types  *types.Package
}

// offence is a place that breaks a rule.
type offence struct {
	at   token.Pos
	what string
}

// place is a top-level declaration: "router/policy.go draw".
type place string

// tree is the project's Go source as the compiler sees it.
type tree struct {
	packages []source
	exports  types.Importer
}

// listed is what the go command says of a package.
type listed struct {
	ImportPath, Dir, Export string
	GoFiles                 []string
	DepOnly                 bool
}

// project reads and type-checks the folders that the service, its adapters and payctl are
// made of, once for all tests.
var project = sync.OnceValues(func() (tree, error) {
	arguments := []string{"list", "-export", "-deps", "-json=ImportPath,Dir,Export,GoFiles,DepOnly"}
	if raced() { // what was compiled for this test is there already
		arguments = append(arguments, "-race")
	}
	command := exec.Command("go", append(arguments, "./providers/...", "./router/...", "./health/...", "./cmd/internal/...", "./cmd/payctl", "./cmd/payrouter")...)
	command.Dir, command.Stderr = root, os.Stderr
	text, err := command.Output()
	if err != nil {
		return tree{}, fmt.Errorf("go list: %w", err)
	}
	var all []listed
	exports := map[string]string{}
	for d := json.NewDecoder(bytes.NewReader(text)); ; {
		var l listed
		if err := d.Decode(&l); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return tree{}, err
		}
		exports[l.ImportPath] = l.Export
		if !l.DepOnly {
			all = append(all, l)
		}
	}
	files := token.NewFileSet()
	t := tree{exports: importer.ForCompiler(files, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })}
	for _, l := range all {
		s := source{folder: strings.TrimPrefix(l.ImportPath, module), files: files}
		for _, name := range l.GoFiles {
			file, err := parser.ParseFile(files, filepath.Join(l.Dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				return tree{}, err
			}
			s.syntax = append(s.syntax, file)
		}
		if s, err = t.check(s); err != nil {
			return tree{}, err
		}
		t.packages = append(t.packages, s)
	}
	return t, nil
})

// check finds out the types.
func (t tree) check(s source) (_ source, err error) {
	s.info = &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{},
		Selections: map[*ast.SelectorExpr]*types.Selection{}}
	config := types.Config{Importer: t.exports}
	s.types, err = config.Check(module+s.folder, s.files, s.syntax, s.info)
	return s, err
}

// snippet type-checks the text of one planted file, which may import whatever the project does.
func (t tree) snippet(text string) (source, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "planted.go", text, parser.SkipObjectResolution)
	if err != nil {
		return source{}, err
	}
	return t.check(source{folder: "planted", files: files, syntax: []*ast.File{file}})
}

// sources is the whole project, for a rule that must hold in it.
func sources(t *testing.T) tree {
	t.Helper()
	p, err := project()
	if err != nil {
		t.Fatal(err)
	}
	if len(p.packages) < 20 {
		t.Fatalf("only %d packages were found: the test looks in the wrong place", len(p.packages))
	}
	return p
}

// where names the declaration that a position stands in, and the line for people.
func (s source) where(at token.Pos) (place, string) {
	position := s.files.Position(at)
	name := "?"
	for _, file := range s.syntax {
		for _, d := range file.Decls {
			if d.Pos() > at || at >= d.End() {
				continue
			}
			switch d := d.(type) {
			case *ast.FuncDecl:
				name = d.Name.Name
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if spec.Pos() > at || at >= spec.End() {
						continue
					}
					switch spec := spec.(type) {
					case *ast.TypeSpec:
						name = spec.Name.Name
					case *ast.ValueSpec:
						name = spec.Names[0].Name
					}
				}
			}
		}
	}
	file := s.folder + "/" + filepath.Base(position.Filename)
	return place(file + " " + name), fmt.Sprintf("%s:%d", file, position.Line)
}

// obeys fails the test for every offence that no exception names, and for every exception
// that nobody needs. The reason of an exception is its value; a place that ends with a
// slash stands for everything below it.
func obeys(t *testing.T, packages []source, exceptions map[place]string, rule func(source) []offence) {
	t.Helper()
	needed := map[place]bool{}
	for _, s := range packages {
		for _, o := range rule(s) {
			at, line := s.where(o.at)
			excused := false
			for p := range exceptions {
				if p == at || strings.HasSuffix(string(p), "/") && strings.HasPrefix(string(at), string(p)) {
					excused, needed[p] = true, true
				}
			}
			if !excused {
				t.Errorf("%s (%s): %s", line, at, o.what)
			}
		}
	}
	for p, why := range exceptions {
		if why == "" {
			t.Errorf("the exception %q gives no reason", p)
		}
		if !needed[p] {
			t.Errorf("the exception %q is needed by nobody", p)
		}
	}
}

// breaks fails the test unless the rule finds something in each planted text, and nothing
// in the texts that only look like it.
func breaks(t *testing.T, rule func(source) []offence, planted, innocent map[string]string) {
	t.Helper()
	p := sources(t)
	for want, all := range map[bool]map[string]string{true: planted, false: innocent} {
		for name, text := range all {
			s, err := p.snippet(text)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if found := rule(s); len(found) > 0 != want {
				t.Errorf("%s: %d offences are found: %v", name, len(found), found)
			}
		}
	}
}
