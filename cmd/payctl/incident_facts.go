package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
)

// incidentBook is what was read for a report: the API's own messages, and nothing else.
type incidentBook struct {
	gateway  string // what was asked about; empty means whatever failed
	from, to time.Time
	around   time.Duration // read before and after, too
	now      time.Time     // of reading, in the person's zone

	sick     []string                              // the gateways that the report is about
	payments []*payrouterv1.Payment                // created around it
	older    []*payrouterv1.Payment                // created before that, with an attempt at one of them
	stories  []*payrouterv1.ExplainPaymentResponse // of those that it may have touched
	orders   []*payrouterv1.Override
	findings []*payrouterv1.Finding
}

// incidentFacts are what a report says.
type incidentFacts struct {
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	Made    time.Time `json:"made"`
	Asked   string    `json:"asked,omitempty"` // the gateway that was asked about
	Outages []*outage `json:"outages"`

	Timeline []happened `json:"timeline"`

	Exposed       tally            `json:"exposed"`          // for a while nobody knew how they stood
	Longest       time.Duration    `json:"longest_ns"`       // for which nobody did
	UndecidedThen tally            `json:"undecided_then"`   // of these: at the end of the time
	Became        map[string]tally `json:"became"`           // of these: how they stand now
	GivenBack     tally            `json:"given_back"`       // surplus, by the router itself
	GivingBack    tally            `json:"being_given_back"` // not confirmed yet
	Lost          tally            `json:"came_to_nothing"`  // payments of that time that failed, nothing charged
	LostBefore    int              `json:"came_to_nothing_before"`
	Open          []stillOpen      `json:"still_open"`
	Shares        []share          `json:"shares"`
	Before        [2]time.Time     `json:"before"`
	After         [2]time.Time     `json:"after"`
}

// outage is how one gateway fared. Zero times: not seen.
type outage struct {
	Gateway    string    `json:"gateway"`
	Began      time.Time `json:"began,omitzero"`         // when the first payment that it failed was sent
	Failed     time.Time `json:"first_failure,omitzero"` // when that was seen
	How        string    `json:"failure,omitempty"`
	Failures   int       `json:"failed_attempts"`
	Left       int       `json:"left"`              // of these: payments that went on to another gateway
	Tried      int       `json:"tried_after"`       // attempts there after its last failure
	Detected   time.Time `json:"detected,omitzero"` // the first new payment passed it over
	Why        string    `json:"passed_over_because,omitempty"`
	Passed     int       `json:"passed_over"`
	LastPassed time.Time `json:"last_passed_over,omitzero"`
	Served     time.Time `json:"first_served_elsewhere,omitzero"`
	Backup     string    `json:"backup,omitempty"`
	Returned   time.Time `json:"returned,omitzero"` // the first payment that it served after the last failure

	lastFailed time.Time
}

// happened is one line of the timeline.
type happened struct {
	At   time.Time `json:"at"`
	Text string    `json:"text"`
}

// tally is a number of payments, and their money in minor units.
type tally struct {
	Payments int              `json:"payments"`
	Money    map[string]int64 `json:"minor_units"`
}

// and is the tally with one payment more.
func (t tally) and(m *payrouterv1.Money) tally {
	if t.Money == nil {
		t.Money = map[string]int64{}
	}
	t.Payments++
	t.Money[m.GetCurrencyCode()] += m.GetMinorUnits()
	return t
}

// stillOpen is a payment that waits.
type stillOpen struct {
	Payment string    `json:"payment"`
	Order   string    `json:"order,omitempty"`
	Amount  string    `json:"amount"`
	State   string    `json:"state"`
	Where   string    `json:"where"`
	Since   time.Time `json:"since"`
	By      time.Time `json:"decided_or_with_people_by,omitzero"`
	Tell    string    `json:"tell_the_payer"`
}

// share is how many payments a gateway had.
type share struct {
	Gateway string `json:"gateway"`
	Before  int    `json:"before"`
	During  int    `json:"during"`
	After   int    `json:"after"`
}

// outageReasons are why an attempt failed when its gateway is sick, and not the payer or we.
var outageReasons = []payrouterv1.Reason{payrouterv1.Reason_REASON_NOT_SENT, payrouterv1.Reason_REASON_THROTTLED, payrouterv1.Reason_REASON_MAINTENANCE,
	payrouterv1.Reason_REASON_TIMEOUT, payrouterv1.Reason_REASON_BROKEN, payrouterv1.Reason_REASON_SERVER_ERROR, payrouterv1.Reason_REASON_UNREADABLE,
	payrouterv1.Reason_REASON_BAD_SIGNATURE, payrouterv1.Reason_REASON_PANICKED}

// failureText is how a gateway fails, as people say it.
func failureText(r payrouterv1.Reason) string {
	return cmp.Or(map[payrouterv1.Reason]string{
		payrouterv1.Reason_REASON_NOT_SENT:     "no connection",
		payrouterv1.Reason_REASON_THROTTLED:    "it asks us to slow down",
		payrouterv1.Reason_REASON_MAINTENANCE:  "closed for maintenance",
		payrouterv1.Reason_REASON_TIMEOUT:      "no answer in time",
		payrouterv1.Reason_REASON_BROKEN:       "the connection broke",
		payrouterv1.Reason_REASON_SERVER_ERROR: "a server error",
		payrouterv1.Reason_REASON_UNREADABLE:   "an answer that cannot be read",
	}[r], word(r.String(), "REASON_"))
}

func sickly(v payrouterv1.Verdict, r payrouterv1.Reason) bool {
	return (v == payrouterv1.Verdict_VERDICT_UNKNOWN || v == payrouterv1.Verdict_VERDICT_UNSERVED) && slices.Contains(outageReasons, r)
}

// passing are a route's words for a gateway that could serve at another time.
var passing = []string{"breaker_open", "probe_failing", "ramping", "busy", "throttled", "drained"}

// passedOver says why a gateway was passed over when a route was chosen.
func passedOver(route []*payrouterv1.RouteChoice, gateway string) (why string, ok bool) {
	for _, c := range route {
		if last(c.GetGateway()) == gateway && !c.GetTaken() && slices.Contains(passing, c.GetReason()) {
			return c.GetReason(), true
		}
	}
	return "", false
}

func (b *incidentBook) during(t time.Time) bool { return !t.Before(b.from) && t.Before(b.to) }

// suspects are the gateways that a report is about, by what the list of payments tells.
func (b *incidentBook) suspects() []string {
	if b.gateway != "" {
		return []string{b.gateway}
	}
	found := map[string]bool{}
	for _, p := range b.payments {
		if !b.during(p.GetCreateTime().AsTime()) {
			continue
		}
		for _, a := range p.GetAttempts() {
			failed := sickly(a.GetVerdict(), a.GetReason())
			for _, e := range a.GetClosedBy() {
				failed = failed || slices.Contains([]payrouterv1.Evidence_Kind{payrouterv1.Evidence_KIND_NOT_SENT, payrouterv1.Evidence_KIND_NEVER_SHOWN, payrouterv1.Evidence_KIND_ABSENT_CONFIRMED}, e.GetKind())
			}
			if failed {
				found[last(a.GetGateway())] = true
			}
		}
		for _, c := range p.GetRoute() {
			if r := c.GetReason(); !c.GetTaken() && (r == "breaker_open" || r == "probe_failing") {
				found[last(c.GetGateway())] = true
			}
		}
	}
	var all []string
	for gateway := range found {
		all = append(all, gateway)
	}
	slices.Sort(all)
	return all
}

// wanted are the payments whose facts must be read: those that one of the gateways may have left
// in doubt, and those that went elsewhere because of it, up to the first that was served.
func (b *incidentBook) wanted() []*payrouterv1.Payment {
	everything := slices.Concat(b.older, b.payments)
	slices.SortStableFunc(everything, func(x, y *payrouterv1.Payment) int {
		return x.GetCreateTime().AsTime().Compare(y.GetCreateTime().AsTime())
	})
	var all []*payrouterv1.Payment
	passed := map[string]int{}
	for _, p := range everything {
		wanted := b.touches(p)
		for _, gateway := range b.sick {
			if _, ok := b.passes(p, gateway); ok && passed[gateway] < mostPassed {
				passed[gateway]++
				wanted = true
			}
		}
		if wanted {
			all = append(all, p)
		}
	}
	return all
}

// mostPassed is how many of the payments that passed a gateway over are read in full: one of them
// was the first to be served elsewhere. In a long outage they are thousands.
const mostPassed = 20

// passes is when a payment of that time passed a gateway over, by its latest route.
func (b *incidentBook) passes(p *payrouterv1.Payment, gateway string) (at time.Time, ok bool) {
	n := len(p.GetAttempts())
	if _, ok = passedOver(p.GetRoute(), gateway); !ok || n == 0 {
		return at, false
	}
	at = p.GetAttempts()[n-1].GetCreateTime().AsTime()
	return at, b.during(at)
}

// touches reports whether a payment was at a sick gateway and something of it happened, or was not
// yet known, in that time.
func (b *incidentBook) touches(p *payrouterv1.Payment) bool {
	for _, a := range p.GetAttempts() {
		begun := a.GetCreateTime().AsTime()
		if slices.Contains(b.sick, last(a.GetGateway())) && begun.Before(b.to) && (!begun.Before(b.from) || a.GetExposed() || a.GetUpdateTime().AsTime().After(b.from)) {
			return true
		}
	}
	return false
}

// try is one attempt as its facts tell it, in order.
type try struct {
	payment *payrouterv1.Payment
	gateway string
	attempt *payrouterv1.Attempt
	planned time.Time
	route   []*payrouterv1.RouteChoice
	learnt  []*payrouterv1.ExplainPaymentResponse_Event
	closed  time.Time
}

// tries are the attempts of a story.
func tries(s *payrouterv1.ExplainPaymentResponse) []*try {
	var all []*try
	byName := map[string]*try{}
	for _, a := range s.GetPayment().GetAttempts() {
		t := &try{payment: s.GetPayment(), gateway: last(a.GetGateway()), attempt: a, planned: a.GetCreateTime().AsTime()}
		all, byName[a.GetName()] = append(all, t), t
	}
	for _, e := range s.GetEvents() {
		t, ok := byName[e.GetAttempt()]
		if !ok {
			continue
		}
		switch e.GetKind() {
		case "planned":
			t.planned, t.route = e.GetTime().AsTime(), e.GetRoute()
		case "observed":
			t.learnt = append(t.learnt, e)
		case "closed":
			if t.closed.IsZero() {
				t.closed = e.GetTime().AsTime()
			}
		}
	}
	return all
}

// failure is the gateway's first answer, where that was no answer or no service.
func (t *try) failure() (*payrouterv1.ExplainPaymentResponse_Event, bool) {
	if len(t.learnt) == 0 || !sickly(t.learnt[0].GetVerdict(), t.learnt[0].GetReason()) {
		return nil, false
	}
	return t.learnt[0], true
}

// served is when the gateway first had the money, or had asked the payer for it.
func (t *try) served() (time.Time, bool) {
	for _, e := range t.learnt {
		switch e.GetVerdict() {
		case payrouterv1.Verdict_VERDICT_HELD, payrouterv1.Verdict_VERDICT_APPROVED:
			return e.GetTime().AsTime(), true
		case payrouterv1.Verdict_VERDICT_PENDING:
			if asksThePayer(e.GetReason()) {
				return e.GetTime().AsTime(), true
			}
		}
	}
	return time.Time{}, false
}

func asksThePayer(r payrouterv1.Reason) bool {
	return r == payrouterv1.Reason_REASON_AWAITING_PAYER || r == payrouterv1.Reason_REASON_PAYER_CONFIRMING || r == payrouterv1.Reason_REASON_STEP_UP
}

// doubt is from when to when nobody knew whether money had moved; an open end is zero. A look-up
// that tells nothing takes nothing from what was known before it.
func (t *try) doubt() (from, to time.Time, ok bool) {
	for i, e := range t.learnt {
		unknown := e.GetVerdict() == payrouterv1.Verdict_VERDICT_UNKNOWN
		switch at := e.GetTime().AsTime(); {
		case unknown && i == 0:
			from, ok = at, true
		case !unknown && ok:
			return from, at, true
		}
	}
	if len(t.learnt) == 0 && t.attempt.GetExposed() { // sent, and nothing was heard
		from, ok = t.planned, true
	}
	return from, t.closed, ok
}

// facts are drawn from what was read. They are the same whenever the same was read.
func (b *incidentBook) facts() incidentFacts {
	f := incidentFacts{From: b.from, To: b.to, Made: b.now, Asked: b.gateway, Outages: []*outage{}, Timeline: []happened{}, Open: []stillOpen{}, Became: map[string]tally{}}
	f.Before, f.After = [2]time.Time{b.from.Add(-b.around), b.from}, [2]time.Time{b.to, earliest(b.to.Add(b.around), b.now)}
	var all []*try
	for _, s := range b.stories {
		all = append(all, tries(s)...)
	}
	slices.SortStableFunc(all, func(x, y *try) int { return x.planned.Compare(y.planned) })
	for _, gateway := range b.sick {
		f.Outages = append(f.Outages, b.outage(gateway, all))
	}
	slices.SortStableFunc(f.Outages, func(x, y *outage) int { return begin(x).Compare(begin(y)) })
	b.expose(&f, all)
	b.giveBack(&f)
	b.count(&f)
	b.tell(&f)
	return f
}

// begin is when an outage began, as payments show it.
func begin(o *outage) time.Time { return earliest(o.Began, o.Detected) }

// earliest is the earlier of two instants of which either may be missing.
func earliest(x, y time.Time) time.Time {
	if x.IsZero() || !y.IsZero() && y.Before(x) {
		return y
	}
	return x
}

// outage says how one gateway fared.
func (b *incidentBook) outage(gateway string, all []*try) *outage {
	o := &outage{Gateway: gateway}
	left := map[string]bool{} // payments that it failed
	for _, t := range all {
		if e, failed := t.failure(); failed && t.gateway == gateway && !t.planned.Before(b.from) {
			at := e.GetTime().AsTime()
			o.Began = earliest(o.Began, t.planned)
			if o.Failures++; o.Failed.IsZero() || at.Before(o.Failed) {
				o.Failed, o.How = at, failureText(e.GetReason())
			}
			o.lastFailed = latest(o.lastFailed, at)
			if left[t.payment.GetName()] = true; last(t.payment.GetAttempts()[len(t.payment.GetAttempts())-1].GetName()) != last(t.attempt.GetName()) {
				o.Left++
			}
		}
		if t.gateway == gateway {
			continue
		}
		_, passed := passedOver(t.route, gateway)
		passed = passed && b.during(t.planned)
		if at, served := t.served(); served && (passed || left[t.payment.GetName()]) && (o.Served.IsZero() || at.Before(o.Served)) {
			o.Served, o.Backup = at, t.gateway
		}
	}
	for _, p := range b.payments {
		if at, passed := b.passes(p, gateway); passed {
			if o.Passed++; o.Detected.IsZero() || at.Before(o.Detected) {
				o.Detected = at
				o.Why, _ = passedOver(p.GetRoute(), gateway)
			}
			o.LastPassed = latest(o.LastPassed, at)
		}
	}
	b.comeBack(o)
	return o
}

// comeBack looks for the first payment that the gateway answered after its last failure.
func (b *incidentBook) comeBack(o *outage) {
	trouble := latest(o.lastFailed, o.Detected)
	if trouble.IsZero() {
		return
	}
	for _, p := range b.payments {
		for _, a := range p.GetAttempts() {
			at := a.GetCreateTime().AsTime()
			answered := a.GetVerdict() != payrouterv1.Verdict_VERDICT_UNSERVED && a.GetVerdict() != payrouterv1.Verdict_VERDICT_UNKNOWN
			if last(a.GetGateway()) != o.Gateway || !at.After(trouble) {
				continue
			}
			if o.Tried++; answered {
				o.Returned = earliest(o.Returned, at)
			}
		}
	}
}

// instantOf is an instant of a message, or none.
func instantOf(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}

func latest(x, y time.Time) time.Time {
	if y.After(x) {
		return y
	}
	return x
}

// How a payment that was exposed stands now.
const (
	becameCharged   = "charged at the gateway after all"
	becameElsewhere = "not charged there, paid at another gateway"
	becameOffered   = "not charged there, now with the payer at another gateway"
	becameLost      = "not charged there, and nowhere else"
	becameOpen      = "still open"
)

// expose looks at what nobody knew for a while.
func (b *incidentBook) expose(f *incidentFacts, all []*try) {
	seen := map[string]bool{}
	for _, t := range all {
		from, to, doubted := t.doubt()
		if !doubted || !slices.Contains(b.sick, t.gateway) || !from.Before(b.to) || !to.IsZero() && to.Before(b.from) {
			continue
		}
		p := t.payment
		if seen[p.GetName()] {
			continue
		}
		seen[p.GetName()] = true
		f.Exposed = f.Exposed.and(p.GetAmount())
		end := to
		if end.IsZero() {
			end = b.now
		}
		f.Longest = max(f.Longest, end.Sub(from))
		if to.IsZero() || to.After(b.to) {
			f.UndecidedThen = f.UndecidedThen.and(p.GetAmount())
		}
		now := became(p, t)
		f.Became[now] = f.Became[now].and(p.GetAmount())
		if now == becameOpen || p.GetSurplus().GetMinorUnits() > 0 {
			f.Open = append(f.Open, stillOpen{Payment: last(p.GetName()), Order: p.GetOrderId(), Amount: exactly(p.GetAmount()), State: stateOf(p), Where: t.gateway,
				Since: from, By: instantOf(p.GetResolution().GetResolveByTime()), Tell: tell(p)})
		}
	}
	slices.SortStableFunc(f.Open, func(x, y stillOpen) int { return x.Since.Compare(y.Since) })
}

func became(p *payrouterv1.Payment, t *try) string {
	switch t.attempt.GetVerdict() {
	case payrouterv1.Verdict_VERDICT_HELD, payrouterv1.Verdict_VERDICT_APPROVED:
		return becameCharged
	}
	switch {
	case t.attempt.GetExposed():
		return becameOpen
	case p.GetState() == payrouterv1.Payment_STATE_PAID || p.GetState() == payrouterv1.Payment_STATE_HELD:
		return becameElsewhere
	case !decided(p) && p.GetAction() != nil:
		return becameOffered
	case !decided(p):
		return becameOpen
	}
	return becameLost
}

// giveBack sums what the router gave back because it was too much.
func (b *incidentBook) giveBack(f *incidentFacts) {
	for _, s := range b.stories {
		done := map[int32]bool{}
		for _, e := range s.GetEvents() {
			if e.GetKind() == "operation_observed" && e.GetVerdict() == payrouterv1.Verdict_VERDICT_APPROVED {
				done[e.GetOperation()] = true
			}
		}
		for _, e := range s.GetEvents() {
			switch {
			case !e.GetGivesBack():
			case done[e.GetOperation()]:
				f.GivenBack = f.GivenBack.and(e.GetAmount())
			default:
				f.GivingBack = f.GivingBack.and(e.GetAmount())
			}
		}
	}
}

// nowhere stands for payments that no gateway had.
const nowhere = "no gateway"

// count says who had the payments before, during and after, and which came to nothing.
func (b *incidentBook) count(f *incidentFacts) {
	shares := map[string]*share{}
	for _, p := range b.payments {
		gateway, at := nowhere, p.GetCreateTime().AsTime()
		if n := len(p.GetAttempts()); n > 0 {
			gateway = last(p.GetAttempts()[n-1].GetGateway())
		}
		if shares[gateway] == nil {
			shares[gateway] = &share{Gateway: gateway}
		}
		lost := p.GetState() == payrouterv1.Payment_STATE_FAILED
		switch {
		case at.Before(b.from):
			shares[gateway].Before++
			if lost {
				f.LostBefore++
			}
		case at.Before(b.to):
			shares[gateway].During++
			if lost {
				f.Lost = f.Lost.and(p.GetAmount())
			}
		default:
			shares[gateway].After++
		}
	}
	f.Shares = []share{}
	for _, s := range shares {
		f.Shares = append(f.Shares, *s)
	}
	slices.SortFunc(f.Shares, func(x, y share) int {
		return cmp.Or(cmp.Compare(y.Before, x.Before), cmp.Compare(y.During, x.During), cmp.Compare(x.Gateway, y.Gateway))
	})
}

// tell writes the timeline.
func (b *incidentBook) tell(f *incidentFacts) {
	add := func(at time.Time, format string, args ...any) {
		if !at.IsZero() {
			f.Timeline = append(f.Timeline, happened{at, fmt.Sprintf(format, args...)})
		}
	}
	for _, o := range f.Outages {
		if add(o.Failed, "%s fails for the first time: %s", o.Gateway, o.How); o.Failed.Sub(o.Began) >= time.Second {
			add(o.Began, "the first payment that %s fails is sent there", o.Gateway)
		}
		add(o.Detected, "new payments begin to pass %s over: %s", o.Gateway, why(o.Why, ""))
		add(o.Served, "%s serves the first payment in place of %s", o.Backup, o.Gateway)
		add(o.Returned, "%s serves again", o.Gateway)
		if o.LastPassed.After(o.Detected) {
			add(o.LastPassed, "the last payment that passed %s over", o.Gateway)
		}
	}
	b.tellOrders(add)
	b.tellPeople(add)
	type kind struct{ kind, gateway string }
	found := map[kind][]*payrouterv1.Finding{}
	for _, x := range b.findings {
		k := kind{x.GetKind(), last(x.GetGateway())}
		found[k] = append(found[k], x)
	}
	for k, all := range found {
		first := slices.MinFunc(all, func(x, y *payrouterv1.Finding) int {
			return x.GetCreateTime().AsTime().Compare(y.GetCreateTime().AsTime())
		})
		open := 0
		for _, x := range all {
			if x.GetState() != payrouterv1.Finding_STATE_CLOSED {
				open++
			}
		}
		text := fmt.Sprintf("found at %s: %s", k.gateway, strings.ReplaceAll(k.kind, "_", " "))
		if len(all) > 1 {
			text += fmt.Sprintf(", the first of %d", len(all))
		}
		switch {
		case open == 0:
			text += " (closed)"
		case len(all) > 1:
			text += fmt.Sprintf(" (%d still open)", open)
		default:
			text += " (still open)"
		}
		add(first.GetCreateTime().AsTime(), "%s", text)
	}
	slices.SortStableFunc(f.Timeline, func(x, y happened) int { return cmp.Or(x.At.Compare(y.At), cmp.Compare(x.Text, y.Text)) })
}

// tellOrders tells who ordered what, and why.
func (b *incidentBook) tellOrders(add func(time.Time, string, ...any)) {
	for _, o := range b.orders {
		start, end := o.GetStartTime().AsTime(), o.GetEndTime().AsTime()
		if end.Before(b.from.Add(-b.around)) || start.After(b.to.Add(b.around)) {
			continue
		}
		what := word(o.GetMode().String(), "MODE_") + " " + last(o.GetGateway())
		if o.GetMoveOpen() {
			what += ", and move what is open there"
		}
		add(start, "%s orders: %s (%q)", person(o.GetActor()), what, o.GetReason())
		switch by := o.GetEndedBy(); {
		case by != "":
			add(end, "%s ends the order to %s", person(by), what)
		case end.Before(b.now):
			add(end, "the order to %s ends by itself", what)
		}
	}
}

// tellPeople tells what people said about attempts.
func (b *incidentBook) tellPeople(add func(time.Time, string, ...any)) {
	for _, s := range b.stories {
		for _, e := range s.GetEvents() {
			if strings.HasPrefix(e.GetActor(), "operator:") && e.GetAttempt() != "" {
				add(e.GetTime().AsTime(), "%s about %s: %s", person(e.GetActor()), last(s.GetPayment().GetName()), e.GetText())
			}
		}
	}
}
