package providers

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Method is a way for a payer to pay, in the caller's words.
type Method string

// The methods. What each means at a provider stands in the adapter's claims.
const (
	QR         Method = "qr"         // the payer scans a code with a bank's app
	Link       Method = "link"       // a URL that may be sent to the payer; may open a bank's app
	Page       Method = "page"       // a hosted card page in the payer's browser
	Push       Method = "push"       // the gateway sends an invoice to the payer's phone
	Account    Method = "account"    // the payer types our number in the bank's app; the bank asks us
	Instrument Method = "instrument" // charge of a saved instrument, server to server
)

// Methods lists all methods in a fixed order.
func Methods() []Method { return []Method{QR, Link, Page, Push, Account, Instrument} }

// Valid reports whether the method is one of the closed set.
func (m Method) Valid() bool {
	for _, known := range Methods() {
		if m == known {
			return true
		}
	}
	return false
}

// Ref is how a gateway knows one attempt.
type Ref struct {
	Order       string    // our reference, unique under the gateway's own rule; always set
	External    string    // the gateway's id, once known
	Method      Method    // how the payer pays
	Amount      Money     // what was asked for; every answer is compared with it
	Planned     time.Time // when the attempt was committed, before it was sent
	TwoStage    bool      // whether a hold was asked for
	KeepHold    bool      // of a Cancel: only an offer is withdrawn; whoever has paid has paid, by a hold too
	Credentials string    // the version of our credentials that the attempt began with; adapters need not look at it
}

// Payer is what a gateway may need to know about the person. It is personal
// data: it never reaches logs, metrics, errors or events.
type Payer struct {
	Phone string // E.164, +77011234567
	Email string
	Name  string
	IP    string
}

// Charge asks for one amount once.
type Charge struct {
	Ref         Ref
	Payer       Payer
	CustomerID  string    // the caller's opaque payer id; groups saved instruments
	Instrument  Token     // for method Instrument
	Save        bool      // ask the gateway for a token
	Description string    // shown to the payer; the adapter cuts it to the gateway's limit
	ReturnURL   string    // where a browser comes back; proves nothing
	NotifyURL   string    // where the gateway's notices go: this gateway's webhook address
	Expires     time.Time // no offer may be payable after this; zero means no limit
}

// Plain makes a text that people wrote fit for a gateway: valid UTF-8, no control characters,
// none of those in without, and at most limit characters.
func Plain(text string, limit int, without string) string {
	text = strings.Map(func(c rune) rune {
		switch {
		case c == utf8.RuneError || strings.ContainsRune(without, c):
			return -1
		case unicode.IsControl(c):
			return ' '
		}
		return c
	}, text)
	if runes := []rune(text); len(runes) > limit {
		text = string(runes[:limit])
	}
	return strings.TrimSpace(text)
}

// Refund asks a gateway to give back part or all of what an attempt captured.
type Refund struct {
	Ref      Ref
	ID       string // our refund's own reference, unique and never reused
	External string // for LookupRefund: the gateway's id of the refund, once told
	Amount   Money
	Before   Money // sum of refunds already confirmed on this attempt
	Reason   string
}

// Token is a saved instrument as one gateway knows it. Never a card number.
type Token struct {
	Value Secret
	Mask  string // for people: "4405 **** 5096" in the gateway's own style
	Brand string
}

// Action is what the payer must do next.
type Action struct {
	Kind    ActionKind        `json:"kind"`
	URL     string            `json:"url,omitempty"`     // redirect, form target, or a picture of the QR
	Text    string            `json:"text,omitempty"`    // content of a QR code; JSON object for a widget
	Fields  map[string]string `json:"fields,omitempty"`  // form fields
	Number  string            `json:"number,omitempty"`  // account: what the payer types
	Service string            `json:"service,omitempty"` // account: where; push: the app that rings
	Expires time.Time         `json:"expires,omitzero"`  // when the payer can no longer begin
}

// ActionKind is the kind of an Action.
type ActionKind string

// The kinds of action.
const (
	Redirect    ActionKind = "redirect" // send the browser to URL
	ShowQR      ActionKind = "qr"       // draw Text (or show the picture at URL)
	SubmitForm  ActionKind = "form"     // POST Fields to URL from the browser
	RunWidget   ActionKind = "widget"   // load the script at URL and hand it the JSON object in Text
	ConfirmPush ActionKind = "push"     // the payer confirms in the app that rang
	TypeAccount ActionKind = "account"  // the payer types Number at Service
)
