package sim

import (
	"iter"
	"slices"
	"time"
)

// movement is what the statements of a face have rows of: a payment, a transaction, an entry of the books.
type movement interface {
	// rowDate is when the row says that it happened; zero where it has no date.
	rowDate() time.Time
	// rowName is what Tamper.Match finds it by, and whether it is money that went back.
	rowName() (reference, id string, back bool)
}

// rowName is that of a face whose rows are its objects, refunds included.
func (o *Object) rowName() (reference, id string, back bool) { return o.Reference, o.ID, false }

// statementRow is one row of a statement before its face writes it.
type statementRow[M movement] struct {
	of   M
	at   time.Time // its date, by which faces choose and show it
	lies []lie     // what is not true about it
}

// listing is what one answer shows of all that happened at a face.
type listing[M movement] struct {
	face   string // whose tampers count; empty where only the truth will do
	begins bool   // it has the first page
	// all are the movements in the order of the list, which is one of dates, in either direction, or none.
	all         iter.Seq[M]
	newestFirst bool
	within      func(time.Time) bool // the dates that it is about; nil is any
}

// rows are the rows of a list, shown as the tampers want it. Faces write those of a page, and let each lie of a row change what
// they wrote. While no tamper is about the face, a row costs a look at its date. The caller holds the lock.
func (l listing[M]) rows(b *Bank) iter.Seq[statementRow[M]] {
	rules := b.rulings(l.face, l.begins)
	if len(rules.all) > 0 {
		return slices.Values(l.tampered(rules))
	}
	return func(yield func(statementRow[M]) bool) {
		for m := range l.all {
			if at := m.rowDate(); l.holds(at) && !yield(statementRow[M]{of: m, at: at}) {
				return
			}
		}
	}
}

func (l listing[M]) holds(at time.Time) bool { return l.within == nil || l.within(at) }

// tampered are the rows under some rules. What was in the order of its dates still is.
func (l listing[M]) tampered(rules rulings) []statementRow[M] {
	var rows []statementRow[M]
	ordered, moved, last := true, false, time.Time{}
	before := func(a, b time.Time) int {
		if l.newestFirst {
			a, b = b, a
		}
		return a.Compare(b)
	}
	for m := range l.all {
		row, about := statementRow[M]{of: m, at: m.rowDate()}, rules.about(m)
		ordered, last = ordered && (last.IsZero() || before(last, row.at) <= 0), row.at
		for _, r := range about {
			if r.Kind == TamperLate && r.spoils() && !row.at.IsZero() {
				row.at, moved = row.at.Add(time.Duration(r.By)), true
			}
		}
		switch {
		case !l.holds(row.at):
		case len(about) == 0:
			rows = append(rows, row)
		default:
			rows = append(rows, row.under(about)...)
		}
	}
	if ordered && moved {
		slices.SortStableFunc(rows, func(a, b statementRow[M]) int { return before(a.at, b.at) })
	}
	return rows
}

// each goes through what is worth keeping, from the first on or from the last.
func each[M any](all []M, backward bool, keep func(M) bool) iter.Seq[M] {
	return func(yield func(M) bool) {
		for i := range all {
			if backward {
				i = len(all) - 1 - i
			}
			if keep(all[i]) && !yield(all[i]) {
				return
			}
		}
	}
}

// cut takes size rows after the first from, and counts them all.
func cut[R any](rows iter.Seq[R], from, size int) (page []R, total int) {
	for row := range rows {
		if total >= from && len(page) < size {
			page = append(page, row)
		}
		total++
	}
	return page, total
}

// under is what the rules about a row show instead of it, and beside it.
func (row statementRow[M]) under(about []*ruling) []statementRow[M] {
	_, id, _ := row.of.rowName()
	omitted := false
	var beside []lie
	for _, r := range about {
		if r.meet(); !r.spoils() {
			continue
		}
		switch l := r.lie(id); l.Kind {
		case TamperOmit:
			omitted = true
		case TamperAgain, TamperDouble, TamperForeign:
			beside = append(beside, l)
		default:
			row.lies = append(row.lies, l)
		}
	}
	if omitted {
		return nil
	}
	rows := []statementRow[M]{row}
	for _, l := range beside {
		other := row
		switch l.Kind {
		case TamperDouble:
			other.lies = append(slices.Clip(row.lies), l)
		case TamperForeign:
			other.lies = []lie{l}
		}
		rows = append(rows, other)
	}
	return rows
}

// invented says that there is no such movement.
func (row statementRow[M]) invented() (lie, bool) {
	i := slices.IndexFunc(row.lies, func(l lie) bool { return l.Kind == TamperDouble || l.Kind == TamperForeign })
	if i < 0 {
		return lie{}, false
	}
	return row.lies[i], true
}
