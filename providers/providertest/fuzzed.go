package providertest

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// JSONNumber and Decimal match a text that is a number of JSON, and a plain decimal.
var (
	JSONNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)
	Decimal    = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)
)

// Object writes the fields that are told as a JSON object, in the order of their names;
// with numbers, texts that are numbers are written as such.
func Object(fields map[string]string, numbers bool) string {
	maps.DeleteFunc(fields, func(_, value string) bool { return value == "" })
	var b strings.Builder
	b.WriteByte('{')
	for i, name := range slices.Sorted(maps.Keys(fields)) {
		value := fields[name]
		quoted, err := json.Marshal(value)
		if err != nil {
			panic(err)
		}
		if numbers && JSONNumber.MatchString(value) {
			quoted = []byte(value)
		}
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q:%s", name, quoted)
	}
	return b.String() + "}"
}

// Words is the set of the words of a text.
func Words(text string) map[string]bool {
	set := map[string]bool{}
	for word := range strings.FieldsSeq(text) {
		set[word] = true
	}
	return set
}
