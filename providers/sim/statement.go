package sim

import (
	"iter"
	"time"
)

// movement is what the statements of a face have rows of: a payment, a transaction, an entry of the books.
type movement interface {
	// rowDate is when the row says that it happened; zero where it has no date.
	rowDate() time.Time
}

// statementRow is one row of a statement before its face writes it.
type statementRow[M movement] struct {
	of M
	at time.Time // its date, by which faces choose and show it
}

// listing is what one answer shows of all that happened at a face.
type listing[M movement] struct {
	all    iter.Seq[M]          // the movements in the order of the list
	within func(time.Time) bool // the dates that it is about; nil is any
}

// rows are the rows of a list. Faces write those of a page; one that is not on it costs a look at its date.
func (l listing[M]) rows() iter.Seq[statementRow[M]] {
	return func(yield func(statementRow[M]) bool) {
		for m := range l.all {
			at := m.rowDate()
			if (l.within == nil || l.within(at)) && !yield(statementRow[M]{of: m, at: at}) {
				return
			}
		}
	}
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
