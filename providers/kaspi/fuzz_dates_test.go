package kaspi

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// Every date that is read is one of the three spellings of the document, and is the
// instant that its digits and its zone name; without a zone, Kazakhstan's.
func FuzzDates(f *testing.F) {
	for _, text := range []string{"2020-01-16T10:30:00+06", "2025-10-22T17:10:50.717+05:00", "2021-12-08T11:35:48.1566667", "2020-1-6T10:30:00+06",
		"2025-10-22T12:10:50Z", "2024-02-29T23:59:59-12", "2023-02-29T00:00:00", "0000-01-01T00:00:00+14", "9999-12-31T23:59:59-12:00", "2020-01-16T24:00:00", "2020-01-16T10:30:00,5+06",
		"20261123140212", "20261123246060", "20240229235959"} {
		f.Add(text)
	}
	parts := regexp.MustCompile(`^(\d{4})-(\d{1,2})-(\d{1,2})T(\d{1,2}):(\d{2}):(\d{2})([.,](\d+))?(Z|([+-])(\d{2})(:?(\d{2}))?)?$`)
	f.Fuzz(func(t *testing.T, text string) {
		quoted, err := json.Marshal(text)
		if err != nil {
			t.Skip()
		}
		var read moment
		err = json.Unmarshal(quoted, &read)
		if err == nil && text != "" {
			found := parts.FindStringSubmatch(text)
			if found == nil {
				t.Fatalf("%q is read as %s", text, read)
			}
			zone := 5 * 60
			if found[9] != "" {
				zone = numeral(found[11])*60 + numeral(found[13])
				if found[10] == "-" {
					zone = -zone
				}
			}
			at := time.Date(numeral(found[1]), time.Month(numeral(found[2])), numeral(found[3]), numeral(found[4]), numeral(found[5]), numeral(found[6]), nanos(found[8]), time.UTC).Add(-time.Duration(zone) * time.Minute)
			if !read.Equal(at) || read.Location() != time.UTC {
				t.Errorf("%q is read as %s, it is %s", text, read, at)
			}
			if numeral(found[2]) > 12 || numeral(found[3]) > 31 || numeral(found[4]) > 23 {
				t.Errorf("%q is read as %s", text, read)
			}
		}
		if at := transactionDate(text); !at.IsZero() && at.Add(5*time.Hour).Format("20060102150405") != text {
			t.Errorf("%q is read as %s", text, at)
		}
	})
}

// numeral reads the digits of a date.
func numeral(digits string) int {
	n := 0
	for _, c := range digits {
		n = n*10 + int(c-'0')
	}
	return n
}

func nanos(fraction string) int { return numeral((fraction + "000000000")[:9]) }

// What is sent is what was asked for, and an amount that is read is the one that stands
// there, to the last digit.
func FuzzAmounts(f *testing.F) {
	for _, text := range []string{"15490.00", "15490", `"15490.0"`, "0", "-0.01", "1e3", "15490.005", "15490.000", "92233720368547758.07", "92233720368547758.08", `"+1"`, `" 1"`, `""`, "null", `"1\u0030"`, "true"} {
		f.Add(text, int64(1549000))
	}
	f.Fuzz(func(t *testing.T, literal string, minor int64) {
		sent, err := json.Marshal(tenge{money: providers.Money{Minor: minor, Currency: currency}})
		var back tenge
		if err != nil || minor > -1<<63 && (json.Unmarshal(sent, &back) != nil || !back.told || back.money.Minor != minor) {
			t.Errorf("%d is sent as %s and read as %+v", minor, sent, back)
		}
		var read tenge
		if !json.Valid([]byte(literal)) || json.Unmarshal([]byte(literal), &read) != nil || !read.told {
			return
		}
		text := strings.TrimSpace(literal)
		if strings.HasPrefix(text, `"`) && json.Unmarshal([]byte(literal), &text) != nil {
			t.Fatal(literal)
		}
		if !amounts(text, read.money.Minor) || read.money.Currency != "KZT" {
			t.Errorf("%s is read as %s", literal, read.money)
		}
	})
}
