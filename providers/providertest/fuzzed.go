package providertest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
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

// Scripted is a network with one server on it that answers by script, with any status and
// any bytes, also with those that net/http would refuse to write. Each connection is good
// for one request, whose body Answer may read. Answer may be set anew between calls.
type Scripted struct {
	Answer func(r *http.Request) (status int, body []byte)
}

// Dial connects to the server, whatever the address.
func (s *Scripted) Dial(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	go func() {
		defer far.Close()
		r, err := http.ReadRequest(bufio.NewReader(far))
		if err != nil {
			return
		}
		sent, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(sent))
		status, body := s.Answer(r)
		fmt.Fprintf(far, "HTTP/1.1 %03d Fuzzed\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", status, len(body), body)
	}()
	return near, nil
}
