package settings

import (
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
)

func TestABaseIsAHostByHTTPSOrThisMachine(t *testing.T) {
	for text, want := range map[string]string{
		"https://api.example.kz": "", "https://api.example.kz:8443/v1": "", "http://127.0.0.1:80": "", "http://[::1]:80": "", "http://LocalHost": "",
		"http://api.example.kz": "write https://", "ftp://127.0.0.1": "write https://", "http://10.0.0.1": "write https://",
		"": "such as https://right.kz", "api.example.kz": "such as", "https://u:p@api.example.kz": "such as",
		"https://api.example.kz?a=1": "such as", "https://api.example.kz#x": "such as", "https://a b": "such as",
	} {
		var wrong Errors
		wrong.Base("base_url", text, "https://right.kz")
		err := wrong.Err()
		if (err == nil) != (want == "") || err != nil && (!strings.HasPrefix(err.Error(), "base_url: ") || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestEverythingThatIsWrongIsSaidAtOnceInTheOrderOfTheFields(t *testing.T) {
	var wrong Errors
	wrong.If(true, "first", "write it")
	wrong.If(false, "second", "write it")
	wrong.Absent(Absent{Times: 1, Apart: 29 * time.Second})
	wrong.Timeouts(providers.Timeouts{Create: -1, Refund: -1}, "15s")
	want := "first: write it\nabsent.times: one answer proves nothing; write 2 or more\nabsent.apart: write a duration of 30s or more\n" +
		"timeouts.create: write a positive duration such as 15s\ntimeouts.refund: write a positive duration such as 15s"
	if err := wrong.Err(); err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
}

func TestDefaultsFillOnlyWhatWasLeftOut(t *testing.T) {
	if a := (Absent{}).WithDefaults(5 * time.Minute); a != (Absent{After: 5 * time.Minute, Times: 3, Apart: time.Minute}) {
		t.Errorf("%+v", a)
	}
	own := Absent{After: time.Second, Times: 7, Apart: time.Hour}
	if a := own.WithDefaults(5 * time.Minute); a != own {
		t.Errorf("%+v", a)
	}
	limits := providers.Timeouts{Status: time.Second}
	DefaultTimeouts(&limits, providers.Timeouts{Charge: 1, Create: 2, Status: 3, Refund: 4})
	if limits != (providers.Timeouts{Charge: 1, Create: 2, Status: time.Second, Refund: 4}) {
		t.Errorf("%+v", limits)
	}
}

func TestPrefixesAreAddressesOrBlocks(t *testing.T) {
	got, err := Prefixes([]string{"185.59.216.65", "10.1.2.3/8", "::1"})
	if err != nil || len(got) != 3 || got[0].String() != "185.59.216.65/32" || got[1].String() != "10.0.0.0/8" || got[2].String() != "::1/128" {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := Prefixes([]string{"the bank"}); err == nil || !strings.Contains(err.Error(), `"the bank" is neither`) {
		t.Error(err)
	}
}
