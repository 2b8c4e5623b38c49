package journal

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/payrouter/payrouter/router/payment"
)

// Text from outside is never refused by a database, and plain text stays as it is.
func FuzzStorableText(f *testing.F) {
	for _, text := range []string{"", "order-7", "a\x00b", "\xff\xfe", "\xed\xa0\x80", "Чай\u2028", "\x00", "a\ufffdb"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		kept := storable(text)
		if !utf8.ValidString(kept) || strings.ContainsRune(kept, 0) || utf8.RuneCountInString(kept) != utf8.RuneCountInString(text) || storable(kept) != kept {
			t.Errorf("%q is kept as %q", text, kept)
		}
		if clean := utf8.ValidString(text) && !strings.ContainsRune(text, 0); clean && kept != text {
			t.Errorf("%q is kept as %q", text, kept)
		}
	})
}

// However the URL of the store is misspelt, its password is in no error (I13).
func FuzzStoreURL(f *testing.F) {
	const password = "s3cr3t-canary"
	for _, rest := range []string{password + "@127.0.0.1:5432/books", password + "/x@127.0.0.1/books", "a/" + password + "@h", "%zz" + password + "@h", "12?" + password + "@h", "x#" + password + "@h/b",
		"@h/b?password=" + password + "&sslmode=sometimes", password + "@h:port/b", password + "@[::1/b", password + "@h/b?connect_timeout=" + password, " " + password + "@h", password} {
		f.Add("postgres://payrouter:", rest)
		f.Add("postgresql://", rest)
		f.Add("postgres:", rest)
		f.Add("mysql://payrouter:", rest)
	}
	f.Fuzz(func(t *testing.T, scheme, rest string) {
		if strings.HasPrefix(scheme+rest, "sqlite:") {
			return // it would make files
		}
		if !strings.Contains(rest, password) {
			rest = password + rest
		}
		s, err := Open(Options{URL: scheme + rest, Due: func(payment.Payment, time.Time) time.Time { return time.Time{} }})
		if err == nil {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			return
		}
		for _, part := range []string{password, password[:6], password[7:]} {
			if strings.Contains(err.Error(), part) {
				t.Errorf("%q: %v", scheme+rest, err)
			}
		}
	})
}
