package main

import (
	"strings"
	"testing"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
	"github.com/payrouter/payrouter/providers/sim"
)

// undecided opens a payment whose invoice may be ringing on a phone: the answer was lost.
func undecided(w *world) *payrouterv1.Payment {
	w.Helper()
	w.fault(sim.Fault{Face: "kaspi", Op: sim.OpCreate, Kind: sim.FaultActDrop, Times: 1})
	p := w.create("--amount", "1234", "--method", "push", "--phone", "+77011234567")
	if p.GetState() != payrouterv1.Payment_STATE_PROCESSING {
		w.Fatalf("the payment is %v", p)
	}
	return p
}

func TestAnUnknownOutcomeIsShownAsUnknown(t *testing.T) {
	w := newWorld(t)
	p := undecided(w)
	w.payctl("payment", "get", p.GetName()).done("state processing", "unknown: ", "yes", "undecided ", "at the latest ", "decided, or people are called",
		"tell the payer finish it or wait, do not pay again")
	w.payctl("gateways").done("GATEWAY NEW PAYMENTS UNKNOWN").says("1234.00 KZT (1)")
	w.payctl("payment", "list", "--at-risk").done(last(p.GetName()))
}

func TestNotChargedNeedsASecondPerson(t *testing.T) {
	w := newWorld(t)
	p := undecided(w)
	word := func(attempt, person string) ran {
		return w.payctl("resolve", attempt, "--verdict", "not-charged", "--reason", "not in the cabinet, says "+person, "--as", person, "--yes")
	}
	full, short := p.GetName()+"/attempts/1", last(p.GetName())+"/1"
	for range 2 { // saying it twice does not make two people
		word(full, "aida").fails(exitRefused, "payctl: recorded; 1234.00 KZT stays exposed until another operator says the same", "SECOND_PERSON_NEEDED",
			"exposed        1234.00 KZT", "A colleague who has looked too gives the same command under their own name.")
	}
	w.payctl("payment", "get", p.GetName()).done("state processing", "yes")
	word(short, "boris").done("state failed", "reason people said that nothing was taken, after attempt 1 at kaspi-main", "no: operator", "tell the payer paying again is safe")
	word(short, "boris").fails(exitRefused, "payctl: the attempt is decided already", "ATTEMPT_NOT_OPEN")
	w.payctl("explain", p.GetName()).done("operator:aida said to be not charged, waiting for a second person: not in the cabinet, says aida (2 times, until ",
		"operator:boris operator says unserved", "cannot take money: a person said so")
}

// Before a word counts, its second speaker has seen what is at stake.
func TestTheSecondPersonSeesWhatIsAtStakeAndIsAsked(t *testing.T) {
	w := newWorld(t)
	p := undecided(w)
	attempt := last(p.GetName()) + "/1"
	say := func(person string, more ...string) []string {
		return append([]string{"resolve", attempt, "--verdict", "not-charged", "--reason", "not in the cabinet", "--as", person}, more...)
	}
	w.payctl(say("aida")...).fails(exitRefused, "SECOND_PERSON_NEEDED")
	w.payctl(say("boris", "-o", "json")...).fails(exitUsage, "--yes is required")
	if r := w.answers("y\n", say("boris")...); r.exit != exitUsage || !strings.Contains(r.err, "nothing was recorded") {
		t.Fatalf("exit status %d: %s", r.exit, r.err)
	}
	w.payctl("payment", "get", p.GetName()).done("state processing")
	r := w.answers(attempt+"\n", say("boris")...)
	if r.exit != exitDone {
		t.Fatalf("exit status %d: %s", r.exit, r.err)
	}
	r.says("operator:aida said to be not charged", "Exposed: 1234.00 KZT", "state failed")
}

func TestASecondPersonWhoSaysOtherwiseIsToldThatItConfirmsNothing(t *testing.T) {
	w := newWorld(t)
	p := undecided(w)
	attempt := last(p.GetName()) + "/1"
	say := func(person, verdict string) []string {
		return []string{"resolve", attempt, "--verdict", verdict, "--reason", "not in the cabinet", "--as", person}
	}
	w.payctl(say("aida", "declined")...).fails(exitRefused, "SECOND_PERSON_NEEDED")
	r := w.answers(attempt+"\n", say("boris", "not-charged")...)
	if r.exit != exitRefused || !strings.Contains(r.err, "SECOND_PERSON_NEEDED") || !strings.Contains(r.out, "You say otherwise than aida") || strings.Contains(r.out, "Say the same?") {
		t.Errorf("exit status %d:\n%s%s", r.exit, r.out, r.err)
	}
	r = w.answers(attempt+"\n", say("aida", "not-charged")...)
	if r.exit != exitDone {
		t.Fatalf("exit status %d: %s", r.exit, r.err)
	}
	r.says("Say the same?", "state failed")
}

func TestChargedNeedsOnePerson(t *testing.T) {
	w := newWorld(t)
	p := undecided(w)
	w.payctl("resolve", last(p.GetName())+"/1", "--verdict", "charged", "--reason", "the cabinet shows it").done("state paid", "paid 1234.00 KZT")
}

func TestAWordAboutAChangedPaymentIsRefused(t *testing.T) {
	w := newWorld(t)
	p := undecided(w)
	attempt := last(p.GetName()) + "/1"
	w.payctl("resolve", attempt, "--verdict", "charged", "--reason", "the cabinet shows it", "--etag", "1").fails(exitRefused, "STALE_ETAG", "read it again")
	// The etag as it is shown, and as a shell leaves it.
	etag := w.get(p.GetName()).GetEtag()
	w.payctl("resolve", attempt, "--verdict", "not-charged", "--reason", "not in the cabinet", "--etag", strings.Trim(etag, `"`), "--as", "aida").fails(exitRefused, "SECOND_PERSON_NEEDED")
	etag = w.get(p.GetName()).GetEtag()
	w.payctl("resolve", attempt, "--verdict", "not-charged", "--reason", "not in the cabinet", "--etag", etag, "--as", "boris", "--yes").done("state failed")
}
