package audit

import "regexp"

// What people write may hold what a record must not: it is never erased (SAFETY I13).
var (
	kept = `(?i)\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b` + // ids of payments and the like
		`|\b(?:19|20)[0-9]{2}-[0-9]{2}-[0-9]{2}\b` // dates
	address  = `[^\s@<>]+@[^\s@<>]+`
	number   = `\+?\pN(?:[ ().-]{0,3}\pN){9,}` // of ten digits and more: phones, IINs, cards
	personal = regexp.MustCompile(`(` + kept + `)|(` + address + `)|(` + number + `)`)
)

// Impersonal is a text with every e-mail address and every long number taken out, written
// together or not. Ids and dates stay.
func Impersonal(text string) string {
	out, from := "", 0
	for _, at := range personal.FindAllStringSubmatchIndex(text, -1) {
		out += text[from:at[0]]
		switch {
		case at[2] >= 0:
			out += text[at[0]:at[1]]
		case at[4] >= 0:
			out += "<e-mail>"
		default:
			out += "<number>"
		}
		from = at[1]
	}
	return out + text[from:]
}
