package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
)

func TestAServiceThatCannotBeginSaysWhy(t *testing.T) {
	folder := t.TempDir()
	_, err := startProcess(t.Context(), serviceOrders{Books: "sqlite:" + filepath.Join(folder, "no", "books.db"), Log: filepath.Join(folder, "log"),
		Gateways: []gatewayAt{{mainGateway, "http://127.0.0.1:1"}}})
	if err == nil || !strings.Contains(err.Error(), "unable to open database file") {
		t.Errorf("error %v", err)
	}
}

func TestWhatIsNoOrderIsNotServed(t *testing.T) {
	for _, in := range []string{"", "\n", "serve\n", "{}"} {
		var out, errs bytes.Buffer
		if code := benchServe(t.Context(), strings.NewReader(in), &out, &errs); code != 2 || out.Len() > 0 || errs.Len() == 0 {
			t.Errorf("%q: exit status %d, said %q", in, code, out.String())
		}
	}
}

func TestOnlyTheServiceWithoutGroupingIsToldToCommitAlone(t *testing.T) {
	for what, want := range map[string]int{whatPayrouter: 0, whatUngrouped: 1} {
		if got := (key{What: what, Callers: 64}).orders("http://127.0.0.1:1").config().Store.GroupCommit; got != want {
			t.Errorf("%s: store.group_commit is %d, not %d", what, got, want)
		}
	}
}

// The process serves until its input ends, and tells what it took since it began to.
func TestTheEchoAnswersWithTheBytesItWasGiven(t *testing.T) {
	want := &payrouterv1.Payment{Name: "payments/1", State: payrouterv1.Payment_STATE_PAID, Paid: &payrouterv1.Money{MinorUnits: quickSum, CurrencyCode: "KZT"}}
	bytes, err := proto.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	p, err := startProcess(t.Context(), serviceOrders{Echo: bytes})
	if err != nil {
		t.Fatal(err)
	}
	got, err := p.charge(t.Context())
	if err != nil || !proto.Equal(got, want) {
		t.Errorf("%v, error %v", got, err)
	}
	var s sample
	if err := p.measure(&s); err != nil || s.ready <= 0 || s.service.Objects == 0 || s.service.Bytes == 0 {
		t.Errorf("%+v after %s, error %v", s.service, s.ready, err)
	}
	if err := p.stop(); err != nil {
		t.Error(err)
	}
	if err := p.stop(); err != nil {
		t.Errorf("stopped again: %v", err)
	}
}
