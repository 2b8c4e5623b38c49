package quickpay

import (
	"net/http"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
)

const (
	byID    = "GET /payments/714001"
	byOrder = "GET /payments?order_id=" + order
)

// The table of the notes, section 5, and what may come besides.
func TestOperationsAreTheTruth(t *testing.T) {
	auth, take := did("authorize", amount, "20000"), did("capture", amount, "20000")
	rejected := did("authorize", amount, "40000")
	card, hold, offer := byCard(), held(byCard()), byLink()
	unknown := func(reason providers.Reason) providers.Result { return providers.Result{Reason: reason} }
	for name, c := range map[string]struct {
		ref  providers.Ref
		said map[string]any
		want providers.Result
	}{
		"nothing was tried, by card":            {card, object("initial"), providers.Result{Reason: providers.Ambiguous, Absent: true}},
		"nothing was tried, by link":            {offer, linked(object("initial")), providers.Result{Verdict: providers.Pending, Reason: providers.AwaitingPayer}},
		"the link was not made or is deleted":   {offer, object("initial"), providers.Result{Reason: providers.Ambiguous, Absent: true}},
		"nothing, but it has moved on":          {card, object("new"), unknown(providers.Ambiguous)},
		"nothing, but something is pending":     {card, object("pending"), providers.Result{Verdict: providers.Pending, Reason: providers.Processing}},
		"an authorize is pending, by card":      {card, object("pending", doing("authorize", amount)), providers.Result{Verdict: providers.Pending, Reason: providers.Processing}},
		"an authorize is pending, by link":      {offer, linked(object("pending", doing("authorize", amount))), providers.Result{Verdict: providers.Pending, Reason: providers.PayerConfirming}},
		"a session is pending":                  {offer, linked(object("initial", doing("session", 0))), providers.Result{Verdict: providers.Pending, Reason: providers.PayerConfirming}},
		"a session came to nothing":             {offer, object("initial", did("session", 0, "40003")), providers.Result{Verdict: providers.Pending, Reason: providers.AwaitingPayer}},
		"a session of a card":                   {card, object("initial", did("session", 0, "40003")), unknown(providers.Ambiguous)},
		"a session that was accepted":           {offer, with(linked(object("initial", did("session", 0, "20000"))), "accepted", true), providers.Result{Verdict: providers.Pending, Reason: providers.AwaitingPayer}},
		"a card with an accepted session":       {card, with(object("rejected", did("session", 0, "20000"), rejected), "accepted", true), unknown(providers.Ambiguous)},
		"a renewal of nothing":                  {card, object("initial", did("renew", 0, "20000")), unknown(providers.Ambiguous)},
		"pending although it has a code":        {card, object("pending", with(doing("authorize", amount), "qp_status_code", "20000")), providers.Result{Verdict: providers.Pending, Reason: providers.Processing}},
		"nobody says whether it is pending":     {card, object("new", with(did("authorize", amount, "40000"), "pending", nil)), providers.Result{Verdict: providers.Pending, Reason: providers.Processing}},
		"authorised":                            {hold, object("new", auth), providers.Result{Verdict: providers.Held, Amount: kroner(amount)}},
		"authorised, the capture is to follow":  {card, object("new", auth), providers.Result{Verdict: providers.Pending, Reason: providers.Processing}},
		"the same, by link":                     {offer, linked(object("new", rejected, auth)), providers.Result{Verdict: providers.Pending, Reason: providers.Processing}},
		"in one stage, the capture was refused": {card, object("processed", auth, did("capture", amount, "40000")), providers.Result{Verdict: providers.Held, Amount: kroner(amount)}},
		"in one stage, and canceled by hand":    {card, object("processed", auth, did("cancel", amount, "20000")), providers.Result{Verdict: providers.Declined, Reason: providers.Released}},
		"authorised at the second try":          {hold, linked(object("new", rejected, auth)), providers.Result{Verdict: providers.Held, Amount: kroner(amount)}},
		"recurring":                             {hold, object("new", did("recurring", amount, "20000")), providers.Result{Verdict: providers.Held, Amount: kroner(amount)}},
		"captured":                              {card, object("processed", auth, take), providers.Result{Verdict: providers.Approved, Amount: kroner(amount), Returned: kroner(0)}},
		"captured in two parts":                 {hold, object("processed", auth, did("capture", 50, "20000"), did("capture", 100, "20000")), providers.Result{Verdict: providers.Approved, Amount: kroner(150), Returned: kroner(0)}},
		"a capture was refused":                 {hold, object("processed", auth, did("capture", amount, "40000")), providers.Result{Verdict: providers.Held, Amount: kroner(amount)}},
		"refused and then captured":             {hold, object("processed", auth, did("capture", amount, "40000"), take), providers.Result{Verdict: providers.Approved, Amount: kroner(amount), Returned: kroner(0)}},
		"the hold is over":                      {hold, object("processed", auth, did("capture", amount, "40002")), providers.Result{Verdict: providers.Declined, Reason: providers.Released}},
		"the hold was over and is renewed":      {hold, object("processed", auth, did("capture", amount, "40002"), did("renew", 0, "20000")), providers.Result{Verdict: providers.Held, Amount: kroner(amount)}},
		"canceled":                              {hold, object("processed", auth, did("cancel", amount, "20000")), providers.Result{Verdict: providers.Declined, Reason: providers.Released}},
		"canceled without an amount":            {hold, object("processed", auth, with(did("cancel", 0, "20000"), "amount", nil)), providers.Result{Verdict: providers.Declined, Reason: providers.Released}},
		"canceled, and tried again":             {hold, object("processed", auth, did("cancel", amount, "20000"), doing("authorize", amount)), unknown(providers.Ambiguous)},
		"canceled, and nobody knows":            {hold, object("processed", auth, did("cancel", amount, "20000"), did("authorize", amount, "50300")), unknown(providers.Ambiguous)},
		"canceled, and authorised again":        {hold, object("processed", auth, did("cancel", amount, "20000"), did("authorize", amount, "20000")), providers.Result{Verdict: providers.Held, Amount: kroner(amount)}},
		"canceled, after nobody knew":           {hold, object("processed", auth, did("cancel", amount, "50300"), did("cancel", amount, "20000")), providers.Result{Verdict: providers.Declined, Reason: providers.Released}},
		"a cancel that nobody knows of":         {hold, object("processed", auth, did("cancel", amount, "50300")), unknown(providers.Ambiguous)},
		"renewed, and nobody knows, canceled":   {hold, object("processed", auth, did("renew", 0, "50300"), did("cancel", amount, "20000")), providers.Result{Verdict: providers.Declined, Reason: providers.Released}},
		"an unclear capture, and a cancel":      {hold, object("processed", auth, did("capture", amount, "50300"), did("cancel", amount, "20000")), unknown(providers.Ambiguous)},
		"an unclear cancel, and a capture":      {hold, object("processed", auth, did("cancel", amount, "50300"), take), providers.Result{Verdict: providers.Approved, Amount: kroner(amount), Returned: kroner(0)}},
		"an unclear cancel, and a part":         {hold, object("processed", auth, did("cancel", amount, "50300"), did("capture", 50, "20000")), unknown(providers.Ambiguous)},
		"an unclear cancel of an earlier hold":  {hold, object("new", auth, did("cancel", amount, "50300"), did("authorize", amount, "20000")), unknown(providers.Ambiguous)},
		"a cancel was refused":                  {hold, object("processed", auth, did("cancel", amount, "40000")), providers.Result{Verdict: providers.Held, Amount: kroner(amount)}},
		"refunded in part":                      {card, object("processed", auth, take, did("refund", 50, "20000")), providers.Result{Verdict: providers.Approved, Amount: kroner(amount), Returned: kroner(50)}},
		"a refund is pending":                   {card, object("pending", auth, take, doing("refund", 50)), providers.Result{Verdict: providers.Approved, Amount: kroner(amount), Returned: kroner(0)}},
		"a refund was refused":                  {card, object("processed", auth, take, did("refund", 50, "40000")), providers.Result{Verdict: providers.Approved, Amount: kroner(amount), Returned: kroner(0)}},
		"a capture is pending":                  {hold, object("pending", auth, doing("capture", amount)), unknown(providers.Ambiguous)},
		"a cancel is pending":                   {hold, object("pending", auth, doing("cancel", amount)), unknown(providers.Ambiguous)},
		"held, and yet something is pending":    {hold, object("pending", auth), unknown(providers.Ambiguous)},
		"a capture that nobody knows of":        {hold, object("processed", auth, did("capture", amount, "50300")), unknown(providers.Ambiguous)},
		"a capture with a new code":             {hold, object("processed", auth, did("capture", amount, "47110")), unknown(providers.UnknownCode)},
		"an authorize that nobody knows of":     {card, object("rejected", did("authorize", amount, "50000")), unknown(providers.Ambiguous)},
		"no longer pending, and no code":        {card, object("rejected", did("authorize", amount, "")), unknown(providers.Ambiguous)},
		"an authorize with a new code":          {card, object("rejected", did("authorize", amount, "40999")), unknown(providers.UnknownCode)},
		"unclear, then rejected":                {card, object("rejected", did("authorize", amount, "50300"), rejected), unknown(providers.Ambiguous)},
		"unclear, then authorised":              {hold, object("new", did("authorize", amount, "50300"), auth), providers.Result{Verdict: providers.Held, Amount: kroner(amount)}},
		"rejected, by card":                     {card, object("rejected", rejected), providers.Result{Verdict: providers.Declined, Reason: providers.DeclinedSoft}},
		"rejected, the link lives":              {offer, linked(object("rejected", rejected)), providers.Result{Verdict: providers.Pending, Reason: providers.AwaitingPayer}},
		"rejected, the link is deleted":         {offer, object("rejected", rejected), providers.Result{Verdict: providers.Pending, Reason: providers.AwaitingPayer}},
		"rejected, and there is a link by hand": {card, linked(object("rejected", rejected)), providers.Result{Verdict: providers.Pending, Reason: providers.Processing}},
		"another amount was authorised":         {hold, object("new", did("authorize", amount+1, "20000")), unknown(providers.Mismatch)},
		"less was authorised":                   {hold, object("new", did("authorize", amount-1, "20000")), unknown(providers.Mismatch)},
		"less was captured, in one stage":       {card, object("processed", auth, did("capture", amount-1, "20000")), unknown(providers.Mismatch)},
		"more was captured":                     {hold, object("processed", auth, did("capture", amount+1, "20000")), unknown(providers.Mismatch)},
		"the link is for another amount":        {offer, with(linked(object("initial")), "link", map[string]any{"amount": 1}), unknown(providers.Mismatch)},
		"the link names no amount":              {offer, with(linked(object("initial")), "link", map[string]any{}), unknown(providers.Unreadable)},
		"the balance differs":                   {card, with(object("processed", auth, take), "balance", amount-1), unknown(providers.Ambiguous)},
		"the balance is missing":                {card, with(object("processed", auth, take), "balance", nil), unknown(providers.Unreadable)},
		"unpaid with a balance":                 {card, with(object("rejected", rejected), "balance", 1), unknown(providers.Ambiguous)},
		"more was refunded than captured":       {card, with(object("processed", auth, take, did("refund", amount+1, "20000")), "balance", 0), unknown(providers.Ambiguous)},
		"canceled and captured":                 {hold, object("processed", auth, did("cancel", amount, "20000"), take), unknown(providers.Ambiguous)},
		"accepted, and nothing was approved":    {card, with(object("rejected", rejected), "accepted", true), unknown(providers.Ambiguous)},
		"approved, and not accepted":            {card, with(object("processed", auth, take), "accepted", false), unknown(providers.Ambiguous)},
		"nobody says whether it is accepted":    {card, with(object("rejected", rejected), "accepted", nil), unknown(providers.Ambiguous)},
		"captured without an authorize":         {card, with(object("processed", take), "accepted", true), unknown(providers.Ambiguous)},
		"refunded without an authorize":         {card, object("processed", did("refund", 5, "20000")), unknown(providers.Ambiguous)},
		"a refused capture without a hold":      {card, object("processed", did("capture", 5, "50000")), unknown(providers.Ambiguous)},
		"no operations":                         {card, with(object("initial"), "operations", nil), unknown(providers.Unreadable)},
		"an amount that is none":                {hold, object("new", with(did("authorize", amount, "20000"), "amount", "1500.50")), unknown(providers.Unreadable)},
		"a capture of nothing":                  {hold, object("processed", auth, did("capture", 0, "20000")), unknown(providers.Unreadable)},
		"an amount with an exponent":            {hold, object("new", with(did("authorize", amount, "20000"), "amount", 1.5e30)), unknown(providers.Unreadable)},
		"sums beyond any money":                 {hold, with(object("processed", auth, with(did("capture", 0, "20000"), "amount", 1<<62), with(did("capture", 0, "20000"), "amount", 1<<62)), "balance", 0), unknown(providers.Unreadable)},
		"something new was approved":            {card, object("processed", auth, take, did("payout", 5, "20000")), unknown(providers.UnknownCode)},
		"something new was refused":             {card, object("processed", auth, take, did("payout", 5, "40000")), providers.Result{Verdict: providers.Approved, Amount: kroner(amount), Returned: kroner(0)}},
		"a state that nobody knows":             {card, object("limbo", rejected), unknown(providers.UnknownCode)},
		"a test payment":                        {card, with(object("processed", auth, take), "test_mode", true), unknown(providers.Mismatch)},
		"nobody says whether it is a test":      {card, with(object("processed", auth, take), "test_mode", nil), unknown(providers.Unreadable)},
		"a rejected test payment":               {card, with(object("rejected", rejected), "test_mode", true), providers.Result{Verdict: providers.Declined, Reason: providers.DeclinedSoft}},
		"another order":                         {card, with(object("processed", auth, take), "order_id", "rt-000000000002"), unknown(providers.Mismatch)},
		"the order number with a space":         {card, with(object("processed", auth, take), "order_id", order+" "), unknown(providers.Mismatch)},
		"another payment":                       {card, with(object("processed", auth, take), "id", 714002), unknown(providers.Mismatch)},
		"no id":                                 {card, with(object("processed", auth, take), "id", nil), unknown(providers.Mismatch)},
		"another account":                       {card, with(object("processed", auth, take), "merchant_id", 5678), unknown(providers.Mismatch)},
		"another currency":                      {card, with(object("processed", auth, take), "currency", "SEK"), unknown(providers.Mismatch)},
		"a subscription":                        {card, with(object("processed", auth, take), "type", "Subscription"), unknown(providers.Mismatch)},
		"numbers as texts":                      {card, with(object("processed", with(did("authorize", amount, "20000"), "amount", "150050"), take), "id", "714001", "balance", "150050"), providers.Result{Verdict: providers.Approved, Amount: kroner(amount), Returned: kroner(0)}},
	} {
		g, _ := open(t, func(c *Config) { c.MerchantID = 1234 }, step{byID, http.StatusOK, text(t, c.said)})
		got := g.Lookup(t.Context(), c.ref)
		if got.Verdict != c.want.Verdict || got.Reason != c.want.Reason || got.Amount != c.want.Amount || got.Returned != c.want.Returned || got.Absent != c.want.Absent {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
	}
}

// A link lives until the end that QuickPay shows, and not until the one that we asked for.
func TestALiveLinkMustShowItsEnd(t *testing.T) {
	rejected := did("authorize", amount, "40000")
	for name, said := range map[string]map[string]any{"untouched": linked(object("initial")), "declined once": linked(object("rejected", rejected))} {
		g, _ := open(t, nil, step{byID, http.StatusOK, text(t, said)})
		got := g.Lookup(t.Context(), byLink())
		verdict(t, got, providers.Pending, providers.AwaitingPayer)
		if got.Until.Format(time.RFC3339) != ending {
			t.Errorf("%s: it ends at %s", name, got.Until)
		}
		for _, end := range []any{nil, "", "soon", "2026-01-01", 1767226800} {
			g, _ = open(t, nil, step{byID, http.StatusOK, text(t, with(said, "deadline_at", end))})
			got = g.Lookup(t.Context(), byLink())
			verdict(t, got, providers.Unknown, providers.Ambiguous)
			if got.Absent || !got.Until.IsZero() || got.External != "714001" {
				t.Errorf("%s, %v: %+v", name, end, got)
			}
		}
	}
	endless := with(linked(object("initial")), "deadline_at", nil)
	g, _ := open(t, nil, step{byID, http.StatusOK, text(t, with(endless, "link", nil))})
	if got := g.Lookup(t.Context(), byLink()); !got.Absent {
		t.Errorf("without a link it is %+v", got)
	}
}

// qp_status_code is a text, and a number is read as well (notes, section 10).
func TestNumericCodesAreRead(t *testing.T) {
	auth, take := did("authorize", amount, "20000"), did("capture", amount, "20000")
	said := object("processed", auth, take)
	auth["qp_status_code"], take["qp_status_code"] = 20000, 20000
	g, _ := open(t, nil, step{byID, http.StatusOK, text(t, said)})
	verdict(t, g.Lookup(t.Context(), byCard()), providers.Approved, providers.NoReason)
}

// The column of the notes, section 6.1, for a saved card, as the answer to the charge and
// as a look-up says it.
func TestEveryDocumentedCodeOfAnAuthorize(t *testing.T) {
	type word struct {
		verdict providers.Verdict
		reason  providers.Reason
	}
	unsure := word{providers.Unknown, providers.Ambiguous}
	for code, want := range map[literal][2]word{
		"20200": {unsure, unsure}, "50000": {unsure, unsure}, "50300": {unsure, unsure}, "": {unsure, unsure},
		"30100": {{providers.Declined, providers.DeclinedSoft}, {providers.Declined, providers.DeclinedSoft}},
		"30101": {{providers.Declined, providers.DeclinedSoft}, {providers.Declined, providers.DeclinedSoft}},
		"40000": {{providers.Declined, providers.DeclinedSoft}, {providers.Declined, providers.DeclinedSoft}},
		"40001": {{providers.Unserved, providers.Misconfigured}, {providers.Unserved, providers.Misconfigured}},
		"40002": {{providers.Unknown, providers.UnknownCode}, {providers.Unknown, providers.UnknownCode}},
		"40003": {unsure, {providers.Unserved, providers.Maintenance}}, // safe only after a look
		"40004": {{providers.Unserved, providers.Misconfigured}, {providers.Unserved, providers.Misconfigured}},
		"40300": {{providers.Declined, providers.DeclinedHard}, {providers.Declined, providers.DeclinedHard}},
		"41000": {{providers.Unserved, providers.Unsupported}, {providers.Unserved, providers.Unsupported}},
		"42300": {{providers.Declined, providers.DeclinedHard}, {providers.Declined, providers.DeclinedHard}},
		"99999": {{providers.Unknown, providers.UnknownCode}, {providers.Unknown, providers.UnknownCode}},
	} {
		said := text(t, object("rejected", did("authorize", amount, string(code))))
		g, _ := open(t, nil, created(t), tokenMade, step{"POST /payments/714001/authorize?synchronized", http.StatusAccepted, said}, step{byID, http.StatusOK, said})
		verdict(t, g.Charge(t.Context(), saved()), want[0].verdict, want[0].reason)
		verdict(t, g.Lookup(t.Context(), byCard()), want[1].verdict, want[1].reason)
		if t.Failed() {
			t.Fatalf("code %q", code)
		}
	}
	for code, row := range codes {
		if row.name == "" || len(code) != 5 {
			t.Errorf("%q has no name", code)
		}
	}
}

// Whoever has the window open may still pay: only the router, which knows when the link was
// withdrawn, can tell when no window is open any more (WithdrawWait).
func TestADeletedLinkEndsNothingByItself(t *testing.T) {
	for _, withdrawn := range []bool{true, false} {
		for _, code := range []string{"40000", "40300", "40001", "40003"} {
			g, _ := open(t, func(c *Config) { c.WithdrawLinks = withdrawn },
				step{byID, http.StatusOK, text(t, object("rejected", did("authorize", amount, code)))})
			verdict(t, g.Lookup(t.Context(), byLink()), providers.Pending, providers.AwaitingPayer)
		}
	}
}

func TestTestAccountBelievesTestPaymentsOnly(t *testing.T) {
	for test, want := range map[bool]providers.Verdict{true: providers.Approved, false: providers.Unknown} {
		said := with(object("processed", did("authorize", amount, "20000"), did("capture", amount, "20000")), "test_mode", test)
		g, _ := open(t, func(c *Config) { c.TestMode = true }, step{byID, http.StatusOK, text(t, said)})
		if got := g.Lookup(t.Context(), byCard()); got.Verdict != want {
			t.Errorf("test_mode %t: got %+v", test, got)
		}
	}
}

func TestLookupByOrderNumberWhereTheIDWasLost(t *testing.T) {
	paid := object("processed", did("authorize", amount, "20000"), did("capture", amount, "20000"))
	other := with(object("initial"), "order_id", "rt-000000000002")
	for name, c := range map[string]struct {
		said string
		want providers.Result
	}{
		"found":         {"[" + text(t, paid) + "]", providers.Result{Verdict: providers.Approved, External: "714001"}},
		"not found":     {"[]", providers.Result{Reason: providers.Ambiguous, Absent: true}},
		"another":       {"[" + text(t, other) + "]", providers.Result{Reason: providers.Mismatch}},
		"two of them":   {"[" + text(t, paid) + "," + text(t, paid) + "]", providers.Result{Reason: providers.Mismatch}},
		"nothing in it": {"[null]", providers.Result{Reason: providers.Unreadable}},
		"an object":     {text(t, paid), providers.Result{Reason: providers.Unreadable}},
	} {
		g, _ := open(t, nil, step{byOrder, http.StatusOK, c.said})
		got := g.Lookup(t.Context(), lost(byCard()))
		if got.Verdict != c.want.Verdict || got.Reason != c.want.Reason || got.Absent != c.want.Absent || got.External != c.want.External {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func TestNothingIsAskedWithoutAnOrderNumber(t *testing.T) {
	g, _ := open(t, nil)
	for _, name := range []string{"", "rt", "rt-000000000001-too-long", "rt-0000000/../1", "rt-00000 000001", "rt-øre-1"} {
		ref := byCard()
		ref.Order = name
		verdict(t, g.Lookup(t.Context(), ref), providers.Unknown, providers.NotSent)
		verdict(t, g.Capture(t.Context(), ref, ref.Amount), providers.Unserved, providers.NotSent)
		verdict(t, g.Cancel(t.Context(), ref), providers.Unserved, providers.NotSent)
	}
}

// A refused question says nothing about the payment.
func TestRefusedLookupIsUnknown(t *testing.T) {
	for status, want := range map[int]providers.Reason{400: providers.Ambiguous, 401: providers.Misconfigured, 402: providers.Misconfigured, 403: providers.Misconfigured,
		404: providers.Ambiguous, 405: providers.Misconfigured, 406: providers.Misconfigured, 409: providers.Ambiguous, 422: providers.Unreadable,
		429: providers.Throttled, 500: providers.ServerError, 503: providers.ServerError, 302: providers.Unreadable} {
		g, _ := open(t, nil, step{byID, status, refusedBy()})
		got := g.Lookup(t.Context(), byCard())
		verdict(t, got, providers.Unknown, want)
		if got.Absent {
			t.Errorf("http %d is absent", status)
		}
	}
}
