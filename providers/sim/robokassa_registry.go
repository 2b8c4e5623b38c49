package sim

import (
	"encoding/csv"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// serveRegistry is a CSV in the shape of an export that a merchant makes in the cabinet: an invention of this bank, because
// Robokassa's own is not public (notes, section 9). It has every real payment that was opened, oldest first.
func (r *robokassa) serveRegistry(w http.ResponseWriter, _ *http.Request) {
	var out strings.Builder
	table := csv.NewWriter(&out)
	table.Comma = ';'
	_ = table.Write([]string{"InvId", "OutSum", "Fee", "State", "OpKey", "PaidAt", "RefundedSum"}) // a Builder takes everything
	r.b.mu.Lock()
	for _, p := range r.payments {
		if p.test || p.state == robokassaUnopened {
			continue
		}
		paidAt, fee := "", int64(0)
		if !p.paidAt.IsZero() {
			paidAt, fee = p.paidAt.In(robokassaZone).Format(time.RFC3339), robokassaFee(p.sum())
		}
		_ = table.Write([]string{p.Reference, major(p.sum()), major(fee), strconv.Itoa(p.state), p.ID, paidAt, major(p.Refunded)})
	}
	r.b.mu.Unlock()
	table.Flush()
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	_, _ = w.Write([]byte(out.String()))
}
