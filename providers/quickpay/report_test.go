package quickpay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/payrouter/payrouter/providers"
)

var newYear = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// firstPage is what is asked for a window of 2 January 2026.
const firstPage = "GET /payments?min_time=2025-12-03+00%3A00%3A00+%2B0000&page=1&page_size=100&sort_dir=asc"

var secondOfJanuary = providers.Window{From: newYear.Add(24 * time.Hour), To: newYear.Add(48 * time.Hour)}

func told(g *Gateway, w providers.Window) ([]providers.StatementLine, error) {
	var lines []providers.StatementLine
	err := g.Report(context.Background(), w, func(l providers.StatementLine) error {
		lines = append(lines, l)
		return nil
	})
	return lines, err
}

// on dates an operation, or a payment.
func on(day, hour int, o map[string]any) map[string]any {
	return with(o, "created_at", newYear.Add(time.Duration(24*(day-1)+hour)*time.Hour).Format(time.RFC3339))
}

func TestStatementTellsEachMovementOfTheWindow(t *testing.T) {
	at := func(hour int) time.Time { return secondOfJanuary.From.Add(time.Duration(hour) * time.Hour) }
	second, auth, take := 2, did("authorize", amount, "20000"), did("capture", amount, "20000")
	id := 0
	payment := func(day int, state string, operations ...map[string]any) string {
		id++
		return text(t, on(day, id, with(object(state, operations...), "id", id, "order_id", fmt.Sprintf("rt-%08d", id), "fee", 25)))
	}
	list := []string{
		payment(1, "processed", on(1, 1, auth), on(1, 2, take), on(second, 3, did("refund", 50, "20000")), on(second, 4, did("refund", 50, "20000")), on(3, 0, did("refund", 7, "20000"))),
		payment(1, "new", on(second, 5, did("authorize", 100, "20000"))),
		payment(1, "rejected", on(second, 6, did("authorize", 100, "40000")), on(second, 7, did("authorize", 100, "40300"))),
		payment(1, "processed", on(second, 7, did("authorize", 100, "40000")), on(second, 8, did("authorize", 100, "20000")), on(second, 9, did("capture", 60, "20000")), on(second, 9, did("capture", 40, "20000"))),
		payment(1, "processed", on(second, 10, did("authorize", 100, "20000")), on(second, 11, did("cancel", 100, "20000"))),
		payment(1, "pending", on(second, 12, doing("authorize", 100))),
		payment(1, "rejected", on(second, 13, did("authorize", 100, "50300"))),
		payment(1, "processed", on(second, 14, did("authorize", 100, "20000")), on(second, 15, did("capture", 100, "40000")), on(second, 16, doing("capture", 100))),
		payment(1, "processed", on(second, 17, did("payout", 100, "20000"))),
		payment(1, "processed", on(1, 0, did("authorize", 100, "20000")), on(1, 0, did("capture", 100, "20000")), on(second, 18, did("refund", 1, "40000")), on(second, 19, doing("refund", 2)), on(second, 20, did("refund", 3, "50000"))),
		payment(1, "initial"),
		payment(3, "new", on(3, 0, did("authorize", 100, "20000"))),
	}
	g, _ := open(t, nil, step{firstPage, http.StatusOK, "[" + strings.Join(list, ",") + "]"})
	got, err := told(g, secondOfJanuary)
	if err != nil {
		t.Fatal(err)
	}
	line := func(kind providers.LineKind, payment, operation int, v providers.Verdict, minor int64, hour int, code string) providers.StatementLine {
		l := providers.StatementLine{Kind: kind, Order: fmt.Sprintf("rt-%08d", payment), External: strconv.Itoa(payment), Verdict: v, Amount: kroner(minor), At: at(hour), Code: code}
		if kind == providers.LineRefund {
			l.External += "-" + strconv.Itoa(operation)
		}
		return l
	}
	withFee := line(providers.LineCharge, 4, 0, providers.Approved, 60, 9, "20000")
	withFee.Fee = kroner(25)
	want := []providers.StatementLine{
		line(providers.LineRefund, 1, 3, providers.Approved, 50, 3, "20000"),
		line(providers.LineRefund, 1, 4, providers.Approved, 50, 4, "20000"),
		line(providers.LineCharge, 2, 0, providers.Held, 100, 5, "20000"),
		line(providers.LineCharge, 3, 0, providers.Declined, 100, 7, "40300"),
		withFee,
		line(providers.LineCharge, 4, 0, providers.Approved, 40, 9, "20000"),
		line(providers.LineCharge, 5, 0, providers.Declined, 100, 10, "20000"),
		line(providers.LineCharge, 6, 0, providers.Pending, 100, 12, ""),
		line(providers.LineCharge, 7, 0, providers.Unknown, 100, 13, "50300"),
		line(providers.LineCharge, 8, 0, providers.Held, 100, 14, "20000"),
		line(providers.LineCharge, 9, 0, providers.Unknown, 100, 17, "20000"),
		line(providers.LineRefund, 10, 3, providers.Declined, 1, 18, "40000"),
		line(providers.LineRefund, 10, 4, providers.Pending, 2, 19, ""),
		line(providers.LineRefund, 10, 5, providers.Unknown, 3, 20, "50000"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestStatementIsReadToItsEnd(t *testing.T) {
	page := func(from, to int) string {
		var all []string
		for id := from; id < to; id++ {
			all = append(all, text(t, on(2, 1, with(object("processed", on(2, 2, did("authorize", amount, "20000")), on(2, 2, did("capture", amount, "20000"))),
				"id", id, "order_id", fmt.Sprintf("rt-%08d", id)))))
		}
		return "[" + strings.Join(all, ",") + "]"
	}
	second := strings.Replace(firstPage, "page=1&", "page=2&", 1)
	third := strings.Replace(firstPage, "page=1&", "page=3&", 1)
	t.Run("while pages are full", func(t *testing.T) {
		g, _ := open(t, nil, step{firstPage, 200, page(1, 101)}, step{second, 200, page(100, 200)}, step{third, 200, page(200, 203)})
		if lines, err := told(g, secondOfJanuary); err != nil || len(lines) != 202 {
			t.Errorf("%d lines, error %v", len(lines), err)
		}
	})
	t.Run("up to a full page and an empty one", func(t *testing.T) {
		g, _ := open(t, nil, step{firstPage, 200, page(1, 101)}, step{second, 200, "[]"})
		if lines, err := told(g, secondOfJanuary); err != nil || len(lines) != 100 {
			t.Errorf("%d lines, error %v", len(lines), err)
		}
	})
	t.Run("but not for ever", func(t *testing.T) {
		g, _ := open(t, nil, step{firstPage, 200, page(1, 101)}, step{second, 200, page(1, 101)})
		if _, err := told(g, secondOfJanuary); !errors.Is(err, errLoop) {
			t.Errorf("error %v", err)
		}
	})
	for name, answers := range map[string][]step{
		"a page that fails":      {{firstPage, 200, page(1, 101)}, {second, 500, ""}},
		"a page that is no list": {{firstPage, 200, page(1, 101)}, {second, 200, "{}"}},
		"no permission":          {{firstPage, 403, refusedBy()}},
		"another account":        {{firstPage, 200, "[" + text(t, with(object("initial"), "merchant_id", 1)) + "]"}},
		"no date":                {{firstPage, 200, "[" + text(t, with(object("initial"), "created_at", "yesterday")) + "]"}},
		"no id":                  {{firstPage, 200, "[" + text(t, with(object("initial"), "id", nil)) + "]"}},
		"no operations":          {{firstPage, 200, "[" + text(t, with(object("initial"), "operations", nil)) + "]"}},
		"no date of one":         {{firstPage, 200, "[" + text(t, object("new", with(did("authorize", 5, "20000"), "created_at", ""))) + "]"}},
		"another order": {{firstPage, 200, "[" + text(t, on(2, 2, with(object("initial"), "id", 2))) + "," +
			text(t, on(2, 1, with(object("initial"), "id", 1))) + "]"}},
	} {
		t.Run("an error is "+name, func(t *testing.T) {
			g, _ := open(t, func(c *Config) { c.MerchantID = 1234 }, answers...)
			if _, err := told(g, secondOfJanuary); err == nil {
				t.Error("it is taken for whole")
			}
		})
	}
}

// Where QuickPay says where the list goes on, it is followed, but never to another host.
func TestStatementFollowsTheLinkHeader(t *testing.T) {
	one := func(id int) string {
		return "[" + text(t, on(2, id, with(object("processed", on(2, 2, did("authorize", amount, "20000")), on(2, 2, did("capture", amount, "20000"))), "id", id))) + "]"
	}
	for name, c := range map[string]struct {
		link  string
		lines int
		err   error
	}{
		"absolute":     {`<BASE/payments?page_key=1>; rel="next"`, 2, nil},
		"relative":     {`</payments?page_key=1>; rel=next`, 2, nil},
		"among others": {`</payments?page_key=0>; rel="prev", </payments?page_key=1>; rel="next"`, 2, nil},
		"with a comma": {`</payments?page_key=0>; rel="prev", <BASE/payments?of=a,b&page_key=1>; rel="next"`, 2, nil},
		"no next":      {`</payments?page_key=0>; rel="prev"`, 1, nil},
		"another host": {`<https://elsewhere.example/payments?page_key=1>; rel="next"`, 1, errNextLink},
		"no address":   {`<%zz>; rel="next"`, 1, errNextLink},
	} {
		var s *httptest.Server
		s = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body := one(1)
			if r.URL.Query().Get("page_key") == "1" {
				body = one(2)
			} else {
				w.Header().Set("Link", strings.ReplaceAll(c.link, "BASE", s.URL))
			}
			_, _ = io.WriteString(w, body)
		}))
		config := least()
		config.APIBaseURL = s.URL
		g, err := New(config, Options{})
		if err != nil {
			t.Fatal(err)
		}
		lines, err := told(g, secondOfJanuary)
		g.Close()
		s.Close()
		if !errors.Is(err, c.err) || c.err == nil && len(lines) != c.lines {
			t.Errorf("%s: %d lines, error %v", name, len(lines), err)
		}
	}
}

func TestProbeSeesLifeInAnObjectOnly(t *testing.T) {
	for _, c := range []struct {
		status  int
		body    string
		verdict providers.Verdict
		reason  providers.Reason
	}{
		{200, `{"msg":"Pong from QuickPay API V10","scope":"merchant","version":"v10","params":{}}`, providers.Approved, ""},
		{200, "pong", providers.Unknown, providers.Unreadable}, {200, "{}", providers.Unknown, providers.Unreadable}, {200, "[]", providers.Unknown, providers.Unreadable},
		{401, refusedBy(), providers.Unserved, providers.Misconfigured}, {403, refusedBy(), providers.Unserved, providers.Misconfigured},
		{404, refusedBy(), providers.Unserved, providers.Misconfigured}, {401, "", providers.Unknown, providers.Unreadable},
		{429, refusedBy(), providers.Unserved, providers.Throttled}, {500, "{}", providers.Unknown, providers.ServerError},
	} {
		g, _ := open(t, nil, step{"GET /ping", c.status, c.body})
		verdict(t, g.Probe(t.Context()), c.verdict, c.reason)
	}
}

// What QuickPay is about to capture by itself is no hold, for a look-up and for a statement.
func TestStatementTellsOfNoHoldThatIsAboutToBeCaptured(t *testing.T) {
	auth := on(2, 2, did("authorize", amount, "20000"))
	auto := map[string]string{"attempt": order, "method": "instrument", "capture": "auto"}
	for name, c := range map[string]struct {
		said map[string]any
		want providers.Verdict
	}{
		"of a card":           {with(object("new", auth), "variables", auto), providers.Pending},
		"of a link":           {with(linked(object("new", auth)), "link", map[string]any{"amount": amount, "auto_capture": true}), providers.Pending},
		"the capture failed":  {with(object("new", auth, on(2, 3, did("capture", amount, "40000"))), "variables", auto), providers.Held},
		"asked for as a hold": {object("new", auth), providers.Held},
		"held and given back": {with(object("processed", auth, on(2, 3, did("cancel", amount, "20000"))), "variables", auto), providers.Declined},
	} {
		g, _ := open(t, nil, step{firstPage, http.StatusOK, "[" + text(t, on(2, 1, c.said)) + "]"})
		lines, err := told(g, secondOfJanuary)
		if err != nil || len(lines) != 1 || lines[0].Verdict != c.want {
			t.Errorf("%s: told %+v, error %v, want %s", name, lines, err, c.want)
		}
	}
}

// A payment by a test card is no money on a real account, nor a real one on a test account, and
// a statement may say no more of it than a look-up: the books would be healed by it.
func TestStatementOfTheOtherModeTellsOfNoMoney(t *testing.T) {
	auth, take, back := did("authorize", amount, "20000"), did("capture", amount, "20000"), did("refund", 50, "20000")
	for name, mode := range map[string]any{"a test": true, "nobody says which": nil} {
		list := []string{
			text(t, on(2, 1, with(object("processed", on(2, 2, auth), on(2, 3, take), on(2, 4, back)), "test_mode", mode))),
			text(t, on(2, 1, with(object("new", on(2, 2, did("authorize", amount, "20000"))), "test_mode", mode, "id", 714002))),
			text(t, on(2, 1, with(object("rejected", on(2, 2, did("authorize", amount, "40000"))), "test_mode", mode, "id", 714003))),
		}
		g, _ := open(t, nil, step{firstPage, http.StatusOK, "[" + strings.Join(list, ",") + "]"})
		lines, err := told(g, secondOfJanuary)
		if err != nil {
			t.Fatal(err)
		}
		var got []providers.Verdict
		for _, l := range lines {
			got = append(got, l.Verdict)
		}
		want := []providers.Verdict{providers.Unknown, providers.Unknown, providers.Unknown, providers.Declined}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
