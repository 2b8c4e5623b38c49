package server

import (
	"context"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// action is what the payer must do now, while somebody waits for the payer.
func (s *Server) action(ctx context.Context, p payment.Payment) *pb.Action {
	a, open := p.OpenAttempt()
	if !open || a.Action == nil || p.Status() != payment.StatusAwaitingPayer {
		return nil
	}
	out := &pb.Action{
		Gateway:    gatewayName(a.Gateway),
		Method:     methodsOut[a.Method],
		ExpireTime: instant(a.Action.Expires),
		Attempt:    attemptName(p.ID, a.N),
	}
	for _, earlier := range p.Attempts[:a.N-1] {
		if earlier.Shown {
			out.SupersedesAttempt = attemptName(p.ID, earlier.N)
		}
	}
	switch a.Action.Kind {
	case providers.Redirect:
		out.Kind = &pb.Action_Redirect_{Redirect: &pb.Action_Redirect{Url: a.Action.URL}}
	case providers.ShowQR:
		out.Kind = &pb.Action_Qr_{Qr: &pb.Action_Qr{Text: a.Action.Text, Url: a.Action.URL}}
	case providers.SubmitForm:
		out.Kind = &pb.Action_Form_{Form: &pb.Action_Form{Url: a.Action.URL, Method: "POST", Fields: a.Action.Fields}}
	case providers.RunWidget:
		out.Kind = &pb.Action_Widget_{Widget: &pb.Action_Widget{ScriptUrl: a.Action.URL, ObjectJson: a.Action.Text}}
	case providers.ConfirmPush:
		out.Kind = &pb.Action_Push_{Push: &pb.Action_Push{PhoneMasked: s.maskedPhone(ctx, p), Service: a.Action.Service}}
	case providers.TypeAccount:
		out.Kind = &pb.Action_Account_{Account: &pb.Action_Account{Service: a.Action.Service, Number: a.Action.Number}}
	}
	return out
}

// maskedPhone is the phone that rings, as much of it as its owner needs to know it by.
func (s *Server) maskedPhone(ctx context.Context, p payment.Payment) string {
	payer, err := s.router.Journal.Payer(ctx, p.ID)
	if err != nil {
		s.log.Warn("a payer's phone could not be read", "payment", p.ID, "error", err.Error())
		return ""
	}
	return maskPhone(payer.Phone)
}

// maskPhone hides the middle of a number in E.164: "+7 701 *** ** 67". Where country
// codes end is not known for all, so other numbers show their first three digits.
func maskPhone(phone string) string {
	switch n := len(phone); {
	case n < 8:
		return ""
	case n == 12 && phone[:2] == "+7":
		return "+7 " + phone[2:5] + " *** ** " + phone[n-2:]
	default:
		return phone[:4] + " *** ** " + phone[n-2:]
	}
}
