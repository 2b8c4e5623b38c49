package server

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/health"
	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/journal"
)

// fewPayments is below how many payments shares say little: one payment then moves a
// share by more than five points.
const fewPayments = 20

// forecastOut tells a forecast in numbers and in sentences, what should make an
// operator think twice first.
func forecastOut(o journal.Override, f router.Forecast, stake router.Stake, egressDown bool) *pb.Forecast {
	out := &pb.Forecast{
		Window:              durationpb.New(f.Window),
		PaymentsConsidered:  f.Considered,
		Unservable:          f.Unservable,
		LiveOffers:          f.Offers,
		LastOfferExpireTime: instant(f.LastOffer),
		AtRisk:              risksOut(f.AtRisk),
		NeedsSecondPerson:   stake.Why != nil,
	}
	line := func(kind string, warning bool, format string, args ...any) {
		out.Lines = append(out.Lines, &pb.Forecast_Line{Kind: kind, Text: fmt.Sprintf(format, args...), Warning: warning})
	}
	if health.Mode(o.Mode) == health.Admit {
		line("forced", true, "new payments go to %s whatever breakers and probes say", o.Gateway)
	}
	if egressDown {
		line("egress", true, "no gateway can be reached from here: our own way out is down, and no other gateway helps")
	}
	if stake.Why != nil {
		line("second_person", true, "another operator must give the same order within %s: %s", router.ProposalFor, stake.Why)
	}
	if f.Considered > 0 {
		now := ""
		if f.Nowhere > 0 {
			now = fmt.Sprintf("; now it is %d", f.Nowhere)
		}
		line("unservable", f.Unservable > 0, "payments that could go nowhere: %d of %d%s", f.Unservable, f.Considered, now)
	}
	switch {
	case f.Offers > 0 && f.LastOffer.IsZero():
		line("live_offers", true, "offers that stay behind and can still be paid at %s: %d", o.Gateway, f.Offers)
	case f.Offers > 0:
		line("live_offers", true, "offers that stay behind and can still be paid at %s: %d, the last one until %s", o.Gateway, f.Offers, f.LastOffer.UTC().Format("2006-01-02 15:04:05 MST"))
	default:
		line("live_offers", false, "no offer is open at %s", o.Gateway)
	}
	for _, e := range f.AtRisk {
		line("at_risk", e.Verdict == providers.Unknown.String(), "%s is %s at %s (attempts: %d), the oldest since %s",
			providers.Money{Minor: e.Amount, Currency: e.Currency}, e.Verdict, o.Gateway, e.Count, e.Oldest.UTC().Format("2006-01-02 15:04:05 MST"))
	}
	for _, shift := range f.Shifts {
		out.Shifts = append(out.Shifts, &pb.Forecast_Shift{Gateway: gatewayName(shift.Gateway), BeforeBasisPoints: shift.Before, AfterBasisPoints: shift.After})
		line("shift", false, "%s: %s of new payments, then %s", shift.Gateway, percent(shift.Before), percent(shift.After))
	}
	for _, l := range f.Loads {
		out.Loads = append(out.Loads, &pb.Forecast_Load{Gateway: gatewayName(l.Gateway), RecentPeak: int32(l.Peak), Moving: int32(l.Moving), MaxConcurrent: int32(l.Most)})
		verdict := "it fits"
		if !l.Fits() {
			verdict = "more than that is refused"
		}
		line("capacity", !l.Fits(), "%s had up to %d calls at once, and up to %d would come: %d of the %d that it may have, %s",
			l.Gateway, l.Peak, l.Moving, l.Peak+l.Moving, l.Most, verdict)
		if l.Nowhere > 0 {
			line("capacity", true, "payments that can go nowhere now and would come to %s too: %d, and nobody knows how many at once", l.Gateway, l.Nowhere)
		}
	}
	for _, fee := range f.Fees {
		out.Fees = append(out.Fees, &pb.Forecast_Fee{CurrencyCode: fee.Currency, BeforeMinorUnits: fee.Before, AfterMinorUnits: fee.After,
			KnownPayments: fee.Known, UnknownPayments: fee.Unknown})
		if fee.Known > 0 {
			said := func(minor int64) providers.Money { return providers.Money{Minor: minor, Currency: fee.Currency} }
			line("fees", false, "fees of these payments by contract: %s, then %s (%s, of %d payments)", said(fee.Before), said(fee.After), signed(said(fee.After-fee.Before)), fee.Known)
		}
		if fee.Unknown > 0 {
			line("fees", false, "fees of %d payments in %s are not known: no contract is configured for them at %s (gateways[].books.fees)",
				fee.Unknown, fee.Currency, strings.Join(f.FeeUnknown[fee.Currency], ", "))
		}
	}
	switch {
	case f.Considered == 0:
		line("traffic", true, "there were no payments in the last %s: nothing is known about shares", f.Window)
	case f.Considered < fewPayments:
		line("traffic", true, "judged by few payments, %d of the last %s", f.Considered, f.Window)
	default:
		line("traffic", false, "judged by payments of the last %[2]s: %[1]d", f.Considered, f.Window)
	}
	return out
}

// signed writes a difference with its sign.
func signed(m providers.Money) string {
	if m.Minor > 0 {
		return "+" + m.String()
	}
	return m.String()
}

// percent writes hundredths of a percent.
func percent(basisPoints int32) string {
	return fmt.Sprintf("%d.%02d %%", basisPoints/100, basisPoints%100)
}

func risksOut(all []journal.Exposure) []*pb.Gateway_Risk {
	var out []*pb.Gateway_Risk
	for _, e := range all {
		var verdict providers.Verdict // a name nobody knows stays Unknown
		_ = verdict.UnmarshalText([]byte(e.Verdict))
		out = append(out, &pb.Gateway_Risk{Verdict: verdictsOut[verdict], Amount: &pb.Money{MinorUnits: e.Amount, CurrencyCode: e.Currency},
			Count: e.Count, OldestTime: instant(e.Oldest)})
	}
	return out
}
