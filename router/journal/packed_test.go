package journal

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/payrouter/payrouter/router/payment"
)

func storedDiff(want, got []storedEvent) string {
	return cmp.Diff(want, got, cmp.AllowUnexported(storedEvent{}), cmpopts.EquateEmpty())
}

func TestAHistoryIsUnpackedByteForByte(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var history []storedEvent
		for i := range rapid.IntRange(1, 20).Draw(t, "events") {
			text := func(name string) string { return string(rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, name)) }
			history = append(history, storedEvent{Event: payment.Event{Seq: int64(i + 1), At: instant(rapid.Int64().Draw(t, "at")), Actor: text("actor")},
				kind: text("kind"), body: text("body"), writer: text("writer")})
		}
		packed, err := packWell(history)
		if err != nil {
			t.Fatal(err)
		}
		got, err := unpack(packed)
		if diff := storedDiff(history, got); diff != "" || err != nil {
			t.Fatalf("error %v (-packed +unpacked):\n%s", err, diff)
		}
		// No byte of it may be another one, and none may be missing.
		at := rapid.IntRange(0, len(packed)-1).Draw(t, "at byte")
		for name, broken := range map[string][]byte{"changed": append([]byte{}, packed...), "cut off": packed[:at]} {
			if name == "changed" {
				broken[at] ^= byte(rapid.IntRange(1, 255).Draw(t, "bits"))
			}
			if got, err := unpack(broken); err == nil && storedDiff(history, got) != "" || err != nil && !errors.Is(err, errPacked) {
				t.Fatalf("%s at %d: read as %v, error %v", name, at, got, err)
			}
		}
	})
}

// What an earlier version packed is read for ever: neither the words nor the form may change.
func TestAHistoryThatWasPackedByTheFirstVersionIsRead(t *testing.T) {
	file := filepath.Join("testdata", "packed1.bin")
	at := time.Date(2026, 3, 14, 9, 0, 0, 123000, time.UTC)
	want := []storedEvent{
		{Event: payment.Event{Seq: 1, At: at, Actor: "caller:shop"}, kind: "opened", writer: "GUFD57NCJZTJWXDSJSB6SOJJB7",
			body: `{"id":"p1","tenant":"shop","request_id":"r1","amount":{"minor":1500,"currency":"KZT"},"methods":["qr"],"deadline":"2026-03-14T10:00:00Z"}`},
		{Event: payment.Event{Seq: 2, At: at.Add(time.Second), Actor: "router"}, kind: "finished", writer: "MOPKXJO52LUFJHJMKI6WZKQOPT", body: `{"outcome":"failed","reason":"expired"}`},
	}
	packed, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) { // of a later form: a file of its own
		if packed, err = packWell(want); err == nil {
			err = os.WriteFile(file, packed, 0o600)
		}
		t.Errorf("%s was not there, and is written anew: error %v", file, err)
	}
	got, err := unpack(packed)
	if diff := storedDiff(want, got); diff != "" || err != nil {
		t.Errorf("error %v (-want +got):\n%s", err, diff)
	}
}

func TestAFormOfALaterVersionIsLeftToItsReplicas(t *testing.T) {
	if _, err := unpack([]byte{packedForm + 1, 1, 2, 3}); !errors.Is(err, payment.ErrUnreadable) {
		t.Errorf("error %v", err)
	}
	// And the version before, which knows of no archive, leaves a stub to this one.
	if _, err := payment.DecodeBody(stub, []byte("{}")); !errors.Is(err, payment.ErrUnreadable) {
		t.Errorf("a stub: error %v", err)
	}
}

func TestTheWordsOfTheArchiveNameNobody(t *testing.T) {
	for _, word := range []string{"@", "+77", "http://"} {
		if strings.Contains(string(packedWords), word) {
			t.Errorf("they have %s", word)
		}
	}
}
