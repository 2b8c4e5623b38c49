package sim_test

import (
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"hash"
	"net/http"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers/sim"
)

func roboText(a map[string]any, name string) string {
	text, _ := a[name].(string)
	return text
}

func TestRobokassaRefundsPartsAndShows60WhenAllWentBack(t *testing.T) {
	inRobokassa(t, sim.RobokassaOptions{}, func(t *testing.T, s *robo) {
		key := s.paid("1001").ID
		a := s.refundCall(key, "500.25")
		wantEqual(t, "success", a["success"], any(true))
		b := s.refundState(roboText(a, "requestId"))
		wantEqual(t, "the label", roboText(b, "label"), "finished")
		wantEqual(t, "the amount", b["amount"], any(json.Number("500.25")))
		s.is("1001", "100")
		wantEqual(t, "too much", roboText(s.refundCall(key, "1000.26"), "message"), "RefundSumIsInvalid")
		wantEqual(t, "the rest", s.refundCall(key, "")["success"], any(true))
		s.is("1001", "60")
		wantEqual(t, "OutSum of what went back", s.state("1001").Info.OutSum, "1500.500000")
		wantEqual(t, "once more", roboText(s.refundCall(key, ""), "message"), "RefundSumIsInvalid")
		wantEqual(t, "the money", s.b.Ledger().Net("robokassa", "1001"), 0)
		wantEqual(t, "the notices of refunds", len(s.forms()), 1)
	})
}

func TestRobokassaRefundsTheSameSumTwice(t *testing.T) {
	inRobokassa(t, sim.RobokassaOptions{}, func(t *testing.T, s *robo) {
		key := s.paid("1001").ID
		s.refundCall(key, "500.25")
		s.refundCall(key, "500.25") // nothing tells a repetition from a second refund
		wantEqual(t, "the money", s.b.Ledger().Net("robokassa", "1001"), 50000)
	})
}

func TestRobokassaRefundsAreProcessedLaterOrCancelledWhereSwitched(t *testing.T) {
	opt := sim.RobokassaOptions{Switches: sim.RobokassaSwitches{RefundsTake: sim.Duration(time.Hour), PartialRefundIs60: true}}
	inRobokassa(t, opt, func(t *testing.T, s *robo) {
		key := s.paid("1001").ID
		id := roboText(s.refundCall(key, "500.25"), "requestId")
		wantEqual(t, "the label at first", roboText(s.refundState(id), "label"), "processing")
		s.is("1001", "100")
		wantEqual(t, "what waits already", roboText(s.refundCall(key, "1000.26"), "message"), "RefundSumIsInvalid")
		pass(time.Hour)
		wantEqual(t, "the label then", roboText(s.refundState(id), "label"), "finished")
		s.is("1001", "60")
		s.switches(`{"refunds_cancelled":true}`)
		id = roboText(s.refundCall(key, ""), "requestId")
		wantEqual(t, "the label of a cancelled one", roboText(s.refundState(id), "label"), "canceled")
		wantEqual(t, "the money", s.b.Ledger().Net("robokassa", "1001"), 100025)
		s.switches(`{"no_funds":true}`)
		wantEqual(t, "without turnover", roboText(s.refundCall(key, ""), "message"), "NotEnoughOperationFunds")
	})
}

func TestRobokassaRefundsOnlyWhatIsPaid(t *testing.T) {
	inRobokassa(t, sim.RobokassaOptions{}, func(t *testing.T, s *robo) {
		s.offered("1001")
		s.held("1002")
		wantEqual(t, "of an offer", roboText(s.refundCall(s.object("1001").ID, ""), "message"), "OperationIsNotPaid")
		wantEqual(t, "of a hold", roboText(s.refundCall(s.object("1002").ID, ""), "message"), "OperationIsNotPaid")
		wantEqual(t, "of nothing", roboText(s.refundCall("x", ""), "message"), "OperationNotFound")
		wantEqual(t, "an unknown request", roboText(s.refundState("x"), "message"), "Id is invalid or request id does not exist")
		key := s.paid("1003").ID
		for _, sum := range []string{"0", "-1.00", `"abc"`, "1.005", "1e2", "true"} {
			wantEqual(t, sum, roboText(s.refundCall(key, sum), "message"), "RefundSumIsInvalid")
		}
	})
}

// TestRobokassaRefundTokens: the two forms of the body, the three algorithms, and what is refused with 400, 401 and 415.
func TestRobokassaRefundTokens(t *testing.T) {
	inRobokassa(t, sim.RobokassaOptions{}, func(t *testing.T, s *robo) {
		payload := `{"OpKey":"` + s.paid("1001").ID + `","RefundSum":1.00}`
		token := roboJWT(`{"alg":"HS256","typ":"JWT"}`, payload, "sim-pass-3", sha256.New)
		with := func(alg string, key string, h func() hash.Hash) string {
			return roboJWT(`{"alg":"`+alg+`"}`, payload, key, h)
		}
		unsigned := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + "."
		for name, v := range map[string]struct {
			contentType, body string
			status            int
		}{
			"raw":                   {"application/jwt", token, 200},
			"a JSON string":         {"application/json; charset=utf-8", `"` + token + `"`, 200},
			"HS384":                 {"application/jwt", with("HS384", "sim-pass-3", sha512.New384), 200},
			"HS512":                 {"application/jwt", with("HS512", "sim-pass-3", sha512.New), 200},
			"raw, as JSON":          {"application/json", token, 415},
			"a JSON string, as JWT": {"application/jwt", `"` + token + `"`, 415},
			"another password":      {"application/jwt", with("HS256", "sim-pass-1", sha256.New), 401},
			"another algorithm":     {"application/jwt", with("MD5", "sim-pass-3", md5.New), 401},
			"a confused algorithm":  {"application/jwt", with("HS512", "sim-pass-3", sha256.New), 401},
			"no signature":          {"application/jwt", unsigned, 401},
			"no token":              {"application/jwt", `{"OpKey":"x"}`, 400},
			"nothing":               {"application/jwt", "", 400},
		} {
			status, _ := s.send(http.MethodPost, "/RefundService/Refund/Create", v.contentType, v.body)
			wantEqual(t, name, status, v.status)
		}
		s.switches(`{"refund_body":"jwt"}`)
		status, _ := s.send(http.MethodPost, "/RefundService/Refund/Create", "application/json", `"`+token+`"`)
		wantEqual(t, "a JSON string where only raw is taken", status, 400)
		s.switches(`{"refund_body":"json"}`)
		status, _ = s.send(http.MethodPost, "/RefundService/Refund/Create", "application/jwt", token)
		wantEqual(t, "raw where only a JSON string is taken", status, 400)
		wantEqual(t, "the money", s.b.Ledger().Net("robokassa", "1001"), 150050-400)
	})
}

func TestRobokassaOfKazakhstanHasNoRefundsAndNoInvoices(t *testing.T) {
	inRobokassa(t, sim.RobokassaOptions{Switches: sim.RobokassaSwitches{Kazakhstan: true}}, func(t *testing.T, s *robo) {
		for _, path := range []string{
			"/RefundService/Refund/Create", "/InvoiceServiceWebApi/api/CreateInvoice", "/InvoiceServiceWebApi/api/DeactivateInvoice",
			"/InvoiceServiceWebApi/api/GetInvoiceInformationList",
		} {
			status, _ := s.send(http.MethodPost, path, "application/json", `""`)
			wantEqual(t, path, status, 404)
		}
		status, _ := s.send(http.MethodGet, "/RefundService/Refund/GetState?id=x", "", "")
		wantEqual(t, "GetState", status, 404)
		s.paid("1001")
		s.is("1001", "100")
	})
}

func TestRobokassaPeopleSettleWhatTheCabinetKnows(t *testing.T) {
	inRobokassa(t, sim.RobokassaOptions{}, func(t *testing.T, s *robo) {
		s.paid("1001")
		s.held("1002")
		s.offered("1003", "ExpirationDate", roboEnd(time.Hour))
		s.invoiceCall("CreateInvoice", roboInvoice("1004"))
		for number, over := range map[string]bool{"1001": true, "1002": true, "1003": false, "1004": true} {
			done, err := s.b.Settle("robokassa", number)
			must(t, err)
			wantEqual(t, number+" is over", done, over) // nobody can take an address back
		}
		s.is("1001", "60")
		s.is("1002", "10")
		pass(time.Hour)
		done, err := s.b.Settle("robokassa", "1003")
		must(t, err)
		wantEqual(t, "1003 is over once its time is", done, true)
	})
}
