package payment_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// texts lists where a JSON value has texts, and what they are.
func texts(at string, value any, into map[string]string) {
	switch v := value.(type) {
	case string:
		into[at] = v
	case []any:
		for _, one := range v {
			texts(at, one, into)
		}
	case map[string]any:
		for name, one := range v {
			texts(at+"."+name, one, into)
		}
	}
}

func textsOf(t *testing.T, kind string, body []byte) map[string]string {
	t.Helper()
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	texts(kind, value, all)
	return all
}

// Every text of an event either is personal, and then it ends, or is none, and then it stands
// here. Whoever adds one decides which it is.
func TestWhatIsPersonalIsErasedAndNothingElse(t *testing.T) {
	personal := "observed.action.fields.order observed.action.text observed.action.url opened.description opened.return_url"
	kept := `cancel_requested.reason cancel_requested.request_id capture_requested.amount.currency capture_requested.request_id
		closed.evidence.at closed.evidence.detail closed.evidence.kind closed.evidence.source finished.detail finished.outcome finished.reason
		noted.about noted.detail noted.finding observed.action.expires observed.action.kind observed.action.number observed.action.service
		observed.amount.currency observed.asked observed.code observed.external observed.movement observed.note observed.reason
		observed.returned.currency observed.source observed.until observed.verdict opened.amount.currency opened.customer opened.deadline
		opened.gateways opened.id opened.instrument opened.methods opened.order opened.request_id opened.tenant
		operation_observed.asked operation_observed.code operation_observed.external operation_observed.note operation_observed.reason
		operation_observed.source operation_observed.verdict operation_planned.amount.currency operation_planned.op operation_planned.reference
		operation_planned.refund planned.credentials planned.evidence.at planned.evidence.detail planned.evidence.kind planned.evidence.source
		planned.flow planned.gateway planned.method planned.provider planned.reference planned.route.detail planned.route.gateway
		planned.route.method planned.route.why proposed.note proposed.reason proposed.verdict refund_requested.amount.currency
		refund_requested.reason refund_requested.refund refund_requested.request_id switch_requested.reason`
	var erased, left []string
	for _, b := range samples() {
		body, err := payment.EncodeBody(b)
		if err != nil {
			t.Fatal(err)
		}
		after, some, err := payment.Erase(b.Kind(), body, start)
		if err != nil {
			t.Fatal(err)
		}
		was, is := textsOf(t, b.Kind(), body), textsOf(t, b.Kind(), after)
		if some != (is[b.Kind()+".erased"] == "2026-03-14T09:00:00Z") || some == (string(body) == string(after)) {
			t.Errorf("%s is %s", b.Kind(), after)
		}
		delete(is, b.Kind()+".erased")
		for at := range was {
			if _, stays := is[at]; stays {
				left = append(left, at)
			} else {
				erased = append(erased, at)
			}
		}
		again, some, err := payment.Erase(b.Kind(), after, start.Add(time.Hour))
		if err != nil || some || string(again) != string(after) {
			t.Errorf("a second time %s is %s, error %v", b.Kind(), again, err)
		}
	}
	slices.Sort(erased)
	slices.Sort(left)
	if diff := cmp.Diff(strings.Fields(personal), erased); diff != "" {
		t.Errorf("erased (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(strings.Fields(kept), slices.Compact(left)); diff != "" {
		t.Errorf("left: if one is new, is it personal? (-want +got):\n%s", diff)
	}
}

// A version that comes later may write what this one does not know: it stays, with every
// byte, in its place.
func TestErasingKeepsEveryOtherByte(t *testing.T) {
	body := `{"id":"p","later":{"b":1,"a":[1.50,"<&>"]},"description":"for Ivan","amount":{"minor":1500,"currency":"KZT"},"x":null,"return_url":"https://a.example/?e=i@example.kz","deadline":"2026-03-14T09:15:01.234567Z"}`
	want := `{"id":"p","later":{"b":1,"a":[1.50,"<&>"]},"amount":{"minor":1500,"currency":"KZT"},"x":null,"deadline":"2026-03-14T09:15:01.234567Z","erased":"2026-03-14T09:00:00Z"}`
	if got, erased, err := payment.Erase("opened", []byte(body), start); err != nil || !erased || string(got) != want {
		t.Errorf("%s\nwant %s, error %v", got, want, err)
	}
	for _, nothing := range []string{`{"attempt":1,"action":null}`, `{"attempt":1,"action":{"kind":"push","service":"Kaspi"}}`} {
		if got, erased, err := payment.Erase("observed", []byte(nothing), start); err != nil || erased || string(got) != nothing {
			t.Errorf("%s became %s, error %v", nothing, got, err)
		}
	}
	if _, _, err := payment.Erase("opened", []byte(`["description"]`), start); err == nil {
		t.Error("what is no object is erased")
	}
}

// What an offer showed is gone, and that there was one is not: the payment is the same, in
// every state that it went through.
func TestAnErasedHistoryTellsOfTheSamePayment(t *testing.T) {
	b := open(t, func(o *payment.Opened) { o.Description, o.ReturnURL = "for Ivan", "https://shop.example/ivan" })
	b.plan(qr)
	b.tell(payment.Observed{Attempt: 1, Source: payment.FromResponse, Verdict: providers.Pending, Reason: providers.AwaitingPayer, Until: b.now.Add(time.Hour),
		Action: &providers.Action{Kind: providers.RunWidget, URL: "https://bank.example", Text: `{"phone":"+77015550199"}`, Fields: map[string]string{"email": "i@example.kz"}, Expires: b.now.Add(time.Hour)}})
	b.tell(payment.Observed{Attempt: 1, Source: payment.FromNotice, Verdict: providers.Approved})
	var before, after payment.Payment
	for _, e := range b.events {
		body, err := payment.EncodeBody(e.Body)
		if err != nil {
			t.Fatal(err)
		}
		erased, _, err := payment.Erase(e.Body.Kind(), body, start)
		if err != nil {
			t.Fatal(err)
		}
		left := e
		if left.Body, err = payment.DecodeBody(e.Body.Kind(), erased); err != nil {
			t.Fatal(err)
		}
		if before, err = before.Apply(e); err != nil {
			t.Fatal(err)
		}
		if after, err = after.Apply(left); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before.Impersonal(), after); diff != "" || before.Status() != after.Status() || !reflect.DeepEqual(before.Next(b.now, b.terms), after.Next(b.now, b.terms)) {
			t.Errorf("after %s (-kept +erased):\n%s", e.Body.Kind(), diff)
		}
	}
	if said := fmt.Sprintf("%+v %+v", after.Opened, *after.Attempts[0].Action); strings.Contains(said, "Ivan") || strings.Contains(said, "5550199") || strings.Contains(said, "@") {
		t.Errorf("left: %s", said)
	}
	if before.Description == "" || before.Attempts[0].Action.Text == "" {
		t.Error("the payment that was asked is not as it was")
	}
	if !after.Settled() {
		t.Error("a payment that is paid is not settled")
	}
}
