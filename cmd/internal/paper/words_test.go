package paper

import (
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/payrouter/payrouter/providers"
)

func TestEveryTermHasEveryLanguage(t *testing.T) {
	check := func(name string, terms [3]string) {
		verbs := strings.Count(terms[0], "%d") + strings.Count(terms[0], "%s")
		for i, term := range terms {
			if strings.TrimSpace(term) == "" || term != strings.TrimSpace(term) {
				t.Errorf("%s has no word in %s: %q", name, Languages()[i], term)
			}
			if n := strings.Count(term, "%d") + strings.Count(term, "%s"); n != verbs {
				t.Errorf("%s has %d places to fill in %s, and %d in ru", name, n, Languages()[i], verbs)
			}
			for _, c := range term {
				if cyrillic := unicode.Is(unicode.Cyrillic, c); unicode.IsLetter(c) && cyrillic == (Languages()[i] == English) && !strings.Contains("%d%s XLSX", string(c)) {
					t.Errorf("%s has the letter %q in %s: %q", name, c, Languages()[i], term)
				}
				if strings.ContainsRune("ӘәҒғҚқҢңӨөҰұҮүҺһІі", c) && Languages()[i] != Kazakh {
					t.Errorf("%s has the Kazakh letter %q in %s", name, c, Languages()[i])
				}
			}
		}
	}
	for w, terms := range words {
		check("word "+strconv.Itoa(w), terms)
	}
	for m, terms := range months {
		check(time.Month(m+1).String(), terms)
	}
	for id, r := range requirements {
		check(id, r.name)
		check(id+", needed", r.needed)
	}
	check("the title of readiness", readinessTitle)
	for state, w := range states {
		if words[w][englishColumn] != strings.ReplaceAll(state, "_", " ") {
			t.Errorf("state %s is called %q", state, words[w][englishColumn])
		}
	}
	if reflect.TypeOf(words).Elem().Len() != len(Languages()) {
		t.Error("the table has another number of languages")
	}
}

// englishColumn is where the tables keep English.
const englishColumn = 2

func TestADayIsSpeltAsEachLanguageSpellsIt(t *testing.T) {
	day := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	for i, want := range []string{"1 октября 2026 г.", "2026 жылғы 1 қазан", "1 October 2026"} {
		if got := tongue(i).spell(day); got != want {
			t.Errorf("%s: %q, want %q", Languages()[i], got, want)
		}
	}
}

func TestSumsAreWrittenWithTheDecimalsOfTheirCurrency(t *testing.T) {
	for _, c := range []struct {
		sum                     providers.Money
		russian, english, plain string
	}{
		{kzt(123456789012), "1\u00a0234\u00a0567\u00a0890,12", "1,234,567,890.12", "1234567890,12"},
		{kzt(-50), "-0,50", "-0.50", "-0,50"},
		{kzt(-99999), "-999,99", "-999.99", "-999,99"},
		{providers.Money{Minor: 1200, Currency: "JPY"}, "1\u00a0200", "1,200", "1200"},
		{providers.Money{Minor: 1200, Currency: "KWD"}, "1,200", "1.200", "1,200"},
		{providers.Money{}, "", "", ""},
	} {
		if r, e, p := tongue(0).grouped(c.sum), tongue(englishColumn).grouped(c.sum), tongue(0).decimal(c.sum); r != c.russian || e != c.english || p != c.plain {
			t.Errorf("%v: %q, %q, %q", c.sum, r, e, p)
		}
	}
}
