//go:build unix

package app_test

import (
	"go/ast"
	"go/constant"
	"go/types"
	"regexp"
	"slices"
	"strings"
)

// proofs knows what of a package is made of a key or a secret.
type proofs struct {
	source
	made map[types.Object]bool // variables that hold such a thing, functions that return one
}

// spread follows what is made of secrets into variables and out of functions.
func (p proofs) spread() {
	for before := -1; before != len(p.made); {
		before = len(p.made)
		for _, file := range p.syntax {
			for _, d := range file.Decls {
				if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
					p.follow(f)
				}
			}
		}
	}
}

func (p proofs) follow(f *ast.FuncDecl) {
	hold := func(left, right ast.Expr) {
		if name, ok := left.(*ast.Ident); ok && p.proves(right) {
			if o := p.info.ObjectOf(name); o != nil {
				p.made[o] = true
			}
		}
	}
	ast.Inspect(f.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for i, left := range n.Lhs {
				hold(left, n.Rhs[min(i, len(n.Rhs)-1)])
			}
		case *ast.ValueSpec:
			for i, name := range n.Names {
				if len(n.Values) > 0 {
					hold(name, n.Values[min(i, len(n.Values)-1)])
				}
			}
		case *ast.ReturnStmt:
			if slices.ContainsFunc(n.Results, p.proves) {
				p.made[p.info.Defs[f.Name]] = true
			}
		}
		return true
	})
}

// named are the words by which a proof is known where it comes from outside.
var named = regexp.MustCompile(`(?i)signature|^sign$|-sign$|_sig$|hmac|^mac$|digest|checksum|secret|password`)

// proves reports whether an expression is text or bytes that prove who somebody is.
func (p proofs) proves(e ast.Expr) bool {
	e = ast.Unparen(e)
	if !isText(p.info.TypeOf(e)) {
		return false
	}
	switch e := e.(type) {
	case *ast.Ident:
		return p.made[p.info.ObjectOf(e)] || named.MatchString(e.Name)
	case *ast.SelectorExpr:
		return named.MatchString(e.Sel.Name)
	case *ast.SliceExpr:
		return p.proves(e.X)
	case *ast.IndexExpr:
		return p.proves(e.X) || p.says(e.Index)
	case *ast.StarExpr:
		return p.proves(e.X)
	case *ast.UnaryExpr:
		return p.proves(e.X)
	case *ast.BinaryExpr:
		return p.proves(e.X) || p.proves(e.Y)
	case *ast.CallExpr:
		name := called(p.source, e)
		if name == "net/http.CanonicalHeaderKey" {
			return false
		}
		made := calledName(e) != nil && p.made[p.info.Uses[calledName(e)]]
		return made || name == "(hash.Hash).Sum" || strings.HasPrefix(name, "crypto/") && strings.Contains(name, ".Sum") ||
			name == "("+module+"providers.Secret).Reveal" || slices.ContainsFunc(e.Args, p.proves) || slices.ContainsFunc(e.Args, p.says)
	}
	return false
}

// says reports whether an expression is the name of a header or a field that holds a signature.
func (p proofs) says(e ast.Expr) bool {
	v := p.info.Types[e].Value
	return v != nil && v.Kind() == constant.String && named.MatchString(constant.StringVal(v))
}

// isText reports whether values of the type are text or bytes.
func isText(t types.Type) bool {
	if t == nil {
		return false
	}
	switch u := t.Underlying().(type) {
	case *types.Basic:
		return u.Info()&types.IsString != 0
	case *types.Slice:
		return isByte(u.Elem())
	case *types.Array:
		return isByte(u.Elem())
	case *types.Tuple: // what a call with an error returns
		return u.Len() > 0 && isText(u.At(0).Type())
	}
	return false
}

func isByte(t types.Type) bool {
	b, ok := t.Underlying().(*types.Basic)
	return ok && b.Kind() == types.Byte
}
