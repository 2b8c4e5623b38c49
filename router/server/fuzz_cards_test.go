package server

import (
	"strings"
	"testing"
)

// schemes are published prefixes and lengths, written down a second time.
var schemes = []struct {
	prefix  string
	lengths []int
}{
	{"4", []int{13, 16, 19}}, {"51", []int{16}}, {"55", []int{16}}, {"2221", []int{16}}, {"2720", []int{16}}, {"34", []int{15}}, {"37", []int{15}}, {"305", []int{14}}, {"36", []int{14}},
	{"6011", []int{16}}, {"65", []int{16}}, {"3528", []int{16}}, {"3589", []int{16}}, {"62", []int{16, 19}}, {"6304", []int{13, 16, 19}}, {"6763", []int{16}}, {"2200", []int{16}}, {"2204", []int{16}},
	{"8600", []int{16}}, {"9860", []int{16}}, {"9112", []int{16}}, {"9417", []int{16}}, {"9051", []int{16}}, {"9792", []int{16}},
}

// A card number of any scheme is found in whatever text it stands, written together or
// in groups as on the card.
func FuzzPlantedCardNumber(f *testing.F) {
	for i := range schemes {
		for length := range uint8(3) {
			f.Add(uint8(i), length, "012345678901234567", uint8(i), "card: ", " thanks")
		}
		f.Add(uint8(i), uint8(i), "999999999999999999", uint8(i+1), "+7701 550e8400-e29b-41d4-a716-446655440000 ", "\xff0")
	}
	joints := []string{"", " ", "-", "\u00a0", "\u2013", "\u2009"}
	f.Fuzz(func(t *testing.T, scheme, length uint8, digits string, joint uint8, before, after string) {
		issuer := schemes[int(scheme)%len(schemes)]
		number := issuer.prefix
		for _, c := range []byte(digits) {
			number += string(rune('0' + c%10))
		}
		want := issuer.lengths[int(length)%len(issuer.lengths)]
		if len(number) < want-1 {
			return
		}
		number = checked(number[:want-1])
		written := number
		if groups := map[int][]int{16: {4, 4, 4, 4}, 15: {4, 6, 5}, 14: {4, 6, 4}, 19: {4, 4, 4, 4, 3}}[len(number)]; groups != nil {
			var parts []string
			rest := number
			for _, n := range groups {
				parts, rest = append(parts, rest[:n]), rest[n:]
			}
			written = strings.Join(parts, joints[int(joint)%len(joints)])
		}
		if among := "12 " + written + " 27"; !hasCardNumber(among) {
			t.Errorf("%q passed", among)
		}
		for _, text := range []string{written, before + "(" + written + ")" + after, "no. " + number} {
			if !hasCardNumber(text) {
				t.Errorf("%q passed", text)
			}
		}
		last := number[len(number)-1]
		if wrong := number[:len(number)-1] + string('0'+(last-'0'+1)%10); hasCardNumber(wrong) {
			t.Errorf("%q has a wrong check digit", wrong)
		}
	})
}

// checked appends the check digit (ISO/IEC 7812), computed another way than luhn does.
func checked(number string) string {
	doubled := [10]int{0, 2, 4, 6, 8, 1, 3, 5, 7, 9}
	sum, double := 0, true
	for i := len(number) - 1; i >= 0; i-- {
		if d := int(number[i] - '0'); double {
			sum += doubled[d]
		} else {
			sum += d
		}
		double = !double
	}
	return number + string(rune('0'+(10-sum%10)%10))
}
