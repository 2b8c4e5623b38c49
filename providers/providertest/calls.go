package providertest

import (
	"context"
	"fmt"
	"mime"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/payrouter/payrouter/providers"
)

// Every call of the adapter goes through here, so that what must hold for all of them
// is checked for all of them.

// patience is what a call may take beyond its claimed limit: connections through
// memory cost no time at all.
const patience = 10 * time.Millisecond

func (h *house) charge(ctx context.Context, a *attempt) providers.Result {
	h.t.Helper()
	limit := h.claims.Timeouts.Charge
	if h.claims.Method(a.ref.Method).Flow == providers.Offer {
		limit = h.claims.Timeouts.Create
	}
	h.mu.Lock()
	h.asked[a.ref.Order] = a.charge.Ref.Amount
	h.mu.Unlock()
	a.result = h.call("charge", limit, func() providers.Result { return h.provider.Charge(ctx, a.charge) })
	a.learn(a.result)
	if slices.Contains(h.subject.Composed, a.ref.Method) && a.result.Action != nil {
		if err := h.bank.Open(h.face, a.result.Action.URL); err != nil {
			h.t.Errorf("the payer cannot open what the action shows: %v", err)
		}
	}
	return a.result
}

// learn keeps the gateway's id as the router does: the first one told stays.
func (a *attempt) learn(r providers.Result) {
	if a.ref.External == "" {
		a.ref.External = r.External
	}
}

func (h *house) lookup(a *attempt) providers.Result {
	h.t.Helper()
	return h.lookupBy(context.Background(), a)
}

func (h *house) lookupBy(ctx context.Context, a *attempt) providers.Result {
	h.t.Helper()
	r := h.call("look-up", h.claims.Timeouts.Status, func() providers.Result { return h.provider.Lookup(ctx, a.ref) })
	a.learn(r)
	return r
}

func (h *house) capture(ctx context.Context, a *attempt, amount providers.Money) providers.Result {
	h.t.Helper()
	c, ok := h.provider.(providers.Capturer)
	if !ok {
		h.t.Fatal("holds are claimed, but the adapter is no Capturer")
	}
	return h.call("capture", h.claims.Timeouts.Refund, func() providers.Result { return c.Capture(ctx, a.ref, amount) })
}

// recall withdraws an offer as the router does on its way to another gateway.
func (h *house) recall(ctx context.Context, a *attempt) providers.Result {
	h.t.Helper()
	withdrawn := *a
	withdrawn.ref.KeepHold = true
	return h.cancel(ctx, &withdrawn)
}

func (h *house) cancel(ctx context.Context, a *attempt) providers.Result {
	h.t.Helper()
	c, ok := h.provider.(providers.Canceler)
	if !ok {
		h.t.Fatal("the adapter is no Canceler")
	}
	return h.call("cancel", h.claims.Timeouts.Refund, func() providers.Result { return c.Cancel(ctx, a.ref) })
}

func (h *house) refund(ctx context.Context, r providers.Refund) providers.Result {
	h.t.Helper()
	f, ok := h.provider.(providers.Refunder)
	if !ok {
		h.t.Fatal("refunds are claimed, but the adapter is no Refunder")
	}
	said := h.call("refund", h.claims.Timeouts.Refund, func() providers.Result { return f.Refund(ctx, r) })
	h.mu.Lock()
	defer h.mu.Unlock()
	if said.External != "" {
		h.given[r.ID] = said.External // as the router keeps it
	}
	return said
}

func (h *house) lookupRefund(ctx context.Context, r providers.Refund) providers.Result {
	h.t.Helper()
	f, ok := h.provider.(providers.Refunder)
	if !ok {
		h.t.Fatal("refunds are claimed, but the adapter is no Refunder")
	}
	h.mu.Lock()
	r.External = h.given[r.ID]
	h.mu.Unlock()
	return h.call("look-up of a refund", h.claims.Timeouts.Status, func() providers.Result { return f.LookupRefund(ctx, r) })
}

func (h *house) probe(ctx context.Context) providers.Result {
	h.t.Helper()
	p, ok := h.provider.(providers.Prober)
	if !ok {
		h.t.Fatal("the adapter is no Prober")
	}
	return h.call("probe", h.claims.Timeouts.Status, func() providers.Result { return p.Probe(ctx) })
}

func (h *house) forget(ctx context.Context, token providers.Token) providers.Result {
	h.t.Helper()
	f, ok := h.provider.(providers.Forgetter)
	if !ok {
		h.t.Fatal("the adapter is no Forgetter")
	}
	return h.call("forget", h.claims.Timeouts.Status, func() providers.Result { return f.Forget(ctx, token) })
}

// call makes one call and checks what every call promises.
func (h *house) call(what string, limit time.Duration, do func() providers.Result) providers.Result {
	h.t.Helper()
	began := time.Now()
	r := do()
	if took := time.Since(began); took > limit+h.slack {
		h.t.Errorf("a %s took %s, claimed are %s", what, took, limit)
	}
	h.wellFormed(what, r)
	return r
}

// reasons are those that each verdict may have (package providers, verdict.go). A
// question that was not answered may also say why it was not carried out.
var reasons = map[providers.Verdict][]providers.Reason{
	providers.Approved: {providers.NoReason},
	providers.Held:     {providers.NoReason},
	providers.Unserved: {providers.NotSent, providers.Throttled, providers.Maintenance, providers.Misconfigured, providers.Unsupported, providers.NotFound},
	providers.Declined: {providers.DeclinedHard, providers.DeclinedSoft, providers.InvalidRequest, providers.CanceledByPayer, providers.Expired,
		providers.Released, providers.Refused},
	providers.Pending: {providers.AwaitingPayer, providers.PayerConfirming, providers.StepUp, providers.Processing, providers.Review},
	providers.Unknown: {providers.NoReason, providers.Timeout, providers.Broken, providers.ServerError, providers.Unreadable, providers.BadSignature,
		providers.Mismatch, providers.Duplicate, providers.Ambiguous, providers.UnknownCode,
		providers.NotSent, providers.Throttled, providers.Misconfigured, providers.Maintenance},
}

func (h *house) wellFormed(what string, r providers.Result) {
	h.t.Helper()
	wrong := func(format string, args ...any) {
		h.t.Helper()
		h.t.Errorf("a %s says %s: %s", what, describe(r), fmt.Sprintf(format, args...))
	}
	if !slices.Contains(reasons[r.Verdict], r.Reason) {
		wrong("the reason %q does not belong to the verdict", r.Reason)
	}
	if r.Verdict == providers.Unknown && r.Reason == providers.NoReason && !r.Absent {
		wrong("nobody can tell why")
	}
	for _, m := range []providers.Money{r.Amount, r.Returned} {
		if m.Minor < 0 || m.Minor > 0 && m.Currency == "" {
			wrong("%d %q is no amount", m.Minor, m.Currency)
		}
	}
	if r.Absent && r.Verdict != providers.Unknown {
		wrong("absent, and yet decided")
	}
	if r.AskIn < 0 {
		wrong("it wants to be asked %s ago", -r.AskIn)
	}
	if r.Verdict != providers.Pending && r.Action != nil {
		wrong("there is nothing the payer could do")
	}
	if r.Action != nil {
		if err := checkAction(*r.Action); err != nil {
			wrong("the action %+v: %v", *r.Action, err)
		}
		h.discreet(what+"'s action", fmt.Sprintf("%+v", *r.Action))
	}
	if r.Instrument != nil && r.Instrument.Value.Empty() {
		wrong("an instrument without a token")
	}
	if len(r.Code) > 64 || strings.ContainsFunc(r.Code, func(c rune) bool { return !unicode.IsPrint(c) }) {
		wrong("the code is not for people: %q", r.Code)
	}
	h.discreet(what+"'s code", r.Code)
	if r.Err != nil {
		h.discreet(what+"'s error", fmt.Sprintf("%v %+v %#v", r.Err, r.Err, r.Err))
	}
	h.discreet("result of a "+what, fmt.Sprintf("%v %+v", r, r))
}

// discreet fails when a text that is kept or logged gives away a secret or a person.
func (h *house) discreet(what, text string) {
	h.t.Helper()
	for _, secret := range h.subject.Secrets {
		if secret != "" && strings.Contains(text, secret) {
			h.t.Errorf("the %s gives a secret away: %s", what, strings.ReplaceAll(text, secret, "[HERE]"))
		}
	}
	for _, person := range persons {
		if strings.Contains(text, person) {
			h.t.Errorf("the %s gives the payer away: %s", what, strings.ReplaceAll(text, person, "[HERE]"))
		}
	}
}

// persons are the forms in which a payer might be found.
var persons = []string{strings.TrimPrefix(payer.Phone, "+"), payer.Email, url.QueryEscape(payer.Email), payer.Name, strings.ToUpper(payer.Name)}

// checkAction says what a payer could not do with it.
func checkAction(a providers.Action) error {
	need := func(ok bool, what string) error {
		if ok {
			return nil
		}
		return fmt.Errorf("%s needs %s", a.Kind, what)
	}
	web := func(text string) bool {
		u, err := url.Parse(text)
		return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http")
	}
	switch a.Kind {
	case providers.Redirect:
		return need(web(a.URL), "an address")
	case providers.ShowQR:
		return need(a.Text != "" || web(a.URL), "a text or the address of a picture")
	case providers.SubmitForm:
		return need(web(a.URL) && len(a.Fields) > 0, "an address and fields")
	case providers.RunWidget:
		return need(web(a.URL) && strings.HasPrefix(a.Text, "{"), "a script and a JSON object")
	case providers.ConfirmPush:
		return need(a.Service != "", "the app that rings")
	case providers.TypeAccount:
		return need(a.Number != "" && a.Service != "", "a number and where to type it")
	}
	return fmt.Errorf("no such kind")
}

// describe is a Result in one line.
func describe(r providers.Result) string {
	text := fmt.Sprintf("%s %s", r.Verdict, r.Reason)
	if r.Absent {
		text += " absent"
	}
	if r.Amount.Currency != "" {
		text += " of " + r.Amount.String()
	}
	return fmt.Sprintf("%s (code %q, error %v)", text, r.Code, r.Err)
}

// wellAnswered fails unless a reply is one that HTTP can carry and its type is true.
func (h *house) wellAnswered(what string, r providers.Reply) {
	h.t.Helper()
	if r.Status < 200 || r.Status > 599 {
		h.t.Errorf("%s is answered with status %d", what, r.Status)
	}
	if len(r.Body) == 0 {
		return
	}
	kind, _, err := mime.ParseMediaType(r.ContentType)
	if err != nil {
		h.t.Errorf("%s is answered with content type %q: %v", what, r.ContentType, err)
	}
	if err := parses(kind, r.Body); err != nil {
		h.t.Errorf("%s is answered with %s that does not parse: %v\n%s", what, kind, err, r.Body)
	}
	h.discreet("answer to "+what, string(r.Body))
}
