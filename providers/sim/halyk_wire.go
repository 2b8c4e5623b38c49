package sim

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

var halykZone = time.FixedZone("+05", 5*60*60)

// halykDate writes an instant as statuses and lists do, with six digits of a second.
func halykDate(t time.Time) string {
	return t.In(halykZone).Format("2006-01-02T15:04:05.000000-07:00")
}

// halykTenge writes an amount as a JSON number of tenge.
func halykTenge(minor int64) json.RawMessage { return json.RawMessage(major(minor)) }

// halykBody is a JSON body. Names are taken to the letter, so that a misspelt field is missing.
type halykBody map[string]json.RawMessage

func readHalykBody(body []byte) (halykBody, error) {
	var fields halykBody
	if err := json.Unmarshal(body, &fields); err != nil {
		return nil, err
	}
	if fields == nil {
		return nil, errors.New("not an object")
	}
	return fields, nil
}

// text is a JSON string; anything else counts as missing.
func (f halykBody) text(name string) string {
	var s string
	if json.Unmarshal(f[name], &s) != nil {
		return ""
	}
	return s
}

func (f halykBody) flag(name string) bool { return string(f[name]) == "true" }

// tenge reads a JSON number of tenge. Text is refused: the document says number.
func (f halykBody) tenge(name string) (int64, error) { return parseMinor(string(f[name])) }

// inner is an object within the object; nil when it is missing.
func (f halykBody) inner(name string) halykBody {
	in, _ := readHalykBody(f[name])
	return in
}

// halykForm reads form fields, urlencoded or multipart. What cannot be read is missing.
func halykForm(r *http.Request, body []byte) url.Values {
	kind, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != "multipart/form-data" {
		form, _ := url.ParseQuery(string(body))
		return form
	}
	form := url.Values{}
	parts := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	for {
		part, err := parts.NextPart()
		if err != nil {
			return form
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return form
		}
		form.Add(part.FormName(), string(value))
	}
}

// The codes that the face answers by itself. Any other can be had with FaultCode or "decline:<code>".
const (
	halykTechnical   = "100"  // "technical error": proves nothing, so a merchant has to ask for the status
	halyk3DSecure    = "455"  // 3-D Secure failed
	halykNoSuchCard  = "459"  // wrong card number
	halykMerchant    = "464"  // merchant not valid
	halykLocked      = "465"  // card blocked
	halykFormat      = "469"  // invalid transaction or format error
	halykZeroAmount  = "470"  // amount is zero
	halykWrongCard   = "472"  // card data wrong
	halykNoMoney     = "484"  // not enough money
	halykNoSaved     = "1373" // no saved cards
	halykDescription = "3298" // description too long
)

// halykMessages are our words: the bank's are not published for most codes.
var halykMessages = map[string]string{
	"0": "success", halykTechnical: "technical error", "454": "operation failed, amount may be blocked", halyk3DSecure: "3-D Secure failed",
	halykNoSuchCard: "wrong card number", halykMerchant: "merchant is not valid", halykLocked: "card is blocked",
	halykFormat: "invalid transaction", halykZeroAmount: "amount is zero", halykWrongCard: "card data is wrong",
	halykNoMoney: "not enough money", halykNoSaved: "no saved cards", "3225": "refund is in progress", halykDescription: "description is too long",
}

// halykNumber writes a code as the number it looks like, or else as text.
func halykNumber(word string) json.RawMessage {
	if n, err := strconv.ParseInt(word, 10, 64); err == nil {
		return json.RawMessage(strconv.FormatInt(n, 10))
	}
	text, _ := json.Marshal(word) // a string always can be
	return text
}

func halykJSON(status int, v any) reply {
	body, err := json.Marshal(v)
	if err != nil {
		panic("sim: halyk answer: " + err.Error())
	}
	return reply{status: status, body: body}
}

// halykError is an error in one of the three envelopes. Status 0 is 400, which carries every error of the API.
func halykError(shape halykShape, code, message string, status int) reply {
	status = cmp.Or(status, http.StatusBadRequest)
	message = cmp.Or(message, "error "+code)
	switch shape {
	case halykOAuth:
		return halykJSON(status, map[string]any{"error": code, "error_description": message})
	case halykResult:
		return halykJSON(status, map[string]any{"resultCode": code, "resultMessage": message})
	default:
		return halykJSON(status, map[string]any{"code": halykNumber(code), "message": message})
	}
}

// halykRefusal is the usual HTTP 400.
func halykRefusal(code, message string) reply {
	return halykError(halykPlain, code, cmp.Or(message, halykMessages[code]), 0)
}

// halykSorry refuses a call truthfully, whatever a fault wanted to twist.
func halykSorry(c *call, code, message string) reply {
	halykTwists(c)
	return halykRefusal(code, message)
}

// halykUnauthorized is a wrong client or a foreign or expired token. Nothing happened, and the same request may come again.
func halykUnauthorized(shape halykShape, status int) reply {
	rep := halykError(halykPlain, "401", "unauthorized", cmp.Or(status, http.StatusUnauthorized))
	if shape == halykOAuth {
		rep = halykError(halykOAuth, "invalid_client", "client authentication failed", cmp.Or(status, http.StatusUnauthorized))
	}
	rep.unprocessed = true
	return rep
}

func halykNowhere() reply { return halykError(halykPlain, "404", "not found", http.StatusNotFound) }

// halykDone is the body of an operation that succeeded; the bank specifies none.
func halykDone(c *call, externalID string) reply {
	done := map[string]any{"code": 0, "message": "OK"}
	if externalID != "" {
		done["externalID"] = externalID
	}
	if c.twist == FaultUnknownStatus {
		done["code"] = halykNumber(cmp.Or(c.code, halykNobodyKnows))
	}
	return halykJSON(http.StatusOK, done)
}

// halykNobodyKnows is the status of FaultUnknownStatus when the rule names none.
const halykNobodyKnows = "LIMBO"
