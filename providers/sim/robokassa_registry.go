package sim

import (
	"encoding/csv"
	"net/http"
	"strconv"
	"strings"
	"time"
)

func (p *robokassaPayment) rowDate() time.Time { return p.paidAt }

// serveRegistry is a CSV in the shape of an export that a merchant makes in the cabinet: an invention of this bank, because
// Robokassa's own is not public (notes, section 9). It has every real payment that was opened, oldest first.
func (r *robokassa) serveRegistry(w http.ResponseWriter, _ *http.Request) {
	var out strings.Builder
	table := csv.NewWriter(&out)
	table.Comma = ';'
	_ = table.Write([]string{"InvId", "OutSum", "Fee", "State", "OpKey", "PaidAt", "RefundedSum"}) // a Builder takes everything
	r.b.mu.Lock()
	opened := each(r.payments, false, func(p *robokassaPayment) bool { return !p.test && p.state != robokassaUnopened })
	for found := range (listing[*robokassaPayment]{face: r.Name(), begins: true, all: opened}).rows(r.b) {
		p := found.of
		row := robokassaRow{number: p.Reference, key: p.ID, sum: p.sum(), refunded: p.Refunded, state: strconv.Itoa(p.state), paidAt: found.at}
		if !p.paidAt.IsZero() {
			row.fee = robokassaFee(p.sum())
		}
		for _, l := range found.lies {
			row.tamper(l)
		}
		_ = table.Write(row.cells())
	}
	r.b.mu.Unlock()
	table.Flush()
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	_, _ = w.Write([]byte(out.String()))
}

// robokassaRow is one row of the registry.
type robokassaRow struct {
	number, key        string
	sum, fee, refunded int64
	state              string
	paidAt             time.Time // zero is not yet
}

func (row *robokassaRow) cells() []string {
	paidAt := ""
	if !row.paidAt.IsZero() {
		paidAt = row.paidAt.In(robokassaZone).Format(time.RFC3339)
	}
	return []string{row.number, major(row.sum), major(row.fee), row.state, row.key, paidAt, major(row.refunded)}
}
