package server

import (
	"regexp"
	"strings"
	"unicode"
)

// A card number in any text is refused, so that none is ever stored or logged by
// mistake. What counts as one: 13 to 19 digits, written together or in groups with
// single spaces or dashes between them, that have a known issuer's prefix, a length
// of that issuer's, and a valid check digit (Luhn, ISO/IEC 7812).
//
// UUIDs, long hexadecimal digests, numbers of 20 digits and more (bank references)
// and phone numbers with their plus sign are none. Roughly one in ten numbers of the
// right length and prefix passes the check digit by chance: callers whose own order
// numbers look like card numbers must write them otherwise.

// issuers are the prefixes of card schemes, with the lengths of their numbers.
var issuers = []struct {
	low, high   string // prefixes from low to high, of equal length
	least, most int    // digits
}{
	{"4", "4", 13, 13}, // Visa; 13 in old cards
	{"4", "4", 16, 16},
	{"4", "4", 19, 19},
	{"51", "55", 16, 16},     // Mastercard
	{"2221", "2720", 16, 16}, // Mastercard, second series
	{"34", "34", 15, 15},     // American Express
	{"37", "37", 15, 15},
	{"300", "305", 14, 19}, // Diners Club
	{"3095", "3095", 14, 19},
	{"36", "36", 14, 19},
	{"38", "39", 14, 19},
	{"6011", "6011", 16, 19}, // Discover
	{"644", "649", 16, 19},
	{"65", "65", 16, 19},
	{"3528", "3589", 16, 19}, // JCB
	{"62", "62", 16, 19},     // UnionPay
	{"81", "81", 16, 19},
	{"5018", "5018", 13, 19}, // Maestro
	{"5020", "5020", 13, 19},
	{"5038", "5038", 13, 19},
	{"5893", "5893", 13, 19},
	{"6304", "6304", 13, 19},
	{"6759", "6763", 13, 19},
	{"2200", "2204", 16, 19}, // Mir
	{"8600", "8600", 16, 16}, // Uzcard
	{"9860", "9860", 16, 16}, // Humo
	{"9112", "9112", 16, 16}, // Belkart
	{"9417", "9417", 16, 16}, // Elcart
	{"9051", "9051", 16, 16}, // ArCa
	{"9792", "9792", 16, 16}, // Troy
}

// Ids that may hold long runs of digits by chance.
var machineIDs = regexp.MustCompile(`(?i)\b(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32,})\b`)

// group is a run of digits in a text, with what joins it to the group before.
type group struct {
	digits string
	joined bool // one space or dash, and nothing else, lies between it and the last one
	plus   bool // a plus sign stands before it
}

// shortest is how many digits a card number has at least.
const shortest = 13

func hasCardNumber(text string) bool {
	if !hasDigits(text, shortest) { // most texts: the search for ids is the dear part
		return false
	}
	run := []group{}
	for _, g := range groups(machineIDs.ReplaceAllString(text, "x")) {
		if !g.joined {
			if runHasCard(run) {
				return true
			}
			run = run[:0]
		}
		run = append(run, g)
	}
	return runHasCard(run)
}

func hasDigits(text string, least int) bool {
	if len(text) < least {
		return false
	}
	for _, r := range text {
		if _, ok := digit(r); ok {
			if least--; least == 0 {
				return true
			}
		}
	}
	return false
}

// groups finds the runs of digits. Digits of other scripts count: people paste them.
func groups(text string) []group {
	var found []group
	var current strings.Builder
	between := []rune{'x'} // what lies between the last group and here
	flush := func() {
		if current.Len() == 0 {
			return
		}
		found = append(found, group{digits: current.String(), joined: len(between) == 1 && isSeparator(between[0]),
			plus: len(between) > 0 && between[len(between)-1] == '+'})
		current.Reset()
		between = between[:0]
	}
	for _, r := range text {
		if d, ok := digit(r); ok {
			current.WriteByte(d)
			continue
		}
		flush()
		between = append(between, r)
	}
	flush()
	return found
}

// digit reads a decimal digit of any script. Each script's ten are contiguous, and only
// the mathematical ones have neighbours: five alphabets in a row.
func digit(r rune) (byte, bool) {
	switch {
	case '0' <= r && r <= '9':
		return byte(r), true
	case r < 128 || !unicode.Is(unicode.Nd, r):
		return 0, false
	case 0x1D7CE <= r && r <= 0x1D7FF:
		return '0' + byte((r-0x1D7CE)%10), true
	}
	value := byte('0')
	for before := r - 1; value < '9' && unicode.Is(unicode.Nd, before); before-- {
		value++
	}
	return value, true
}

func isSeparator(r rune) bool {
	return unicode.Is(unicode.Zs, r) || unicode.Is(unicode.Pd, r)
}

// runHasCard looks at a run of joined groups: as a whole, and at every part of it that
// is grouped like the print on a card.
func runHasCard(run []group) bool {
	for from := range run {
		number, shape := "", ""
		for to := from; to < len(run) && len(number) <= 19; to++ {
			number += run[to].digits
			shape += string(rune('0' + min(len(run[to].digits), 'z'-'0')))
			whole := from == 0 && to == len(run)-1
			if (whole || printed[shape] || from == to) && isCard(number) && !(run[from].plus && len(number) <= 15) {
				return true
			}
		}
	}
	return false
}

// printed are the groupings of numbers on cards, as lengths.
var printed = map[string]bool{"4444": true, "44441": true, "44442": true, "44443": true, "465": true, "464": true, "445": true}

func isCard(number string) bool {
	if len(number) < shortest || len(number) > 19 || !luhn(number) {
		return false
	}
	for _, i := range issuers {
		if prefix := number[:len(i.low)]; prefix >= i.low && prefix <= i.high && len(number) >= i.least && len(number) <= i.most {
			return true
		}
	}
	return false
}

func luhn(number string) bool {
	sum := 0
	for i := range len(number) {
		d := int(number[len(number)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}
