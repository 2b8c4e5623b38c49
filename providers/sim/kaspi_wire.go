package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"strconv"
	"time"
)

// kaspiZone is Kazakhstan time: one zone for the whole country since March 2024.
var kaspiZone = time.FixedZone("+05", 5*60*60)

// kaspiRequestID is what X-Request-ID may look like: a GUID, with or without dashes.
var kaspiRequestID = regexp.MustCompile(`^[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}$`)

// kaspiBody is a request body. Names are taken to the letter, so that a misspelt field is missing.
type kaspiBody map[string]json.RawMessage

func readKaspiBody(body []byte) (kaspiBody, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	var fields kaspiBody
	if err := d.Decode(&fields); err != nil {
		return nil, err
	}
	if fields == nil || d.More() {
		return nil, errors.New("not one object")
	}
	return fields, nil
}

// text is a string; a number counts as its digits, because ids and device tokens are documented as both.
func (f kaspiBody) text(name string) string {
	raw := f[name]
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var n json.Number
	if json.Unmarshal(raw, &n) == nil {
		return n.String()
	}
	return ""
}

func (f kaspiBody) id(name string) int64 { return kaspiID(f.text(name)) }

// amount reads a JSON number of tenge. A string is refused: the document says number.
func (f kaspiBody) amount(name string) (int64, error) {
	raw := f[name]
	if len(raw) == 0 {
		return 0, errAmount
	}
	return parseMinor(string(raw))
}

// kaspiID reads an id; 0 is no id of anything.
func kaspiID(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// idOut writes an id as a number, or as text where the options want the lenient form.
func (k *kaspi) idOut(id int64) json.RawMessage {
	return k.numberOut(strconv.FormatInt(id, 10))
}

func (k *kaspi) numberOut(digits string) json.RawMessage {
	if k.opt.TextNumbers {
		return json.RawMessage(strconv.Quote(digits))
	}
	return json.RawMessage(digits)
}

// kaspiTenge writes an amount as a JSON number with two decimals.
func kaspiTenge(minor int64) json.RawMessage { return json.RawMessage(major(minor)) }

// date writes an instant in Kazakhstan time.
func (k *kaspi) date(t time.Time) string {
	if k.opt.HourOffsets {
		return t.In(kaspiZone).Format("2006-01-02T15:04:05-07")
	}
	return t.In(kaspiZone).Format("2006-01-02T15:04:05.000-07:00")
}

// kaspiListDate writes an instant as lists do: local time, no offset, seven digits of a second.
func kaspiListDate(t time.Time) string { return t.In(kaspiZone).Format("2006-01-02T15:04:05.0000000") }

// kaspiSeconds rounds up, so that a merchant never believes a window shorter than it is.
func kaspiSeconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

// kaspiEnvelope wraps every answer. Data is absent where there is none.
type kaspiEnvelope struct {
	StatusCode json.RawMessage `json:"StatusCode"`
	Message    string          `json:"Message,omitempty"`
	Data       any             `json:"Data,omitempty"`
}

// kaspiAnswer is an answer before it is wrapped.
type kaspiAnswer struct {
	code   kaspiCode
	word   string // replaces code by a text of a fault's choice
	data   any
	status int // 0 means 200, which also carries every business error
	small  bool
	bare   string // not JSON at all, or JSON without the envelope
	reply  reply  // unprocessed and cut are taken over
}

func kaspiRefusal(code kaspiCode) kaspiAnswer { return kaspiAnswer{code: code} }

func (a kaspiAnswer) pack() reply {
	rep := a.reply
	rep.status = a.status
	if a.bare != "" {
		rep.body = []byte(a.bare)
		return rep
	}
	code := json.RawMessage(strconv.FormatInt(int64(a.code), 10))
	if a.word != "" {
		code = kaspiWord(a.word)
	}
	var body any = kaspiEnvelope{StatusCode: code, Message: kaspiMessages[a.code], Data: a.data}
	if a.small { // the emulator's spelling
		body = struct {
			StatusCode json.RawMessage `json:"StatusCode"`
			Message    string          `json:"message,omitempty"`
		}{code, kaspiMessages[a.code]}
	}
	var err error
	if rep.body, err = json.Marshal(body); err != nil {
		panic("sim: kaspi answer: " + err.Error())
	}
	return rep
}

// kaspiWord writes a fault's code as the number it looks like, or else as text.
func kaspiWord(word string) json.RawMessage {
	if n, err := strconv.ParseInt(word, 10, 64); err == nil {
		return json.RawMessage(strconv.FormatInt(n, 10))
	}
	text, _ := json.Marshal(word) // a string always can be
	return text
}
