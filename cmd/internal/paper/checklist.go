package paper

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
)

// Checklist is a list of requirements, and what shows that each is met: the report of
// readiness that a bank asks for. Its texts are printed as they are given.
type Checklist struct {
	Title, Subtitle string
	Zone            string // in which all times are told, such as Asia/Almaty
	Created         time.Time
	Items           []Item
}

// Item is one requirement.
type Item struct {
	Name     string
	State    State
	Value    string // what was found
	Needed   string // what is asked for
	Evidence string // what shows it
	Query    string // what was asked to find it; stands below the row
	Time     time.Time
}

// State is how a requirement stands.
type State int

// The states. Without evidence nothing is met.
const (
	NoEvidence State = iota
	Met
	NotMet
)

// WritePDF writes the list, with the number of requirements that are met above it.
func (c Checklist) WritePDF(to io.Writer, l Language) error {
	t, err := tongueOf(l)
	if err != nil {
		return err
	}
	zone, err := zoneOf(c.Zone)
	if err != nil {
		return err
	}
	if c.Created.IsZero() {
		return errors.New("created is not set")
	}
	clock := func(at time.Time) string {
		if at.IsZero() {
			return ""
		}
		return at.In(zone).Format(time.DateTime)
	}
	p := newPages(t, plain(c.Title), plain(c.Title)+" · "+clock(c.Created), c.Created)
	p.paragraph(boldFont, 15, black, c.Title)
	if c.Subtitle != "" {
		p.paragraph(plainFont, 10, black, c.Subtitle)
	}
	p.Ln(1)
	p.labelled(t.say(wordCreated), t.spell(c.Created.In(zone))+", "+c.Created.In(zone).Format(time.TimeOnly))
	p.labelled(t.say(wordZone), c.Zone)
	met := 0
	for _, i := range c.Items {
		if i.State == Met {
			met++
		}
	}
	p.Ln(2)
	p.paragraph(boldFont, 10, black, fmt.Sprintf(t.say(wordMetOf), met, len(c.Items)))
	p.Ln(1)
	list := &table{pages: p, points: 8, lines: 12, shaded: wordState, columns: itemColumns}
	list.head()
	for n, i := range c.Items {
		state, shade := t.standing(i.State)
		note := ""
		if i.Query != "" {
			note = t.say(wordQuery) + ": " + i.Query
		}
		list.noted(shade, note, strconv.Itoa(n+1), i.Name, state, i.Value, i.Needed, i.Evidence, clock(i.Time))
	}
	return p.write(to)
}

func (t tongue) standing(s State) (string, colour) {
	switch s {
	case Met:
		return t.say(wordMet), green
	case NotMet:
		return t.say(wordNotMet), red
	}
	return t.say(wordNoEvidence), brown
}
