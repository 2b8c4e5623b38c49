package halyk

import (
	"strconv"
	"testing"

	"github.com/payrouter/payrouter/providers"
)

// The table of the provider notes, section 6, written down a second time: the
// class and finality of every code.
var documented = []struct {
	class class
	final bool
	codes []int
}{
	{success, true, []int{0}},
	{doubtful, false, []int{100, 293, 690, 1266, 1267, 1268, 1269, 1563, 1564, 1565, 1568, 1569, 1570, 2032, 2249, 2326, 2358, 2656, 2660, 3013, 3014}},
	{doubtful, false, []int{454, 3240, 1611}},
	{doubtful, true, []int{460, 458, 497, 502, 456, 461, 475, 496, 526}},
	{declined, true, []int{459, 455, 473, 499, 500, 503, 877, 457, 471, 472, 478, 485, 501, 522, 462, 463, 466, 480, 487, 490, 495, 521, 523, 527, 2872}},
	{declined, true, []int{465, 467, 479, 481, 482, 483, 489, 492, 524, 525, 468, 484, 486, 488, 491, 2740, 469, 477, 528, 2357}},
	{declined, false, []int{1612, 3339}},
	{safe, true, []int{476, 493, 494, 529, 2678, 498}},
	{ours, true, []int{464, 470}},
	{ours, false, []int{3298}},
	{refundRefused, true, []int{3141}},
	{refundPending, false, []int{3225}},
	{noCards, false, []int{1373}},
}

func TestEveryDocumentedCodeHasItsClass(t *testing.T) {
	n := 0
	for _, row := range documented {
		for _, code := range row.codes {
			n++
			if m, known := meanings[code]; !known || m.class != row.class || m.final != row.final {
				t.Errorf("%d: got class %d, final %t, known %t", code, m.class, m.final, known)
			}
		}
	}
	if n != len(meanings) {
		t.Errorf("%d codes are documented, %d are known", n, len(meanings))
	}
}

func TestAnswerToAChargeIsTrustedOnlyForFinalCodes(t *testing.T) {
	for _, row := range documented {
		for _, code := range row.codes {
			r := refusal(text(strconv.Itoa(code)))
			switch row.class {
			case declined:
				if row.final != (r.Verdict == providers.Declined) {
					t.Errorf("%d: %s %s", code, r.Verdict, r.Reason)
				}
			case safe:
				if row.final != (r.Verdict == providers.Unserved) {
					t.Errorf("%d: %s %s", code, r.Verdict, r.Reason)
				}
			case ours: // neither DECL nor SAFE: the status decides, and a person looks
				if r.Verdict != providers.Unknown || r.Reason != providers.Misconfigured {
					t.Errorf("%d: %s %s", code, r.Verdict, r.Reason)
				}
			default:
				if r.Verdict != providers.Unknown || r.Reason != providers.Ambiguous {
					t.Errorf("%d: %s %s", code, r.Verdict, r.Reason)
				}
			}
		}
	}
	for _, code := range []text{"9999", "-1", "484x", " 484", "1e3", "99999999999999999999", "null"} {
		expect(t, string(code), refusal(code), providers.Unknown, providers.UnknownCode)
	}
}

func TestCodesMeanForTheMoneyWhatTheBankSays(t *testing.T) {
	type outcome struct {
		verdict providers.Verdict
		reason  providers.Reason
	}
	unclear := outcome{providers.Unknown, providers.Ambiguous}
	soft := outcome{providers.Declined, providers.DeclinedSoft}
	hard := outcome{providers.Declined, providers.DeclinedHard}
	maintenance := outcome{providers.Unserved, providers.Maintenance}
	for code, want := range map[text]struct{ answered, failed outcome }{
		"484":  {soft, soft},
		"455":  {soft, soft},
		"488":  {soft, soft},
		"462":  {soft, soft},
		"465":  {hard, hard},
		"457":  {hard, hard},
		"2740": {hard, hard},
		"1612": {unclear, hard},
		"454":  {unclear, hard}, // the amount may be blocked: no other gateway by itself
		"460":  {unclear, hard}, // a second charge could hold twice
		"100":  {unclear, maintenance},
		"1611": {unclear, maintenance},
		"458":  {unclear, maintenance},
		"526":  {unclear, maintenance},
		"493":  {maintenance, maintenance},
		"476":  {outcome{providers.Unserved, providers.Unsupported}, outcome{providers.Unserved, providers.Unsupported}}, // this card, not the terminal
		"529":  {outcome{providers.Unserved, providers.Unsupported}, outcome{providers.Unserved, providers.Unsupported}},
		"498":  {outcome{providers.Unserved, providers.Unsupported}, outcome{providers.Unserved, providers.Unsupported}},
		"464":  {outcome{providers.Unknown, providers.Misconfigured}, outcome{providers.Unserved, providers.Unsupported}},
		"470":  {outcome{providers.Unknown, providers.Misconfigured}, outcome{providers.Unserved, providers.Unsupported}},
		"3298": {outcome{providers.Unknown, providers.Misconfigured}, outcome{providers.Unserved, providers.Unsupported}},
		"0":    {unclear, soft},
		"":     {unclear, soft},
		"3141": {unclear, soft},
		"9999": {outcome{providers.Unknown, providers.UnknownCode}, soft},
	} {
		expect(t, "answered "+string(code), refusal(code), want.answered.verdict, want.answered.reason)
		expect(t, "failed "+string(code), failure(code), want.failed.verdict, want.failed.reason)
	}
}

// A look that shows a payment failed has been answered: a reason that is about the question
// would make the router disbelieve it.
func TestFailureThatWasSeenIsNeverAboutTheQuestion(t *testing.T) {
	for code := range meanings {
		r := failure(text(strconv.Itoa(code)))
		if r.Verdict != providers.Declined && r.Verdict != providers.Unserved || r.Reason.AboutTheQuestion() {
			t.Errorf("%d: %s %s", code, r.Verdict, r.Reason)
		}
	}
}

func TestOperationIsRefusedForGoodOnlyByFinalCodes(t *testing.T) {
	for code, want := range map[text]struct {
		verdict providers.Verdict
		reason  providers.Reason
	}{
		"3141": {providers.Declined, providers.Refused},
		"484":  {providers.Declined, providers.Refused},
		"465":  {providers.Declined, providers.Refused},
		"3225": {providers.Pending, providers.Processing},
		"464":  {providers.Unserved, providers.Misconfigured},
		"493":  {providers.Unserved, providers.Maintenance},
		"476":  {providers.Unserved, providers.Unsupported},
		"100":  {providers.Unknown, providers.Ambiguous},
		"454":  {providers.Unknown, providers.Ambiguous},
		"456":  {providers.Unknown, providers.Ambiguous},
		"1612": {providers.Unknown, providers.Ambiguous},
		"0":    {providers.Unknown, providers.Ambiguous},
		"":     {providers.Unknown, providers.Ambiguous},
		"9999": {providers.Unknown, providers.UnknownCode},
	} {
		expect(t, string(code), operationRefusal(code), want.verdict, want.reason)
	}
}
