package paper

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

var readiness = Checklist{
	Title: "Қосылуға дайындық", Subtitle: "ТОО «Әлем Қаңғы», 2026 жылғы қараша", Zone: "Asia/Almaty", Created: time.Date(2026, 11, 1, 4, 30, 0, 0, time.UTC),
	Items: []Item{
		{Name: "Successful transactions through other gateways, two full months", State: Met, Value: "1 204; 1 377", Needed: "1 000 each", Evidence: "statements of halyk-main", Query: "SELECT COUNT(*) FROM attempts", Time: time.Date(2026, 10, 31, 19, 0, 0, 0, time.UTC)},
		{Name: "Webhook log is kept", State: NotMet, Value: "29 days", Needed: "30 days"},
		{Name: "A rehearsal of the backup " + strings.Repeat("that is described at length ", 20)},
	},
}

func TestAChecklistTellsWhatIsMetAndWhatIsNot(t *testing.T) {
	for _, l := range Languages() {
		var to bytes.Buffer
		if err := readiness.WritePDF(&to, l); err != nil {
			t.Fatal(err)
		}
		i, err := tongueOf(l)
		if err != nil {
			t.Fatal(err)
		}
		text := extracted(t, to.Bytes())
		for _, want := range []string{"Қосылуға дайындық", fmt.Sprintf(i.say(wordMetOf), 1, 3), i.say(wordMet), i.say(wordNotMet), strings.Fields(i.say(wordNoEvidence))[0], "1 204; 1 377", i.say(wordQuery) + ": SELECT COUNT(*) FROM attempts", "2026-11-01 00:00:00"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q is not found in\n%s", l, want, text)
			}
		}
	}
}

func TestAChecklistWithoutLanguageZoneOrMomentIsAnError(t *testing.T) {
	for name, c := range map[string]struct {
		list     Checklist
		language Language
	}{
		"language": {Checklist{Zone: "UTC", Created: time.Unix(1, 0)}, "de"},
		"zone":     {Checklist{Zone: "Local", Created: time.Unix(1, 0)}, English},
		"moment":   {Checklist{Zone: "UTC"}, English},
	} {
		if err := c.list.WritePDF(io.Discard, c.language); err == nil {
			t.Errorf("a list without %s is taken", name)
		}
	}
}
