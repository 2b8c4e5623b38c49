package freedompay

import (
	"errors"
	"time"
)

// Freedom Pay writes dates as local time of Almaty without an offset (notes, sections 4.3
// and 10). The city moved from UTC+6 to UTC+5 when the 1st of March 2024 began, so a
// program needs no database of time zones for it.
var (
	almatyNow    = time.FixedZone("UTC+5", 5*60*60)
	almatyBefore = time.FixedZone("UTC+6", 6*60*60)
	almatyMoved  = time.Date(2024, time.March, 1, 0, 0, 0, 0, almatyBefore)
)

var errMoment = errors.New("freedompay: a date cannot be read")

// almaty is the zone at an instant.
func almaty(at time.Time) *time.Location {
	if at.Before(almatyMoved) {
		return almatyBefore
	}
	return almatyNow
}

// parseMoment reads a local time of Almaty. The hour that came twice in the night of the
// move is taken for the first one.
func parseMoment(text string) (time.Time, error) {
	at, err := time.ParseInLocation(time.DateTime, text, almatyBefore)
	if err != nil {
		return time.Time{}, errMoment
	}
	if !at.Before(almatyMoved) {
		at = at.Add(time.Hour) // the same digits in the later zone
	}
	return at.UTC(), nil
}
