package server

import (
	"errors"
	"strings"

	"google.golang.org/grpc"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/router/office"
)

// StreamStatement tells what a gateway's own books say of some days.
func (s finance) StreamStatement(r *pb.StreamStatementRequest, stream grpc.ServerStreamingServer[pb.StreamStatementResponse]) error {
	ctx := stream.Context()
	if s.options.Office == nil {
		return noStatementSource(r.GetGateway(), office.ErrNoBooks)
	}
	gateway, _ := parseGateway(r.GetGateway())
	e, err := s.options.Office.Extract(ctx, gateway, r.GetFromDay(), r.GetToDay())
	switch {
	case errors.Is(err, office.ErrNoBooks):
		return noStatementSource(r.GetGateway(), err)
	case errors.Is(err, office.ErrManyDays):
		return wrongPiece("to_day", "is before from_day, or more than a year after it")
	case errors.Is(err, office.ErrReadAnew):
		return readAnew()
	case err != nil:
		return s.refusal(ctx, err, about{name: r.GetGateway()})
	case len(e.Missing) > 0 && !r.GetAllowMissingDays():
		return daysMissing(r.GetGateway(), e.Missing)
	}
	head := &pb.StreamStatementResponse_Head{Gateway: gatewayName(e.Gateway), Provider: e.Provider, FromDay: e.FromDay, ToDay: e.ToDay, TimeZone: e.Zone.String(),
		MissingDays: e.Missing, CreateTime: instant(e.Created)}
	for _, t := range e.Totals {
		head.Totals = append(head.Totals, &pb.StreamStatementResponse_Total{CurrencyCode: t.Currency, Charges: t.Charges, ChargedMinorUnits: t.Charged, Refunds: t.Refunds,
			RefundedMinorUnits: t.Refunded, FeesMinorUnits: t.Fees, FeesExpectedMinorUnits: t.FeesExpected, NetMinorUnits: t.Net, OpenFindings: t.Open})
	}
	f := newFeed(ctx, s.options.WatchFor, nil, stream.Send)
	defer f.stop()
	if err := f.send(&pb.StreamStatementResponse{Part: &pb.StreamStatementResponse_Head_{Head: head}}); err != nil {
		return err
	}
	err = e.Each(ctx, func(page []office.Movement) error {
		rows := &pb.StreamStatementResponse_Rows{}
		for _, m := range page {
			rows.Rows = append(rows.Rows, rowOut(m))
		}
		return f.send(&pb.StreamStatementResponse{Part: &pb.StreamStatementResponse_Rows_{Rows: rows}})
	})
	if errors.Is(err, office.ErrReadAnew) {
		return readAnew()
	}
	if err != nil {
		return err
	}
	return f.finish()
}

func readAnew() *fault {
	return reconnect("a day of the statement was read anew meanwhile, so that this is not all of it: ask again")
}

func rowOut(m office.Movement) *pb.StreamStatementResponse_Row {
	out := &pb.StreamStatementResponse_Row{Time: instant(m.At), Day: m.Day, Kind: string(m.Kind), OrderId: m.Order, Reference: m.StatementLine.Order, ExternalId: m.External,
		Amount: moneyOut(m.Amount), Fee: amountIfAny(m.Fee), FeeExpected: m.FeeExpected, Net: moneyOut(m.Net), SettleTime: instant(m.Settled)}
	if m.Payment != "" {
		out.Payment = paymentName(m.Payment)
	}
	return out
}

func daysMissing(gateway string, days []string) *fault {
	return newFault(pb.ErrorReason_ERROR_REASON_DAYS_MISSING, "no statement of the provider's has been read of some of the days",
		map[string]string{"gateway": gateway, "days": strings.Join(days, " ")})
}
