//go:build unix

package app_test

import (
	"go/ast"
	"go/constant"
	"go/types"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Amounts are integers from the caller's request to the gateway's wire and back: there is
// no value of a binary floating-point type on the way, not even one that nobody names.
func TestNoAmountPassesThroughBinaryFloatingPoint(t *testing.T) {
	obeys(t, ofMoney(sources(t)), map[place]string{
		"health/":                                    "shares of failed calls, and pauses at random; the package never sees an amount",
		"router/policy.go Rank":                      "the order of gateways of equal priority",
		"router/policy.go draw":                      "a weighted dice between gateways",
		"router/clock.go readClock":                  "seconds of a gauge",
		"router/metrics.go latencyBuckets":           "seconds of a histogram",
		"router/metrics.go Collect":                  "samples of Prometheus, the sum at risk among them: shown to people, read by nothing of ours",
		"router/identity/metrics.go Collect":         "seconds of gauges",
		"router/office/metrics.go aged":              "counts of rows",
		"router/office/disputes.go send":             "samples of Prometheus: counts and ages",
		"router/office/metrics.go ended":             "counts of lines",
		"router/office/metrics.go Collect":           "samples of Prometheus, sums of findings among them: shown to people, read by nothing of ours",
		"router/office/metrics.go unix":              "seconds of a gauge",
		"router/server/handshake.go note":            "lines a second",
		"router/server/limits.go fresh":              "calls a second",
		"router/traced.go timed":                     "seconds of a histogram",
		"router/server/metrics.go latencyBuckets":    "seconds of a histogram",
		"router/server/metrics.go seatGauges":        "how many calls there may be, and are",
		"cmd/internal/app/buildinfo.go buildInfo":    "a gauge that is always 1",
		"cmd/internal/traces/sender.go ExportSpans":  "counts of spans",
		"cmd/internal/traces/traces.go sampler":      "a share of traces, where the library takes one",
		"cmd/internal/paper/checklist.go WritePDF":   "millimetres on a page",
		"cmd/internal/paper/pdf.go cells":            "millimetres on a page",
		"cmd/internal/paper/pdf.go column":           "millimetres on a page",
		"cmd/internal/paper/pdf.go cut":              "millimetres on a page",
		"cmd/internal/paper/pdf.go draw":             "millimetres on a page",
		"cmd/internal/paper/pdf.go fit":              "millimetres on a page",
		"cmd/internal/paper/pdf.go font":             "millimetres on a page",
		"cmd/internal/paper/pdf.go heading":          "millimetres on a page",
		"cmd/internal/paper/pdf.go height":           "millimetres on a page",
		"cmd/internal/paper/pdf.go itemColumns":      "millimetres on a page",
		"cmd/internal/paper/pdf.go labelled":         "millimetres on a page",
		"cmd/internal/paper/pdf.go line":             "millimetres on a page",
		"cmd/internal/paper/pdf.go margin":           "millimetres on a page",
		"cmd/internal/paper/pdf.go noted":            "millimetres on a page",
		"cmd/internal/paper/pdf.go notePoints":       "millimetres on a page",
		"cmd/internal/paper/pdf.go newPages":         "millimetres on a page",
		"cmd/internal/paper/pdf.go operationColumns": "millimetres on a page",
		"cmd/internal/paper/pdf.go pages":            "millimetres on a page",
		"cmd/internal/paper/pdf.go paragraph":        "millimetres on a page",
		"cmd/internal/paper/pdf.go pdfHead":          "millimetres on a page",
		"cmd/internal/paper/pdf.go room":             "millimetres on a page",
		"cmd/internal/paper/pdf.go row":              "millimetres on a page",
		"cmd/internal/paper/pdf.go rule":             "millimetres on a page",
		"cmd/internal/paper/pdf.go table":            "millimetres on a page",
		"cmd/internal/paper/pdf.go totalColumns":     "millimetres on a page",
		"cmd/internal/paper/pdf.go wrap":             "millimetres on a page",
		"cmd/internal/paper/pdf.go wrapped":          "millimetres on a page",
		"cmd/internal/paper/pdf.go writePDF":         "millimetres on a page",
		"cmd/internal/paper/xlsx.go makeStyles":      "sizes of letters",
		"cmd/internal/paper/xlsx.go operations":      "widths of columns",
		"cmd/internal/paper/xlsx.go sheet":           "widths of columns",
		"cmd/internal/paper/xlsx.go summary":         "widths of columns",
		"cmd/internal/paper/xlsx.go sum":             "a cell of a workbook is one; what it cannot hold exactly is written as text",
		"providers/kaspi/push.go newNameLimiter":     "calls a second",
	}, inexact)
}

// What a gateway says is read into fields whose types are written down. Read into an
// interface, a JSON number becomes a float64 before anybody can see its digits.
func TestNothingOnTheWireIsReadIntoAnInterface(t *testing.T) {
	wire, rest := []source{}, []source{}
	for _, s := range ofMoney(sources(t)) {
		if strings.HasPrefix(s.folder, "providers") {
			wire = append(wire, s)
		} else {
			rest = append(rest, s)
		}
	}
	obeys(t, wire, map[place]string{
		"providers/notice.go Heard":                  "an adapter's own notes for its own answer",
		"providers/halyk/token.go serviceToken":      "what singleflight hands on",
		"providers/kaspi/device.go desk":             "what singleflight hands on",
		"providers/kaspi/wire.go call":               "a body that is written, and never read",
		"providers/quickpay/quickpay.go call":        "a body that is written, and never read",
		"providers/tiptoppay/tiptoppay.go call":      "a body that is written, and never read",
		"providers/robokassa/result2.go newVerifier": "a public key of whatever kind",
	}, untyped)
	obeys(t, rest, map[place]string{
		"router/identity/tokens.go readKeys": "a public key of whatever kind",
	}, targets)
}

// A test of the tests: what they are there for is found.
func TestPlantedFloatingPointIsFound(t *testing.T) {
	breaks(t, inexact, map[string]string{
		"a field":                    `package p; type answer struct{ Amount float64 }`,
		"a smaller one":              `package p; func f(x float32) {}`,
		"a type of one's own":        `package p; type tenge float64; func f(x tenge) {}`,
		"text that is parsed":        `package p; import "strconv"; func f(s string) { _, _ = strconv.ParseFloat(s, 64) }`,
		"text that is written":       `package p; import "strconv"; func f(m int64) string { return strconv.FormatFloat(float64(m)/100, 'f', 2, 64) }`,
		"a number of JSON":           `package p; import "encoding/json"; func f(n json.Number) int64 { x, _ := n.Float64(); return int64(x) }`,
		"a result that nobody names": `package p; import ("math/big"; "fmt"); func f(r *big.Rat) { fmt.Println(r.Float64()) }`,
		"a big one":                  `package p; import "math/big"; func f(m int64) *big.Float { return new(big.Float).SetInt64(m) }`,
		"a constant":                 `package p; const fee = 0.95`,
		"a factor":                   `package p; func f(m int64) int64 { return m * 1e2 / int64(1.0*100) }; var x = 2.5`,
		"rounding":                   `package p; import "math"; func f(m int64) int64 { return int64(math.Round(float64(m))) }`,
		"seconds":                    `package p; import "time"; func f(d time.Duration) int64 { return int64(d.Seconds()) }`,
		"a function as a value":      `package p; import "math"; var round func(x float64) float64 = math.Round`,
		"something in an interface":  `package p; func f(v any) int64 { n, _ := v.(float64); return int64(n) }`,
		"an amount that is scanned":  `package p; import "fmt"; func f(s string, v any) { _, _ = fmt.Sscanf(s, "%f KZT", v) }`,
		"an amount that is printed":  `package p; import "fmt"; func f(v any) string { return fmt.Sprintf("%.2f", v) }`,
		"printed by another":         `package p; import "github.com/payrouter/payrouter/providers"; func logf(string, ...any) {}; func f(m providers.Money) { logf("%s %-8.2g", m, m) }`,
		"in a list":                  `package p; var prices = []float64{}`,
		"by way of a generic":        `package p; func sum[T int64 | float64](all ...T) (s T) { for _, x := range all { s += x }; return s }`,
		"complex":                    `package p; func f(c complex128) {}`,
	}, map[string]string{
		"integers":     `package p; import "strconv"; func f(s string) (int64, error) { return strconv.ParseInt(s, 10, 64) }`,
		"per cent":     `package p; import "fmt"; func f(n int) string { return fmt.Sprintf("%d%% found, %v %q", n, n, "of") }`,
		"an escape":    `package p; import "fmt"; func f(s string) { fmt.Println("a%2Fb", s) }`,
		"fractions":    `package p; import "math/big"; func f(s string) (*big.Rat, bool) { return new(big.Rat).SetString(s) }`,
		"a JSON text":  `package p; import "encoding/json"; type a struct{ Amount json.Number }`,
		"whole pauses": `package p; import "time"; const wait = 1500 * time.Millisecond`,
	})
}

func TestPlantedInterfacesAreFound(t *testing.T) {
	breaks(t, untyped, map[string]string{
		"a field of an answer": `package p; type answer struct{ Amount any }`,
		"the old spelling":     `package p; type answer struct{ Amount interface{} }`,
		"a whole object":       `package p; import "encoding/json"; func f(b []byte) { var m map[string]any; _ = json.Unmarshal(b, &m) }`,
		"a list":               `package p; import "encoding/json"; func f(b []byte) { m := []interface{}{}; _ = json.Unmarshal(b, &m) }`,
		"a name for it":        `package p; type thing = any; type answer struct{ Amount thing }`,
		"a type of one's own":  `package p; type thing any`,
		"with numbers kept":    `package p; import ("bytes"; "encoding/json"); func f(b []byte) { d := json.NewDecoder(bytes.NewReader(b)); d.UseNumber(); var v any; _ = d.Decode(&v) }`,
		"a reader for all":     `package p; import "encoding/json"; func read[T any](b []byte) (v T) { _ = json.Unmarshal(b, &v); return }; func f(b []byte) { _ = read[map[string]any](b) }`,
		"a result":             `package p; func f() (any, error) { return nil, nil }`,
	}, map[string]string{
		"a decoder's own target": `package p; import "encoding/json"; func read(b []byte, into any) error { return json.Unmarshal(b, into) }`,
		"a list of arguments":    `package p; import "fmt"; func f(format string, args ...any) string { return fmt.Sprintf(format, args...) }`,
		"a type parameter":       `package p; type box[T any] struct{ v T }; func (b box[T]) get() T { return b.v }`,
		"an interface that does": `package p; import "io"; type call struct{ body io.Reader; err error }`,
	})
	breaks(t, targets, map[string]string{
		"an object":      `package p; import "encoding/json"; func f(b []byte) { var m map[string]any; _ = json.Unmarshal(b, &m) }`,
		"deep inside":    `package p; import "encoding/json"; type line struct{ Sum any }; type page struct{ Lines []*line }; func f(b []byte) { var p page; _ = json.Unmarshal(b, &p) }`,
		"of a stream":    `package p; import ("io"; "encoding/json"); func f(r io.Reader) { var v any; _ = json.NewDecoder(r).Decode(&v) }`,
		"of its own map": `package p; import "encoding/json"; type m map[string]interface{}; func f(b []byte) { v := m{}; _ = json.Unmarshal(b, &v) }`,
	}, map[string]string{
		"a struct":     `package p; import ("encoding/json"; "github.com/payrouter/payrouter/providers"); func f(b []byte) { var m providers.Money; _ = json.Unmarshal(b, &m) }`,
		"arguments":    `package p; func f(n int) []any { return []any{n} }`,
		"itself":       `package p; import "encoding/json"; type node struct{ Children []*node }; func f(b []byte) { var n node; _ = json.Unmarshal(b, &n) }`,
		"the caller's": `package p; import "encoding/json"; func f[T any](b []byte) (v T) { _ = json.Unmarshal(b, &v); return }`,
	})
}

// ofMoney leaves out what no amount of a payment passes through: the simulated bank and
// the conformance suite, which no service contains (imports_test.go).
func ofMoney(t tree) []source {
	return slices.DeleteFunc(slices.Clone(t.packages), func(s source) bool {
		return slices.Contains([]string{"providers/sim", "providers/providertest", "router/pgtest", "router/pgtest/pgserver"}, s.folder)
	})
}

// inexact finds every expression of a floating-point type, however it came by it, and every
// format that would write one.
func inexact(s source) []offence {
	var found []offence
	for e, v := range s.info.Types {
		if isBinary(v.Type) {
			found = append(found, offence{e.Pos(), "a value of type " + v.Type.String()})
		}
	}
	each(s, func(n ast.Node) {
		call, ok := n.(*ast.CallExpr)
		if !ok || !writesFormats(call) {
			return
		}
		for _, argument := range call.Args {
			if v := s.info.Types[argument].Value; v != nil && v.Kind() == constant.String && floatVerb.MatchString(strings.ReplaceAll(constant.StringVal(v), "%%", "")) {
				found = append(found, offence{argument.Pos(), "a verb of floating-point numbers"})
			}
		}
	})
	return found
}

var floatVerb = regexp.MustCompile(`%[-+# 0]*(\[\d+\])?(\d+|\*)?(\.(\d+|\*)?)?[eEfFgG]`)

// writesFormats reports whether a call may take a format: it is named like those that do.
func writesFormats(call *ast.CallExpr) bool {
	name := calledName(call)
	return name != nil && strings.HasSuffix(name.Name, "f")
}

// calledName is the name that a call calls, without what it is selected from.
func calledName(call *ast.CallExpr) *ast.Ident {
	switch fun := ast.Unparen(call.Fun).(type) {
	case *ast.Ident:
		return fun
	case *ast.SelectorExpr:
		return fun.Sel
	}
	return nil
}

// isBinary reports whether values of the type, or one of several results, are binary
// floating-point numbers.
func isBinary(t types.Type) bool {
	if t == nil {
		return false
	}
	if tuple, ok := t.(*types.Tuple); ok {
		for v := range tuple.Variables() {
			if isBinary(v.Type()) {
				return true
			}
		}
		return false
	}
	if pointer, ok := t.Underlying().(*types.Pointer); ok {
		t = pointer.Elem()
	}
	if named, ok := types.Unalias(t).(*types.Named); ok && named.Obj().Pkg() != nil && named.Obj().Pkg().Path() == "math/big" && named.Obj().Name() == "Float" {
		return true
	}
	basic, ok := t.Underlying().(*types.Basic)
	return ok && basic.Info()&(types.IsFloat|types.IsComplex) != 0
}

// untyped finds empty interfaces where something could be read into them: everywhere but
// in the list of a function's parameters, where the caller has chosen the type, and in
// type parameters.
func untyped(s source) []offence {
	var found []offence
	var allowed []ast.Node // what may be an empty interface
	each(s, func(n ast.Node) {
		switch n := n.(type) {
		case *ast.FuncType:
			for _, list := range []*ast.FieldList{n.TypeParams, n.Params} {
				if list == nil {
					continue
				}
				for _, field := range list.List {
					allowed = append(allowed, field.Type)
					if variadic, ok := field.Type.(*ast.Ellipsis); ok {
						allowed = append(allowed, variadic.Elt)
					}
				}
			}
		case *ast.TypeSpec:
			if n.TypeParams != nil {
				for _, field := range n.TypeParams.List {
					allowed = append(allowed, field.Type)
				}
			}
		}
		e, ok := n.(ast.Expr)
		if v := s.info.Types[e]; ok && v.IsType() && isEmpty(v.Type) && !slices.Contains(allowed, n) {
			found = append(found, offence{e.Pos(), "an empty interface that anything could be read into"})
		}
	})
	return found
}

// targets finds decoders that fill something with an empty interface in it, however deep.
func targets(s source) []offence {
	var found []offence
	each(s, func(n ast.Node) {
		if call, ok := n.(*ast.CallExpr); ok {
			found = append(found, decoded(s, call)...)
		}
	})
	return found
}

func decoded(s source, call *ast.CallExpr) []offence {
	selector, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	if !ok || len(call.Args) == 0 || !slices.Contains([]string{"Unmarshal", "Decode", "DecodeElement"}, selector.Sel.Name) {
		return nil
	}
	called := s.info.Uses[selector.Sel]
	if called == nil || called.Pkg() == nil || !strings.HasPrefix(called.Pkg().Path(), "encoding/") {
		return nil
	}
	target := call.Args[len(call.Args)-1]
	if selector.Sel.Name == "DecodeElement" {
		target = call.Args[0]
	}
	if reaches(s.info.Types[target].Type, nil) {
		return []offence{{target.Pos(), "a decoder's target with an empty interface in it"}}
	}
	return nil
}

// reaches reports whether a decoder that fills a value of the type would meet an empty
// interface. One that is passed on from a parameter is its caller's.
func reaches(t types.Type, seen []types.Type) bool {
	if slices.Contains(seen, t) {
		return false
	}
	seen = append(seen, t)
	switch u := t.Underlying().(type) {
	case *types.Pointer:
		return isEmpty(u.Elem()) || reaches(u.Elem(), seen)
	case *types.Slice:
		return isEmpty(u.Elem()) || reaches(u.Elem(), seen)
	case *types.Array:
		return isEmpty(u.Elem()) || reaches(u.Elem(), seen)
	case *types.Map:
		return isEmpty(u.Elem()) || reaches(u.Elem(), seen)
	case *types.Struct:
		for field := range u.Fields() {
			if field.Exported() && (isEmpty(field.Type()) || reaches(field.Type(), seen)) {
				return true
			}
		}
	}
	return false
}

// isEmpty reports whether the type is an interface without methods, and no type parameter.
func isEmpty(t types.Type) bool {
	if _, parameter := types.Unalias(t).(*types.TypeParam); parameter {
		return false
	}
	i, ok := t.Underlying().(*types.Interface)
	return ok && i.Empty() && !i.IsComparable()
}

// each visits every node of a package.
func each(s source, visit func(ast.Node)) {
	for _, file := range s.syntax {
		ast.Inspect(file, func(n ast.Node) bool {
			if n != nil {
				visit(n)
			}
			return true
		})
	}
}
