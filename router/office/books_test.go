package office

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
	"github.com/payrouter/payrouter/router/reconcile"
)

// bigDay is a gateway's day of n payments, of which two books tell: ours, which are filled, and
// the gateway's, which are told line by line and held nowhere. Of every stretch of payments some
// are told wrongly, each in a way of its own.
type bigDay struct {
	bank
	n int
}

// stretch is how many payments there are to one disagreement of each kind.
const stretch = 500

// What is wrong with a payment, by its place in its stretch. All others agree.
const (
	wrongOmitted = iota + 1
	wrongAmount
	wrongCurrency
	wrongUnreadable
	wrongDeclined
	wrongTwice
	wrongStranger
	wrongSecond
	wrongReturned
	wrongFee
	wrongSettled
	wrongUnreturned
	wrongLost
)

var (
	bigSum   = tenge(1000000)
	contract = reconcile.Fees{{Currency: "KZT", BasisPoints: 200}}
	morning  = time.Date(2026, 11, 23, 0, 30, 0, 0, almaty).UTC()
)

const payout = 72 * time.Hour

func (b *bigDay) at(i int) time.Time {
	return morning.Add(time.Duration(i) * (23 * time.Hour / time.Duration(b.n))).Truncate(time.Microsecond)
}

func bigID(i int) string { return fmt.Sprintf("019b76da-0000-7000-8000-%012d", i) }

// want are the findings that the day must come to: by kind and payment or order, and whether
// they stay open.
func (b *bigDay) want() map[string]journal.FindingState {
	want := map[string]journal.FindingState{}
	for i := range b.n {
		kind, about := reconcile.Kind(""), bigID(i)
		switch i % stretch {
		case wrongOmitted:
			kind = reconcile.UnknownToThem
		case wrongAmount:
			kind = reconcile.AmountDiffers
		case wrongCurrency:
			kind = reconcile.CurrencyDiffers
		case wrongUnreadable, wrongDeclined, wrongLost:
			kind = reconcile.StateDiffers
		case wrongTwice:
			kind = reconcile.DuplicateLine
		case wrongStranger:
			kind, about = reconcile.UnknownToUs, "nobody-"+strconv.Itoa(i)
		case wrongSecond:
			kind = reconcile.UnknownToUs
		case wrongReturned:
			kind = reconcile.RefundUnknownToUs
			want[string(payment.ReturnedElsewhere)+" "+about] = journal.FindingOpen
		case wrongFee:
			kind = reconcile.FeeDiffers
		case wrongSettled:
			kind = reconcile.SettledLate
		case wrongUnreturned:
			kind = reconcile.RefundMissing
		default:
			continue
		}
		want[string(kind)+" "+about] = journal.FindingOpen
		if i%stretch == wrongLost {
			want[string(kind)+" "+about] = journal.FindingClosed
		}
	}
	return want
}

// Report tells the books. Nothing is kept: each line is made when it is told.
func (b *bigDay) Report(_ context.Context, w providers.Window, line func(providers.StatementLine) error) error {
	var all []providers.StatementLine
	for i := range b.n {
		at := b.at(i)
		if at.Before(w.From) || !at.Before(w.To) {
			continue
		}
		l := providers.StatementLine{Kind: providers.LineCharge, Order: "ref-" + strconv.Itoa(i), External: "x" + strconv.Itoa(i), Verdict: providers.Approved,
			Amount: bigSum, Fee: tenge(20000), At: at, Settled: at.Add(24 * time.Hour), Code: "Approved"}
		other := l
		all = append(all[:0], l)
		switch i % stretch {
		case wrongOmitted:
			all = all[:0]
		case wrongAmount:
			all[0].Amount.Minor++
		case wrongCurrency:
			all[0].Amount.Currency = "USD"
		case wrongUnreadable:
			all[0].Verdict = providers.Unknown
		case wrongDeclined:
			all[0].Verdict = providers.Declined
		case wrongTwice:
			all = append(all, l)
		case wrongStranger:
			other.Order, other.External = "nobody-"+strconv.Itoa(i), "y"+strconv.Itoa(i)
			all = append(all, other)
		case wrongSecond:
			other.External = "z" + strconv.Itoa(i)
			all = append(all, other)
		case wrongReturned:
			other.Kind, other.External, other.Amount, other.Fee = providers.LineRefund, "b"+strconv.Itoa(i), tenge(30000), tenge(0)
			all = append(all, other)
		case wrongFee:
			all[0].Fee.Minor += 50
		case wrongSettled:
			all[0].Settled = at.Add(10 * 24 * time.Hour)
		}
		for _, l := range all {
			if err := line(l); err != nil {
				return err
			}
		}
	}
	return nil
}

// fill writes our books, many payments in one commit: the journal's own door makes two of each.
func (b *bigDay) fill(ctx context.Context, db *sql.DB) error {
	const page = 1000
	for from := 0; from < b.n; from += page {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		var rows bigRows
		for i := from; i < min(from+page, b.n); i++ {
			if err := rows.add(b, i); err != nil {
				return err
			}
		}
		if err := rows.insert(ctx, tx); err != nil {
			_ = tx.Rollback()
			return err
		}
		if err := tx.Commit(); err != nil {
			return err
		}
	}
	return nil
}

// bigRows are the rows of some payments, as the journal writes them.
type bigRows struct{ payments, attempts, refunds, events [][]any }

func (r *bigRows) add(b *bigDay, i int) error {
	id, at, reference := bigID(i), b.at(i), "ref-"+strconv.Itoa(i)
	bodies := []payment.Body{
		payment.Opened{ID: id, Tenant: "shop", RequestID: id, Amount: bigSum, Methods: []providers.Method{providers.QR}, Deadline: at.Add(time.Hour)},
		payment.Planned{Attempt: 1, Gateway: gateway, Provider: "bank", Method: providers.QR, Flow: providers.Direct, Reference: reference},
	}
	verdict, external := providers.Unknown, ""
	if i%stretch != wrongLost {
		verdict, external = providers.Approved, "x"+strconv.Itoa(i)
		bodies = append(bodies, payment.Observed{Attempt: 1, Source: payment.FromResponse, Verdict: verdict, External: external, Amount: bigSum})
	}
	if i%stretch == wrongUnreturned {
		bodies = append(bodies, payment.RefundRequested{Refund: "f", RequestID: "f", Amount: tenge(30000)},
			payment.OperationPlanned{Operation: 1, Op: payment.OpRefund, Attempt: 1, Amount: tenge(30000), Refund: "f"},
			payment.OperationObserved{Operation: 1, Source: payment.FromResponse, Verdict: providers.Approved})
		r.refunds = append(r.refunds, []any{id, 1, 1, gateway, "", "", providers.Approved.String(), at.UnixMicro(), at.UnixMicro()})
	}
	for n, body := range bodies {
		text, err := payment.EncodeBody(body)
		if err != nil {
			return err
		}
		r.events = append(r.events, []any{id, n + 1, at.UnixMicro(), "router", body.Kind(), string(text), "w" + strconv.Itoa(i)})
	}
	status, risk := payment.StatusPaid, verdict == providers.Unknown
	if risk {
		status = payment.StatusProcessing
	}
	r.payments = append(r.payments, []any{id, "shop", "", false, string(status), gateway, risk, len(bodies), at.UnixMicro(), at.UnixMicro(), "{}"})
	r.attempts = append(r.attempts, []any{id, 1, gateway, "bank", reference, external, verdict.String(), bigSum.Minor, bigSum.Currency, at.UnixMicro(), true, risk, at.UnixMicro()})
	return nil
}

func (r *bigRows) insert(ctx context.Context, tx *sql.Tx) error {
	for _, table := range []struct {
		name string
		rows [][]any
	}{
		{"payments (id, tenant, order_ref, order_open, status, gateway, at_risk, seq, created_at, updated_at, payer)", r.payments},
		{"attempts (payment_id, n, gateway, provider, reference, external, verdict, amount, currency, planned_at, unclosed, at_risk, last_at)", r.attempts},
		{"refunds (payment_id, operation, attempt, gateway, own, external, verdict, planned_at, last_at)", r.refunds},
		{"events (payment_id, seq, at, actor, kind, body, writer)", r.events},
	} {
		for rows := table.rows; len(rows) > 0; {
			n := min(100, len(rows))
			var places []string
			var args []any
			for _, row := range rows[:n] {
				var of []string
				for range row {
					of = append(of, "$"+strconv.Itoa(len(args)+len(of)+1))
				}
				places, args = append(places, "("+strings.Join(of, ", ")+")"), append(args, row...)
			}
			if _, err := tx.ExecContext(ctx, "INSERT INTO "+table.name+" VALUES "+strings.Join(places, ", "), args...); err != nil {
				return err
			}
			rows = rows[n:]
		}
	}
	return nil
}
