//go:build unix

package app_test

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
	"testing"

	"github.com/payrouter/payrouter/cmd/internal/app"
)

// A comparison that ends at the first byte that differs tells whoever forges a signature
// how far the forgery is right.
func TestSignaturesAndSecretsAreComparedInConstantTime(t *testing.T) {
	outside := facing(sources(t))
	obeys(t, outside, map[place]string{
		"providers/robokassa/config.go checkSecrets": "settings of our own, held against each other at the start, where no stranger asks",
	}, hurried)
	for _, name := range app.Providers() {
		i := slices.IndexFunc(outside, func(s source) bool { return s.folder == "providers/"+name })
		if i < 0 || !calls(outside[i], "crypto/hmac.Equal", "crypto/subtle.ConstantTimeCompare") {
			t.Errorf("providers/%s compares nothing in constant time: how does it know who speaks?", name)
		}
	}
}

// What comes from outside is read up to a limit, by the one client and the one door that
// have it, and XML by readers that meet a document type and refuse it: encoding/xml's own
// Unmarshal passes over one.
func TestWhatComesFromOutsideIsReadWithinBounds(t *testing.T) {
	obeys(t, facing(sources(t)), map[place]string{
		"providers/internal/exchange/": "the one client; its limits are asked about by the hostile suite",
	}, boundless)
}

func TestPlantedComparisonsAreFound(t *testing.T) {
	const head = `package p; import ("bytes"; "crypto/hmac"; "crypto/md5"; "crypto/sha256"; "encoding/hex"; "net/http"; "slices"; "strings"; "reflect"; "crypto/subtle"; "github.com/payrouter/payrouter/providers")
		var _, _, _, _, _, _, _, _ = bytes.Equal, hmac.Equal, md5.Sum, sha256.New, hex.EncodeToString, http.StatusOK, slices.Equal[[]byte], strings.EqualFold
		var _, _ = reflect.DeepEqual, subtle.ConstantTimeCompare
		func sign(k providers.Secret, text []byte) string { m := hmac.New(sha256.New, []byte(k.Reveal())); m.Write(text); return hex.EncodeToString(m.Sum(nil)) }
		func digested(text string) [16]byte { return md5.Sum([]byte(text)) }
		`
	planted, innocent := map[string]string{}, map[string]string{}
	for name, body := range map[string]string{
		"by ==":                   `func f(k providers.Secret, b []byte, given string) bool { return given == sign(k, b) }`,
		"by !=, the other way":    `func f(k providers.Secret, b []byte, given string) bool { return sign(k, b) != given }`,
		"in a variable":           `func f(k providers.Secret, b []byte, given string) bool { want := sign(k, b); ours := strings.ToUpper(want); return given == ours }`,
		"by bytes.Equal":          `func f(k providers.Secret, b, given []byte) bool { m := hmac.New(sha256.New, nil); m.Write(b); return bytes.Equal(given, m.Sum(nil)) }`,
		"by strings.EqualFold":    `func f(k providers.Secret, b []byte, given string) bool { return strings.EqualFold(given, sign(k, b)) }`,
		"by slices.Equal":         `func f(given []byte, text string) bool { want := digested(text); return slices.Equal(given, want[:]) }`,
		"by strings.Compare":      `func f(k providers.Secret, b []byte, given string) bool { return strings.Compare(given, sign(k, b)) == 0 }`,
		"by reflect.DeepEqual":    `func f(k providers.Secret, b []byte, given string) bool { return reflect.DeepEqual(given, sign(k, b)) }`,
		"arrays":                  `func f(given [16]byte, text string) bool { return given == digested(text) }`,
		"in a switch":             `func f(k providers.Secret, b []byte, given string) bool { switch given { case sign(k, b): return true }; return false }`,
		"of a secret itself":      `func f(k providers.Secret, given string) bool { return given == k.Reveal() }`,
		"by what the header says": `func f(h http.Header, want string) bool { return h.Get("X-Back-Sign") == want }`,
		"by its field":            `func f(a struct{ MerchantSignature string }, want string) bool { return a.MerchantSignature == want }`,
		"as a key of a map":       `func f(k providers.Secret, b []byte, given map[string]bool) bool { return given[sign(k, b)] }`,
	} {
		planted[name] = head + body
	}
	for name, body := range map[string]string{
		"by hmac.Equal":        `func f(k providers.Secret, b []byte, given string) bool { return hmac.Equal([]byte(given), []byte(sign(k, b))) }`,
		"by subtle":            `func f(text string, given []byte) bool { want := digested(text); return subtle.ConstantTimeCompare(given, want[:]) == 1 }`,
		"whether one is there": `func f(a struct{ MerchantSignature string }, k providers.Secret) bool { return a.MerchantSignature != "" && k.Reveal() != "" }`,
		"a length":             `func f(signature []byte) bool { return len(signature) == 32 }`,
		"something else":       `func f(a, b string) bool { return a == b || strings.EqualFold(a, b) }`,
		"an error":             `func f(signature string) bool { _, err := hex.DecodeString(signature); return err == nil }`,
	} {
		innocent[name] = head + body
	}
	breaks(t, hurried, planted, innocent)
}

func TestPlantedReadersWithoutBoundsAreFound(t *testing.T) {
	breaks(t, boundless, map[string]string{
		"a whole body":          `package p; import ("io"; "net/http"); func f(r *http.Request) { _, _ = io.ReadAll(r.Body) }`,
		"copied":                `package p; import ("io"; "bytes"; "net/http"); func f(r *http.Request) { var b bytes.Buffer; _, _ = io.Copy(&b, r.Body) }`,
		"into a buffer":         `package p; import ("bytes"; "net/http"); func f(r *http.Request) { var b bytes.Buffer; _, _ = b.ReadFrom(r.Body) }`,
		"a stream of JSON":      `package p; import ("encoding/json"; "net/http"); func f(r *http.Request, v *struct{}) { _ = json.NewDecoder(r.Body).Decode(v) }`,
		"a form":                `package p; import "net/http"; func f(r *http.Request) { _ = r.ParseForm() }`,
		"a value of a form":     `package p; import "net/http"; func f(r *http.Request) string { return r.FormValue("OutSum") }`,
		"another client":        `package p; import "net/http"; func f() { _, _ = http.Get("https://api.example.kz") }`,
		"a client of its own":   `package p; import "net/http"; var c = http.Client{}`,
		"XML by Unmarshal":      `package p; import "encoding/xml"; func f(b []byte, v *struct{}) { _ = xml.Unmarshal(b, v) }`,
		"XML by Decode":         `package p; import ("bytes"; "encoding/xml"); func f(b []byte, v *struct{}) { _ = xml.NewDecoder(bytes.NewReader(b)).Decode(v) }`,
		"XML passed over":       `package p; import ("bytes"; "encoding/xml"); func f(b []byte) { d := xml.NewDecoder(bytes.NewReader(b)); t, _ := d.Token(); switch t.(type) { case xml.StartElement: } }`,
		"XML that is lenient":   `package p; import ("bytes"; "encoding/xml"); func f(b []byte) { d := xml.NewDecoder(bytes.NewReader(b)); d.Strict = false; t, _ := d.Token(); switch t.(type) { case xml.Directive: panic(1) } }`,
		"XML with own entities": `package p; import ("bytes"; "encoding/xml"); func f(b []byte) { d := xml.NewDecoder(bytes.NewReader(b)); d.Entity = xml.HTMLEntity; t, _ := d.Token(); switch t.(type) { case xml.Directive: panic(1) } }`,
	}, map[string]string{
		"a limit":              `package p; import ("io"; "net/http"); func f(w http.ResponseWriter, r *http.Request) { _, _ = io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<10)) }`,
		"a reader with an end": `package p; import ("io"; "net/http"); func f(r *http.Request) { _, _ = io.ReadAll(io.LimitReader(r.Body, 1<<10)) }`,
		"what is read already": `package p; import ("bytes"; "encoding/json"); func f(b []byte, v *struct{}) { _ = json.NewDecoder(bytes.NewReader(b)).Decode(v) }`,
		"XML that is refused":  `package p; import ("bytes"; "encoding/xml"); func f(b []byte) { d := xml.NewDecoder(bytes.NewReader(b)); t, _ := d.Token(); switch t.(type) { case xml.StartElement: default: panic(1) } }`,
		"XML that is written":  `package p; import "encoding/xml"; func f(v struct{}) { _, _ = xml.Marshal(v) }`,
	})
}

// facing are the packages that see what strangers send: the adapters and the doors.
func facing(t tree) []source {
	return slices.DeleteFunc(ofMoney(t), func(s source) bool {
		return !strings.HasPrefix(s.folder, "providers") && s.folder != "router/server"
	})
}

// called is the full name of what a call calls, "io.ReadAll" or "(*encoding/xml.Decoder).Decode";
// empty for conversions and function values.
func called(s source, call *ast.CallExpr) string {
	name := calledName(call)
	if name == nil {
		return ""
	}
	if f, ok := s.info.Uses[name].(*types.Func); ok {
		return f.Origin().FullName()
	}
	return ""
}

func calls(s source, names ...string) bool {
	found := false
	each(s, func(n ast.Node) {
		call, ok := n.(*ast.CallExpr)
		found = found || ok && slices.Contains(names, called(s, call))
	})
	return found
}

// hurried finds comparisons of what proves who somebody is, by anything that takes as long
// as the two are alike. What proves it is known by where it comes from, through the
// variables and functions of its package, and by its name.
func hurried(s source) []offence {
	var found []offence
	p := proofs{source: s, made: map[types.Object]bool{}}
	p.spread()
	compared := func(at ast.Node, pair ...ast.Expr) {
		for _, e := range pair {
			if v := s.info.Types[e]; v.Value != nil || v.IsNil() { // a constant is no secret
				return
			}
		}
		if slices.ContainsFunc(pair, p.proves) {
			found = append(found, offence{at.Pos(), "a signature or a secret is compared, and not in constant time"})
		}
	}
	each(s, func(n ast.Node) {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			if n.Op == token.EQL || n.Op == token.NEQ {
				compared(n, n.X, n.Y)
			}
		case *ast.CallExpr:
			switch called(s, n) {
			case "bytes.Equal", "bytes.EqualFold", "bytes.Compare", "strings.EqualFold", "strings.Compare", "slices.Equal", "slices.Compare", "slices.EqualFunc",
				"reflect.DeepEqual", "cmp.Compare", "bytes.HasPrefix", "strings.HasPrefix", "bytes.HasSuffix", "strings.HasSuffix", "slices.Contains", "slices.Index":
				compared(n, n.Args...)
			}
		case *ast.SwitchStmt:
			for _, clause := range n.Body.List {
				for _, e := range clause.(*ast.CaseClause).List {
					if n.Tag != nil {
						compared(e, n.Tag, e)
					}
				}
			}
		case *ast.IndexExpr:
			if _, isMap := s.info.TypeOf(n.X).Underlying().(*types.Map); isMap {
				compared(n, n.Index)
			}
		}
	})
	return found
}

// boundless finds readers that read as much as there is, and XML that is read by what
// passes over a document type.
func boundless(s source) []offence {
	var found []offence
	say := func(at ast.Node, what string) { found = append(found, offence{at.Pos(), what}) }
	each(s, func(n ast.Node) {
		switch n := n.(type) {
		case *ast.CallExpr:
			switch name := called(s, n); name {
			case "io.ReadAll", "io.Copy", "io.CopyBuffer", "(*bytes.Buffer).ReadFrom", "encoding/json.NewDecoder", "encoding/csv.NewReader", "bufio.NewReader", "bufio.NewScanner":
				from := n.Args[len(n.Args)-1]
				if name == "io.CopyBuffer" {
					from = n.Args[1]
				}
				if !bounded(s, from) {
					say(n, name+" of something that may have no end")
				}
			case "encoding/xml.Unmarshal", "(*encoding/xml.Decoder).Decode", "(*encoding/xml.Decoder).DecodeElement", "(*encoding/xml.Decoder).Skip":
				say(n, name+" passes over document types")
			case "net/http.Get", "net/http.Head", "net/http.Post", "net/http.PostForm":
				say(n, "a client without limits")
			case "(*net/http.Request).ParseForm", "(*net/http.Request).ParseMultipartForm", "(*net/http.Request).FormValue", "(*net/http.Request).PostFormValue":
				say(n, "a form that is read before its signature")
			}
		case *ast.SelectorExpr:
			o := s.info.Uses[n.Sel]
			if o == nil || o.Pkg() == nil {
				return
			}
			switch o.Pkg().Path() + "." + o.Name() {
			case "net/http.DefaultClient", "net/http.DefaultTransport", "net/http.Client", "net/http.Transport":
				say(n, "a client without limits")
			case "encoding/xml.Strict", "encoding/xml.Entity", "encoding/xml.HTMLEntity", "encoding/xml.AutoClose", "encoding/xml.HTMLAutoClose":
				say(n, "an XML reader that is told to be lenient")
			}
		case *ast.FuncDecl:
			if readsXML(s, n) && !refusesDirectives(s, n) {
				say(n, "XML that is read without a word about document types")
			}
		}
	})
	return found
}

// bounded reports whether an expression is a reader with an end: one that a limit was put
// on here, or of bytes that are there already.
func bounded(s source, e ast.Expr) bool {
	if call, ok := ast.Unparen(e).(*ast.CallExpr); ok {
		switch called(s, call) {
		case "io.LimitReader", "net/http.MaxBytesReader":
			return true
		}
	}
	switch s.info.TypeOf(e).String() {
	case "*bytes.Reader", "*strings.Reader", "*bytes.Buffer", "*io.LimitedReader":
		return true
	}
	return false
}

func readsXML(s source, f *ast.FuncDecl) bool {
	found := false
	ast.Inspect(f, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		found = found || ok && strings.HasPrefix(called(s, call), "encoding/xml.New") && called(s, call) != "encoding/xml.NewEncoder"
		return true
	})
	return found
}

// refusesDirectives reports whether a function tells document types from other tokens.
// That it refuses them is asked by the tests of its package.
func refusesDirectives(s source, f *ast.FuncDecl) bool {
	found := false
	ast.Inspect(f, func(n ast.Node) bool {
		choice, ok := n.(*ast.TypeSwitchStmt)
		if !ok {
			return true
		}
		for _, clause := range choice.Body.List {
			list := clause.(*ast.CaseClause).List
			found = found || list == nil || slices.ContainsFunc(list, func(e ast.Expr) bool { return s.info.TypeOf(e).String() == "encoding/xml.Directive" })
		}
		return true
	})
	return found
}
