package wayforpay

import (
	"strings"
	"testing"

	"github.com/payrouter/payrouter/providers"
)

// codeCases is the table of the notes, section 6, a second time and by hand: a signed
// "Declined" with the code, as the answer of a CHARGE and of a REFUND.
var codeCases = []struct {
	code      string
	charge    providers.Verdict
	why       providers.Reason
	operation providers.Verdict
	opWhy     providers.Reason
}{
	{"1100", providers.Unknown, providers.Ambiguous, providers.Unknown, providers.Ambiguous},
	{"4100", providers.Unknown, providers.UnknownCode, providers.Unknown, providers.Ambiguous},
	{"1101", providers.Declined, providers.DeclinedHard, providers.Unknown, providers.UnknownCode},
	{"1102", providers.Declined, providers.DeclinedHard, providers.Unknown, providers.UnknownCode},
	{"1103", providers.Declined, providers.DeclinedHard, providers.Unknown, providers.UnknownCode},
	{"1104", providers.Declined, providers.DeclinedSoft, providers.Unknown, providers.UnknownCode},
	{"1105", providers.Declined, providers.DeclinedHard, providers.Unknown, providers.UnknownCode},
	{"1106", providers.Declined, providers.DeclinedSoft, providers.Unknown, providers.UnknownCode},
	{"1108", providers.Declined, providers.DeclinedHard, providers.Unknown, providers.UnknownCode},
	{"1109", providers.Unserved, providers.Misconfigured, providers.Unserved, providers.Misconfigured},
	{"1110", providers.Unserved, providers.Unsupported, providers.Declined, providers.Refused},
	{"1112", providers.Unknown, providers.Duplicate, providers.Unknown, providers.UnknownCode},
	{"1113", providers.Unserved, providers.Misconfigured, providers.Unserved, providers.Misconfigured},
	{"1114", providers.Declined, providers.DeclinedHard, providers.Unknown, providers.UnknownCode},
	{"1115", providers.Unserved, providers.Misconfigured, providers.Unserved, providers.Misconfigured},
	{"1116", providers.Unserved, providers.Unsupported, providers.Unknown, providers.UnknownCode},
	{"1117", providers.Unserved, providers.Misconfigured, providers.Unserved, providers.Misconfigured},
	{"1118", providers.Unserved, providers.Unsupported, providers.Declined, providers.Refused},
	{"1120", providers.Unserved, providers.Maintenance, providers.Unknown, providers.UnknownCode},
	{"1121", providers.Unserved, providers.Misconfigured, providers.Unserved, providers.Misconfigured},
	{"1122", providers.Unknown, providers.Ambiguous, providers.Declined, providers.Refused},
	{"1123", providers.Unknown, providers.UnknownCode, providers.Declined, providers.Refused},
	{"1124", providers.Declined, providers.CanceledByPayer, providers.Unknown, providers.UnknownCode},
	{"1125", providers.Declined, providers.CanceledByPayer, providers.Unknown, providers.UnknownCode},
	{"1126", providers.Unknown, providers.Ambiguous, providers.Declined, providers.Refused},
	{"1127", providers.Unknown, providers.Ambiguous, providers.Unserved, providers.NotFound},
	{"1128", providers.Unknown, providers.UnknownCode, providers.Declined, providers.Refused},
	{"1129", providers.Unknown, providers.Ambiguous, providers.Unknown, providers.Ambiguous},
	{"1130", providers.Unserved, providers.Unsupported, providers.Declined, providers.Refused},
	{"1131", providers.Unknown, providers.Ambiguous, providers.Unknown, providers.Ambiguous},
	{"1132", providers.Unknown, providers.Ambiguous, providers.Unknown, providers.Ambiguous},
	{"1133", providers.Unserved, providers.Misconfigured, providers.Unknown, providers.UnknownCode},
	{"1134", providers.Unknown, providers.Ambiguous, providers.Unknown, providers.Ambiguous},
	{"1135", providers.Declined, providers.DeclinedSoft, providers.Unknown, providers.UnknownCode},
	{"1136", providers.Unknown, providers.UnknownCode, providers.Unserved, providers.Throttled},
	{"1137", providers.Unserved, providers.Unsupported, providers.Declined, providers.Refused},
	{"1138", providers.Unknown, providers.UnknownCode, providers.Unknown, providers.Ambiguous},
	{"1139", providers.Unknown, providers.UnknownCode, providers.Unknown, providers.UnknownCode},
	{"1140", providers.Unknown, providers.UnknownCode, providers.Unknown, providers.UnknownCode},
	{"1141", providers.Unknown, providers.UnknownCode, providers.Declined, providers.Refused},
	{"1142", providers.Declined, providers.DeclinedHard, providers.Unknown, providers.UnknownCode},
	{"1143", providers.Unserved, providers.Unsupported, providers.Unknown, providers.UnknownCode},
	{"1144", providers.Unknown, providers.Ambiguous, providers.Unknown, providers.Ambiguous},
	{"1145", providers.Unknown, providers.Ambiguous, providers.Unknown, providers.Ambiguous},
	{"1146", providers.Declined, providers.DeclinedHard, providers.Unknown, providers.UnknownCode},
	{"1147", providers.Unserved, providers.Misconfigured, providers.Unserved, providers.Misconfigured},
	{"1148", providers.Unserved, providers.Misconfigured, providers.Unserved, providers.Misconfigured},
	{"1149", providers.Unserved, providers.Misconfigured, providers.Unserved, providers.Misconfigured},
	{"1151", providers.Unknown, providers.Ambiguous, providers.Unknown, providers.Ambiguous},
	{"4107", providers.Unknown, providers.UnknownCode, providers.Declined, providers.Refused},
	{"5100", providers.Unknown, providers.Ambiguous, providers.Unknown, providers.Ambiguous},
	{"5105", providers.Unknown, providers.Ambiguous, providers.Unknown, providers.Ambiguous},
	{"1107", providers.Unknown, providers.UnknownCode, providers.Unknown, providers.UnknownCode}, // there is none
	{"9999", providers.Unknown, providers.UnknownCode, providers.Unknown, providers.UnknownCode},
	{"", providers.Unknown, providers.UnknownCode, providers.Unknown, providers.UnknownCode},
}

func TestEveryDocumentedCodeIsInBothTables(t *testing.T) {
	cases := map[string]bool{}
	for _, c := range codeCases {
		cases[c.code] = true
	}
	for code := range codes {
		if !cases[code] {
			t.Errorf("code %s has no case", code)
		}
	}
	if missing := len(codeCases) - len(codes); missing != 3 {
		t.Errorf("%d codes are not in the table, want the three nobody documented", missing)
	}
}

func TestCodesOfADeclinedTokenCharge(t *testing.T) {
	for _, c := range codeCases {
		t.Run(c.code, func(t *testing.T) {
			g, _ := open(t, nil, says("Declined", c.code, "rec-1", "250"))
			got := g.Charge(t.Context(), providers.Charge{Ref: token(t, "rec-1", "250"), Instrument: providers.Token{Value: providers.NewSecret("t")}})
			verdict(t, got, c.charge, c.why)
			if got.Absent {
				t.Error("only a look-up can say that there is no order")
			}
		})
	}
}

func TestCodesOfADeclinedRefund(t *testing.T) {
	for _, c := range codeCases {
		t.Run(c.code, func(t *testing.T) {
			g, _ := open(t, nil, saysShort("Declined", c.code, "rt-1"))
			got := g.Refund(t.Context(), providers.Refund{Ref: link(t, "rt-1", "250"), ID: "rf1", Amount: hryvnias(t, "10")})
			verdict(t, got, c.operation, c.opWhy)
		})
	}
}

// Captures and voids differ from refunds in one code: an order that stands otherwise
// than we think must be looked at, not given up.
func TestCodesOfADeclinedCaptureAndVoid(t *testing.T) {
	for _, c := range codeCases {
		t.Run(c.code, func(t *testing.T) {
			want, why := c.operation, c.opWhy
			if c.code == "1126" {
				want, why = providers.Unknown, providers.Ambiguous
			}
			answer := saysShort("Declined", c.code, "rec-1")
			ref := token(t, "rec-1", "250")
			ref.TwoStage = true
			g, _ := open(t, nil, answer, says("WaitingAuthComplete", "1100", "rec-1", "250"), answer)
			verdict(t, g.Capture(t.Context(), ref, hryvnias(t, "250")), want, why)
			verdict(t, g.Cancel(t.Context(), ref), want, why)
		})
	}
}

// REMOVE_INVOICE answers unsigned and without a status.
func TestCodesOfARefusedWithdrawal(t *testing.T) {
	for _, c := range codeCases {
		t.Run(c.code, func(t *testing.T) {
			want, why := c.operation, c.opWhy
			switch c.code {
			case "1126":
				want, why = providers.Unknown, providers.Ambiguous
			case "1100":
				want, why = providers.Approved, providers.NoReason
			}
			g, _ := open(t, nil, says("Created", "1131", "rt-1", "250"), `{"reasonCode":"`+c.code+`"}`)
			verdict(t, g.Cancel(t.Context(), link(t, "rt-1", "250")), want, why)
		})
	}
}

// CHECK_STATUS is the authority on a token charge; a card declined on an invoice page
// ends nothing.
func TestCodesOfADeclinedLookup(t *testing.T) {
	for _, c := range codeCases {
		t.Run(c.code, func(t *testing.T) {
			want, why := c.charge, c.why
			if c.code == "1122" {
				want, why = providers.Unserved, providers.Maintenance // safe, now that CHECK_STATUS says so too
			}
			if why == providers.Misconfigured {
				why = providers.Unsupported // the question was answered: the router must believe it
			}
			if want == providers.Unserved && why.AboutTheQuestion() {
				t.Errorf("the case wants %q, which is about the question", why)
			}
			answer := says("Declined", c.code, "rec-1", "250")
			g, _ := open(t, nil, answer, answer)
			got := g.Lookup(t.Context(), token(t, "rec-1", "250"))
			verdict(t, got, want, why)
			if got.Absent != (c.code == "1127") {
				t.Errorf("absent %t", got.Absent)
			}
			if want == providers.Declined || want == providers.Unserved {
				want, why = providers.Pending, providers.AwaitingPayer
			}
			verdict(t, g.Lookup(t.Context(), link(t, "rec-1", "250")), want, why)
		})
	}
}

// Error answers may come unsigned. Whatever they say, they close nothing.
func TestUnsignedAnswersAreDoubtWithTheirCode(t *testing.T) {
	ours := "1109 1110 1113 1115 1116 1117 1121 1130 1133 1137 1143 1147 1148 1149"
	for _, c := range codeCases {
		t.Run(c.code, func(t *testing.T) {
			why := providers.BadSignature
			switch {
			case c.code != "" && strings.Contains(ours, c.code):
				why = providers.Ambiguous
			case c.code == "1112":
				why = providers.Duplicate
			}
			answer := `{"reasonCode":` + "\"" + c.code + "\"" + `,"transactionStatus":"Declined","reason":"no"}`
			g, d := open(t, nil, answer, answer, answer, answer, answer)
			ref := token(t, "rec-1", "250")
			ref.TwoStage = true
			for name, got := range map[string]providers.Result{
				"charge":  g.Charge(t.Context(), providers.Charge{Ref: ref, Instrument: providers.Token{Value: providers.NewSecret("t")}}),
				"lookup":  g.Lookup(t.Context(), ref),
				"capture": g.Capture(t.Context(), ref, ref.Amount),
				"refund":  g.Refund(t.Context(), providers.Refund{Ref: ref, ID: "rf1", Amount: ref.Amount}),
			} {
				why := why
				if name == "lookup" && why == providers.Ambiguous {
					why = providers.Misconfigured // it is about the question
				}
				if got.Verdict != providers.Unknown || got.Reason != why || got.Absent || !strings.Contains(got.Code, c.code) {
					t.Errorf("%s: %+v, want unknown %q", name, got, why)
				}
			}
			if kinds := d.kinds(t); kinds != "CHARGE CHECK_STATUS SETTLE REFUND" {
				t.Errorf("asked %s", kinds)
			}
		})
	}
}
