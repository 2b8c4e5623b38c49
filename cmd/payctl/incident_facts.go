package main

import (
	"slices"
	"time"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
)

// incidentBook is what was read for a report: the API's own messages, and nothing else.
type incidentBook struct {
	gateway  string // what was asked about; empty means whatever failed
	from, to time.Time
	around   time.Duration // read before and after, too
	now      time.Time     // of reading, in the person's zone
	tenant   string        // whose payments; empty means the service's default tenant

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
	Asked   string    `json:"asked,omitempty"`  // the gateway that was asked about
	Tenant  string    `json:"tenant,omitempty"` // whose payments; the default tenant's when empty
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

	lastFailed, lastShut time.Time
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

// facts are drawn from what was read. They are the same whenever the same was read.
func (b *incidentBook) facts() incidentFacts {
	f := incidentFacts{From: b.from, To: b.to, Made: b.now, Asked: b.gateway, Tenant: b.tenant, Outages: []*outage{}, Timeline: []happened{}, Open: []stillOpen{}, Became: map[string]tally{}}
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

func latest(x, y time.Time) time.Time {
	if y.After(x) {
		return y
	}
	return x
}
