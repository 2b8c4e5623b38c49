package robokassa

import (
	"encoding/json"
	"errors"
	"regexp"
	"strconv"
)

// longestDescription is Robokassa's limit, in characters (notes, section 10).
const longestDescription = 100

// isNumber reports whether a text is a payment's number in its only form: an integer from
// 1 to 9223372036854775807 without a leading zero or sign.
func isNumber(text string) bool {
	n, err := strconv.ParseInt(text, 10, 64)
	return err == nil && n > 0 && strconv.FormatInt(n, 10) == text
}

var (
	aCode    = regexp.MustCompile(`^[0-9]{1,6}$`)
	aWord    = regexp.MustCompile(`^[A-Z][A-Za-z]{2,40}$`)
	aKey     = regexp.MustCompile(`^[0-9A-Za-z-]{1,80}$`)
	aCard    = regexp.MustCompile(`^[0-9]{4,6}[*]{2,10}[0-9]{4}$`)
	aBrand   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]{0,23}$`)
	errShape = errors.New("robokassa: a field has another type than documented")
)

// shown is a code or a word for people. What looks like neither is not repeated; it could
// hold anything.
func shown(text string) string {
	if text == "" || aCode.MatchString(text) || aWord.MatchString(text) {
		return text
	}
	return "?"
}

// literal is a JSON scalar as it stood in a body: text, or the digits of a number. Null and
// a field that is absent are both empty.
type literal string

// UnmarshalJSON keeps numbers untouched and refuses everything that is no scalar.
func (l *literal) UnmarshalJSON(raw []byte) error {
	switch first := raw[0]; {
	case first == '"':
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return errShape
		}
		*l = literal(text)
	case first == '-' || first >= '0' && first <= '9', string(raw) == "true", string(raw) == "false":
		*l = literal(raw)
	case string(raw) == "null":
		*l = ""
	default:
		return errShape
	}
	return nil
}
