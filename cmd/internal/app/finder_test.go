//go:build unix

package app_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// canary is a text that must be found nowhere.
type canary struct{ what, text string }

// plainForms are those in which people and encoders write a text: letter case does not matter.
func (c canary) plainForms() []string {
	compact, _ := json.Marshal(c.text)
	loose := new(strings.Builder)
	encoder := json.NewEncoder(loose)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(c.text)
	all := []string{c.text, string(compact), loose.String(), strconv.Quote(c.text), strconv.QuoteToASCII(c.text), url.QueryEscape(c.text), url.PathEscape(c.text),
		html.EscapeString(c.text), hex.EncodeToString([]byte(c.text)), fmt.Sprintf("% x", c.text)}
	for _, form := range all[:] {
		again, _ := json.Marshal(strings.Trim(strings.TrimSpace(form), `"`))
		all = append(all, string(again), url.QueryEscape(form))
	}
	for i := range all {
		all[i] = strings.ToLower(strings.Trim(strings.TrimSpace(all[i]), `"`))
	}
	return all
}

// base64Forms are what a text becomes inside of something longer that is encoded, wherever
// in it the text begins. The letters at its edges depend on its neighbours.
func (c canary) base64Forms() []string {
	var all []string
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for shift := range 3 {
			encoded := encoding.EncodeToString([]byte(strings.Repeat("x", shift) + c.text))
			begin := (shift*8 + 5) / 6
			end := (shift + len(c.text)) * 8 / 6
			all = append(all, encoded[begin:end])
		}
	}
	return all
}

// finder looks for canaries in all their forms.
type finder struct{ plain, exact map[string]string }

func newFinder(canaries []canary) finder {
	f := finder{map[string]string{}, map[string]string{}}
	for _, c := range canaries {
		for _, form := range c.plainForms() {
			f.plain[form] = c.what
		}
		for _, form := range c.base64Forms() {
			f.exact[form] = c.what
		}
	}
	return f
}

// find returns what is in a text, and where.
func (f finder) find(text string) map[string]string {
	found := map[string]string{}
	lower := strings.ToLower(text)
	for form, what := range f.plain {
		if i := strings.Index(lower, form); i >= 0 && found[what] == "" {
			found[what] = lower[max(0, i-300):min(len(lower), i+len(form)+60)]
		}
	}
	for form, what := range f.exact {
		if i := strings.Index(text, form); i >= 0 && found[what] == "" {
			found[what] = text[max(0, i-300):min(len(text), i+len(form)+60)]
		}
	}
	return found
}

// clean fails the test when there is a canary in a text.
func (f finder) clean(t *testing.T, place, text string) {
	t.Helper()
	found := f.find(text)
	for i, what := range slices.Sorted(maps.Keys(found)) {
		if i == 3 {
			t.Errorf("and %d more stand in %s", len(found)-i, place)
			break
		}
		t.Errorf("%s stands in %s: …%s…", what, place, found[what])
	}
}

// A test of the test: a canary is found however it is written, and nothing where there is none.
func TestACanaryIsFoundInEveryForm(t *testing.T) {
	for _, c := range everyCanary() {
		f := newFinder([]canary{c})
		quoted, _ := json.Marshal(c.text)
		twice, _ := json.Marshal(string(quoted))
		basic := "user:" + c.text
		for name, text := range map[string]string{
			"as it is":            "level=INFO msg=x error=" + c.text,
			"in capitals":         strings.ToUpper(c.text),
			"in JSON":             `{"error":` + string(quoted) + `}`,
			"in JSON in JSON":     `{"error":` + string(twice) + `}`,
			"in quotes":           fmt.Sprintf("error=%q", "bad answer "+c.text),
			"in quotes in quotes": fmt.Sprintf("error=%q", fmt.Sprintf("bad %q", c.text)),
			"in ASCII":            fmt.Sprintf("%+q", c.text),
			"in a query":          "https://x/?phone=" + url.QueryEscape(c.text),
			"in a path":           "https://x/" + url.PathEscape(c.text),
			"in a form, in JSON":  fmt.Sprintf(`{"body":%q}`, "a=b&phone="+url.QueryEscape(c.text)),
			"in hex":              hex.EncodeToString([]byte("before" + c.text + "after")),
			"in HTML":             "<p>" + html.EscapeString(c.text),
			"in Basic":            "Basic " + base64.StdEncoding.EncodeToString([]byte(basic)),
			"in base64":           base64.StdEncoding.EncodeToString([]byte("ab" + basic + "cde")),
			"in base64 for URLs":  base64.RawURLEncoding.EncodeToString([]byte("x" + c.text + "yz")),
		} {
			if len(f.find(text)) == 0 {
				t.Errorf("%s is not found %s: %s", c.what, name, text)
			}
		}
		if found := f.find(`{"level":"INFO","msg":"call","payment":"0190a1b2-0000-7000-8000-00000000c0de","phone":"+7 701 *** ** 99","amount":1549000}`); len(found) > 0 {
			t.Errorf("%s is found in a line without it", c.what)
		}
	}
}
