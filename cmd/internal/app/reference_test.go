package app_test

import (
	"cmp"
	"encoding"
	"fmt"
	"go/ast"
	"go/parser"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/payrouter/payrouter/cmd/internal/app"
	"github.com/payrouter/payrouter/providers"
)

const referencePage = "docs/configuration.md"

const referenceHead = `# Configuration

Every key of the file, made from the code that reads it ("make configuration"). What a key may be
left out for stands with it; what is required says so.

- One YAML file, named by --config or PAYROUTER_CONFIG. Unknown keys are refused, and all mistakes
  are told at once: "payrouter check".
- A secret may be written as ${NAME}, taken from the environment, or as file:PATH, read from a file.
- Durations are written as 500ms, 30s, 15m or 24h. Sums are in minor units: 5000000 is 50,000.00 tenge.
- [deploy/payrouter.yaml](../deploy/payrouter.yaml) is an example of a whole one.
`

// The page of all keys is what the code says of them, and says something of each.
func TestTheConfigurationReferenceIsWhatTheCodeSays(t *testing.T) {
	r := reference{T: t, comments: map[string]*structComments{}, at: map[reflect.Type]string{}}
	r.section("", reflect.TypeFor[app.Config]())
	page := referenceHead + r.text.String()
	path := filepath.Join(root, referencePage)
	if *update {
		if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := gocmp.Diff(strings.Split(read(t, referencePage), "\n"), strings.Split(page, "\n")); diff != "" {
		t.Errorf("%s is not what the code says: run make configuration (-page +code):\n%s", referencePage, diff)
	}
	headings := map[string]bool{}
	for _, heading := range regexp.MustCompile(`(?m)^## (.*)$`).FindAllStringSubmatch(page, -1) {
		headings[anchor(heading[1])] = true
	}
	for _, link := range regexp.MustCompile(`\(#([^)]*)\)`).FindAllStringSubmatch(page, -1) {
		if !headings[link[1]] {
			t.Errorf("%s leads to #%s, which is not there", referencePage, link[1])
		}
	}
}

// reference writes the page, section by section.
type reference struct {
	*testing.T
	comments map[string]*structComments // by package and type
	at       map[reflect.Type]string    // where a struct was told of first
	text     strings.Builder
}

// structComments is what the code says of a struct and of its fields.
type structComments struct {
	doc    string
	fields map[string]string
}

// entry is a key.
type entry struct {
	key, kind, meaning string
	below              reflect.Type // what stands below it, if anything
	path               string
}

// section writes the keys of a struct, and then what is below each.
func (r *reference) section(path string, of reflect.Type) {
	r.at[of] = path
	entries := r.entries(path, of)
	title := path
	if title == "" {
		title = "The file"
	}
	fmt.Fprintf(&r.text, "\n## %s\n\n", title)
	if doc := r.of(of).doc; doc != "" && path != "" {
		said := r.words(of, doc, of.Name())
		first, size := utf8.DecodeRuneInString(said)
		fmt.Fprintf(&r.text, "%c%s\n\n", unicode.ToUpper(first), said[size:])
	}
	r.text.WriteString("| key | value | meaning |\n|---|---|---|\n")
	for _, e := range entries {
		fmt.Fprintf(&r.text, "| `%s` | %s | %s |\n", e.key, e.kind, e.meaning)
		if e.meaning == "" {
			r.Errorf("nothing is said of %s: comment the field", e.path)
		}
	}
	for _, e := range entries {
		if _, told := r.at[e.below]; e.below != nil && !told {
			r.section(e.path, e.below)
		}
	}
}

// entries are the keys of a struct, those of inlined ones included.
func (r *reference) entries(path string, of reflect.Type) (all []entry) {
	said := r.of(of)
	for field := range of.Fields() {
		key, options, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		switch {
		case !field.IsExported() || key == "-":
			continue
		case options == "inline":
			all = append(all, r.entries(path, field.Type)...)
			continue
		case key == "":
			key = strings.ToLower(field.Name)
		}
		e := entry{key: key, path: strings.TrimPrefix(path+"."+key, ".")}
		e.kind, e.below = valueOf(field.Type)
		switch field.Type.Kind() {
		case reflect.Slice:
			e.path += "[]"
		case reflect.Map:
			e.path += ".NAME"
		}
		e.meaning = r.words(of, said.fields[field.Name], field.Name)
		if e.meaning == "" { // one comment may be about several
			e.meaning = before(all, key)
		}
		if e.below != nil {
			where := cmp.Or(r.at[e.below], e.path)
			e.meaning = strings.TrimPrefix(strings.TrimSuffix(e.meaning, ".")+"; see ["+where+"](#"+anchor(where)+")", "; ")
		}
		all = append(all, e)
	}
	return all
}

// before points to the key whose meaning names another one, too.
func before(all []entry, key string) string {
	for _, other := range all {
		if strings.Contains(other.meaning, "`"+key+"`") {
			return "see `" + other.key + "`"
		}
	}
	return ""
}

// anchor is what a page of Markdown calls a heading.
func anchor(heading string) string {
	return regexp.MustCompile(`[^a-z0-9_-]`).ReplaceAllString(strings.ReplaceAll(strings.ToLower(heading), " ", "-"), "")
}

// valueOf says what stands behind a key, and the struct below it.
func valueOf(t reflect.Type) (string, reflect.Type) {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return "duration", nil
	case t == reflect.TypeFor[providers.Secret]():
		return "secret", nil
	case t == reflect.TypeFor[app.Day]():
		return "day", nil
	case t.Kind() == reflect.Pointer:
		return valueOf(t.Elem())
	case reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		return "text", nil
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false", nil
	case reflect.Int, reflect.Int32, reflect.Int64:
		return "number", nil
	case reflect.String:
		return "text", nil
	case reflect.Struct:
		return "keys", t
	case reflect.Slice:
		kind, below := valueOf(t.Elem())
		return "list of " + strings.Replace(kind, "keys", "entries", 1), below
	case reflect.Map:
		kind, below := valueOf(t.Elem())
		return kind + ", by name", below
	}
	return "a " + t.String() + " that this page cannot tell", nil
}

// of reads the comments of a struct.
func (r *reference) of(t reflect.Type) *structComments {
	name := t.PkgPath() + "." + t.Name()
	if known := r.comments[name]; known != nil {
		return known
	}
	folder := filepath.Join(root, strings.TrimPrefix(t.PkgPath(), "github.com/payrouter/payrouter"))
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil || len(files) == 0 {
		r.Fatalf("no code of %s: %v", name, err)
	}
	for _, path := range files {
		ast.Inspect(syntax(r.T, path, parser.ParseComments|parser.SkipObjectResolution), func(n ast.Node) bool {
			d, ok := n.(*ast.GenDecl)
			if !ok {
				return true
			}
			for _, spec := range d.Specs {
				if s, ok := spec.(*ast.TypeSpec); ok {
					if body, ok := s.Type.(*ast.StructType); ok {
						r.keep(t.PkgPath()+"."+s.Name.Name, d, body)
					}
				}
			}
			return false
		})
	}
	if r.comments[name] == nil {
		r.Fatalf("%s is declared nowhere", name)
	}
	return r.comments[name]
}

func (r *reference) keep(name string, d *ast.GenDecl, body *ast.StructType) {
	if r.comments[name] != nil {
		return
	}
	said := &structComments{doc: d.Doc.Text(), fields: map[string]string{}}
	for _, f := range body.Fields.List {
		for _, field := range f.Names {
			said.fields[field.Name] = f.Doc.Text() + f.Comment.Text()
		}
	}
	r.comments[name] = said
}

// words are a comment as a person reads it who knows the keys and not the fields: what it is about
// is named by the key beside it.
func (r *reference) words(of reflect.Type, comment, about string) string {
	text := strings.Join(strings.Fields(comment), " ")
	if said, ok := strings.CutPrefix(text, about+" "); ok && !strings.HasPrefix(said, "and ") {
		text = strings.TrimPrefix(strings.TrimPrefix(said, "is "), "are ")
	}
	var names []string
	keys := map[string]string{}
	for field := range of.Fields() {
		if key, _, _ := strings.Cut(field.Tag.Get("yaml"), ","); key != "" && key != "-" && inGo.MatchString(field.Name) {
			names, keys[field.Name] = append(names, field.Name), key
		}
	}
	slices.SortFunc(names, func(a, b string) int { return len(b) - len(a) })
	for _, name := range names {
		text = regexp.MustCompile(`\b`+name+`\b`).ReplaceAllString(text, "`"+keys[name]+"`")
	}
	return strings.NewReplacer("|", "\\|", "<", "&lt;").Replace(text)
}

// inGo is a name that is no word of English.
var inGo = regexp.MustCompile(`[a-z0-9][A-Z]|^[A-Z]{2,}|[0-9]`)
