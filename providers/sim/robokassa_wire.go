package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// robokassaZone is that of the instants in Robokassa's samples.
var robokassaZone = time.FixedZone("+03", 3*60*60)

// robokassaDate writes an instant with seven digits of a second.
func robokassaDate(t time.Time) string {
	return t.In(robokassaZone).Format("2006-01-02T15:04:05.0000000-07:00")
}

// robokassaExpiry reads an ExpirationDate: ISO 8601 with an offset, up to seven digits of a second.
func robokassaExpiry(text string) (time.Time, error) { return time.Parse(time.RFC3339, text) }

// robokassaMinor reads a sum above zero. Zeros behind the second decimal mean nothing: Robokassa itself writes six decimals.
func robokassaMinor(text string) (int64, error) {
	if whole, frac, _ := strings.Cut(text, "."); len(frac) > 2 && len(frac) <= 6 && strings.Trim(frac[2:], "0") == "" {
		text = whole + "." + frac[:2]
	}
	minor, err := parseMinor(text)
	if err == nil && minor <= 0 {
		err = errAmount
	}
	return minor, err
}

// robokassaLong writes a sum with six decimals.
func robokassaLong(minor int64) string { return major(minor) + "0000" }

// robokassaNumber reads an InvId: an integer from 1 to 9223372036854775807, in its shortest form.
func robokassaNumber(text string) (string, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	return strconv.FormatInt(n, 10), err == nil && n > 0 && isDigits(text)
}

// robokassaParam is one Shp_ parameter as the merchant spelt it.
type robokassaParam struct{ name, value string }

// robokassaShp takes the merchant's own parameters from a form, in byte order of their names, as the official SDK signs them.
func robokassaShp(form url.Values) []robokassaParam {
	var out []robokassaParam
	for name := range form {
		if len(name) > 4 && strings.EqualFold(name[:4], "Shp_") {
			out = append(out, robokassaParam{name, form.Get(name)})
		}
	}
	slices.SortFunc(out, func(a, b robokassaParam) int { return strings.Compare(a.name, b.name) })
	return out
}

// robokassaSigned are the parameters as they stand under a signature.
func robokassaSigned(shp []robokassaParam) []string {
	var out []string
	for _, p := range shp {
		out = append(out, p.name+"="+p.value)
	}
	return out
}

func robokassaJSON(status int, v any) reply {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // text and numbers always encode
	return reply{status: status, body: bytes.TrimRight(out.Bytes(), "\n")}
}

func robokassaText(status int, text string) reply {
	return reply{status: status, contentType: "text/plain; charset=utf-8", body: []byte(text)}
}

// robokassaMedia is the content type of a request, without its parameters.
func robokassaMedia(c *call) string {
	media, _, _ := strings.Cut(c.r.Header.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(media))
}

// robokassaNowhere is an address that the bank does not serve.
func robokassaNowhere() reply { return robokassaText(http.StatusNotFound, "Not Found") }

// robokassaTwists forgets a lie that an answer has no place for.
func robokassaTwists(c *call, places ...FaultKind) {
	if !slices.Contains(places, c.twist) {
		c.twist = ""
	}
}

// robokassaTold is a sum as an answer tells it.
func robokassaTold(c *call, minor int64) int64 {
	if c.twist == FaultWrongAmount {
		return minor + 100
	}
	return minor
}

// robokassaOther is a number that is not the one asked about.
func robokassaOther(number string) string {
	return fmt.Sprintf("7%s7", number[max(len(number)-15, 0):])
}
