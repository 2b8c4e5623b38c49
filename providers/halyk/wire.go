package halyk

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strings"

	"github.com/payrouter/payrouter/providers"
)

// currency is the only one a terminal is paid in: tokens carry KZT.
const currency = "KZT"

// text is a scalar whose JSON type the bank does not keep to: terminal and
// reasonCode are numbers here and strings there, secure is a bool or a string,
// expires_in either. It keeps a number's own digits, so amounts stay exact.
// (Upper and lower case of names, invoiceId and invoiceID, need no care: Go
// matches names of JSON fields in any case.)
type text string

// UnmarshalJSON takes any scalar and refuses objects and arrays.
func (t *text) UnmarshalJSON(data []byte) error {
	switch data[0] {
	case '"':
		return json.Unmarshal(data, (*string)(t))
	case '{', '[':
		return errors.New("not a scalar")
	case 'n':
		*t = ""
		return nil
	}
	*t = text(data)
	return nil
}

// number is an amount as a JSON number, exact: tenge with decimals, never tiyn.
type number providers.Money

// MarshalJSON writes the plain decimal.
func (n number) MarshalJSON() ([]byte, error) { return []byte(providers.Money(n).Shortest()), nil }

// errBadAmount does not quote what stood there: it may be anything.
var errBadAmount = errors.New("an amount is not a plain decimal that the currency can say")

// readAmount reads an amount in tenge that is neither negative nor absent.
func readAmount(t text) (providers.Money, error) {
	m, err := providers.ParseMoney(string(t), currency)
	if err != nil || m.Minor < 0 {
		return providers.Money{}, errBadAmount
	}
	return m, nil
}

// addAmount is a sum that cannot wrap round.
func addAmount(a, b providers.Money) (providers.Money, error) {
	if a.Minor > math.MaxInt64-b.Minor {
		return providers.Money{}, errBadAmount
	}
	return providers.Money{Minor: a.Minor + b.Minor, Currency: a.Currency}, nil
}

// errNotObject says that something other than a JSON object came; a maintenance
// page, say.
var errNotObject = errors.New("the answer is not a JSON object of the documented shape")

// readObject decodes one JSON object. Its error never quotes the body, which may
// hold personal data.
func readObject(body []byte, into any) error {
	trimmed := bytes.TrimLeft(body, " \t\r\n")
	if len(trimmed) == 0 || trimmed[0] != '{' || json.Unmarshal(trimmed, into) != nil {
		return errNotObject
	}
	return nil
}

// encode writes a request; its shapes hold nothing that JSON cannot say.
func encode(v any) []byte {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // a mistake in this package
	}
	return body
}

// word makes a provider's word fit for Result.Code, which people and metrics
// see: letters, digits, dash and underscore, not too many. The bank's own codes have
// four digits at most; what has many more is a phone, a card's id or a token that
// stands where none should, and is not shown.
func word(t text) string {
	kept, digits := strings.Map(plain, string(t)), 0
	for _, c := range []byte(kept) {
		if c >= '0' && c <= '9' {
			digits++
		}
	}
	if digits > 6 {
		return "unprintable"
	}
	return kept[:min(len(kept), 32)]
}

// isID reports whether a text may be one of the bank's ids, which are UUIDs and numbers of
// bills. Ids are kept and shown; a text that is none may hold anything.
func isID(t text) bool {
	return t != "" && len(t) <= 64 && strings.Map(plain, string(t)) == string(t)
}

// rowID makes the id of a registry's row fit for an error; it is a UUID, and no secret.
func rowID(t text) string {
	kept := strings.Map(plain, string(t))
	return kept[:min(len(kept), 36)]
}

// plain keeps what a code or an id is written with.
func plain(r rune) rune {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '-':
		return r
	}
	return -1
}

// cut shortens a text to so many bytes without splitting a letter.
func cut(s string, limit int) string {
	s = strings.ToValidUTF8(s, "")
	if len(s) <= limit {
		return s
	}
	end := 0
	for i := range s {
		if i > limit {
			break
		}
		end = i
	}
	return strings.TrimSpace(s[:end])
}
