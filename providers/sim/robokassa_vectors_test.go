package sim_test

import (
	"crypto/md5"
	"crypto/sha256"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/payrouter/payrouter/providers/sim"
)

const roboReceipt = `{"items":[{"name":"Order 1001","quantity":1,"sum":1500.50,"tax":"none"}]}`

// TestRobokassaTakesTheGoldenStarts: every start of the notes, section 11, in both algorithms. A changed digit is refused.
func TestRobokassaTakesTheGoldenStarts(t *testing.T) {
	for name, v := range map[string]struct {
		fields      url.Values
		md5, sha256 string
	}{
		"start": {
			url.Values{"InvId": {"1001"}},
			"dee56bbaafbaa682ef250026ec10c5bf", "b167ae1c2cd9760aee14dcdce2c02cfef0c58199454f760e8322cb0a42c49b75",
		},
		"with parameters of ours": {
			url.Values{"InvId": {"1001"}, "Shp_order": {"o1"}, "Shp_attempt": {"a1"}},
			"8b6d8a96460bc95fe47cc26c786f6834", "ea2742b22b9b65546047d4bbc55a101d21f1148c054991c982b87e65ab9b2242",
		},
		"without a number": {
			url.Values{}, "df08e24c8fbb51d6162ec99b7bd81f55", "8924a79734a00d2b144b22bf04838c99012bf4de7dd803e2c09c096555428cdd",
		},
		"hold": {
			url.Values{"InvId": {"1002"}, "StepByStep": {"true"}},
			"4bd23aa18b2ad2e1f5f22e13b34abbf4", "74f7a9e7d8bc3f389dfc1b8ee25eb9bd69bd74d94c06d30fe8704efef83973df",
		},
		"hold that is told": {
			url.Values{"InvId": {"1002"}, "StepByStep": {"true"}, "ResultUrl2": {"https://pay.example.kz/hook/robokassa2"}},
			"135023014d0b3906f527cdaef7c1aa73", "3d7d25e27c092449d6f0bdd8422250d65998f0d2ce8a1c54e400738c35912884",
		},
		"receipt encoded once by the shop": {
			url.Values{"InvId": {"1001"}, "Receipt": {strings.ReplaceAll(url.QueryEscape(roboReceipt), "+", "%20")}},
			"eabdc126591ecf935bd80e8a09870a9f", "21fdf1451e5e20cdd99e049f1815f6e11f4bfc402a9087ea1f1d9d1b9a095532",
		},
		"receipt encoded by the form alone": {
			url.Values{"InvId": {"1001"}, "Receipt": {roboReceipt}},
			"eabdc126591ecf935bd80e8a09870a9f", "21fdf1451e5e20cdd99e049f1815f6e11f4bfc402a9087ea1f1d9d1b9a095532",
		},
	} {
		for algorithm, signature := range map[string]string{"md5": v.md5, "sha256": v.sha256} {
			t.Run(name+" in "+algorithm, func(t *testing.T) {
				inRobokassa(t, sim.RobokassaOptions{Hash: algorithm}, func(t *testing.T, s *robo) {
					v.fields.Set("MerchantLogin", "sim-shop")
					v.fields.Set("OutSum", "1500.50")
					v.fields.Set("SignatureValue", strings.ToUpper(signature))
					must(t, s.open(v.fields))
					wantEqual(t, "the number of objects", len(s.b.Ledger().Objects), 1)
					last := byte('0')
					if signature[len(signature)-1] == last {
						last = '1'
					}
					v.fields.Set("SignatureValue", signature[:len(signature)-1]+string(last))
					if err := s.open(v.fields); err == nil || !strings.Contains(err.Error(), "29") {
						t.Errorf("a wrong signature says %v", err)
					}
				})
			})
		}
	}
}

// TestRobokassaSignsResultURLAsThePublishedVectors: the six algorithms over 1500.500000:1001:sim-pass-2.
func TestRobokassaSignsResultURLAsThePublishedVectors(t *testing.T) {
	starts := map[string]string{ // of sim-shop:1500.50:1001:sim-pass-1; four are computed by hashlib and openssl, not by this code
		"md5": "dee56bbaafbaa682ef250026ec10c5bf", "sha256": "b167ae1c2cd9760aee14dcdce2c02cfef0c58199454f760e8322cb0a42c49b75",

		"sha1":      "29148a1e1ab53147fc93ccd952fea16eae1cfad1",
		"sha384":    "7477effee728cc7e2c1ccd2bc42bc24ae7f915b7e049825ef5bcae26611fafafdd2e9aa7e36480b2e8b1ba18b41a6eb9",
		"sha512":    "a38f7a9c18ba605a90924f63026d65e2a4c2ea88ab6d0bbdf09d8e7a837d3de3a428e44580819f8f967673e278951d240ecb3764e5a28a49c66b9d3fcb8d1977",
		"ripemd160": "7d2c9eeef8ac31487fd235473816d309f78c46f7",
	}
	for algorithm, want := range map[string]string{
		"md5":       "62391c180edccdb4005884e43c8cdd59",
		"sha1":      "46ccba551789ed8e08cc83839875d131c466cfec",
		"sha256":    "533513fba0368b1e41fddba0032bd85e5617888060d007b20fd5b93b4fa8e6e7",
		"sha384":    "07cd1660e8c89110a1c9dc4909eb3d2df1bcd382d4aacb90a4da1165386ef884c1152c08106764307bb74e6b0e057a37",
		"sha512":    "15115f6bec6cfccb557aaf1f9f32ddc9f46ad6a41dfc7325385fb2d16026a4b82028fbe7be254090d1c029428e1a29731d1dec09a3e8417b2abe9321fd5a79d7",
		"ripemd160": "2479e4e779a333b747ebf19a5ffa505e93f341c6",
	} {
		t.Run(algorithm, func(t *testing.T) {
			inRobokassa(t, sim.RobokassaOptions{Hash: algorithm}, func(t *testing.T, s *robo) {
				f := roboStart("1001")
				f.Set("SignatureValue", starts[algorithm])
				must(t, s.open(f))
				s.act("1001", sim.ActPay)
				wantEqual(t, "the signature", s.forms()[0].Get("SignatureValue"), strings.ToUpper(want))
			})
		})
	}
}

// TestRobokassaSpeaksTheGoldenNotice: the whole example of the notes, 7.1.
func TestRobokassaSpeaksTheGoldenNotice(t *testing.T) {
	inRobokassa(t, sim.RobokassaOptions{}, func(t *testing.T, s *robo) {
		f := roboStart("1001", "Email", "a@example.kz", "Shp_attempt", "a1", "Shp_order", "o1")
		f.Set("SignatureValue", "8b6d8a96460bc95fe47cc26c786f6834")
		must(t, s.open(f))
		s.act("1001", sim.ActPay)
		want := url.Values{
			"OutSum": {"1500.500000"}, "InvId": {"1001"}, "Fee": {"52.520000"}, "EMail": {"a@example.kz"}, "PaymentMethod": {"BankCard"},
			"IncCurrLabel": {"BankCardPSKZ"}, "IncSum": {"1500.500000"}, "Shp_attempt": {"a1"}, "Shp_order": {"o1"},
			"SignatureValue": {"9B3D300FA900C0808EF2AE7FC3F1DD26"},
		}
		wantEqual(t, "the notice", s.forms()[0].Encode(), want.Encode())
		d := s.b.Deliveries()[0]
		wantEqual(t, "the delivery", d.State+" "+d.Answer, "accepted 200 OK1001")
	})
}

// TestRobokassaTakesTheOtherGoldenRequests: OpStateExt, Confirm, Cancel and Recurring, with the hashes as printed.
func TestRobokassaTakesTheOtherGoldenRequests(t *testing.T) {
	opt := sim.RobokassaOptions{Tokens: []sim.RobokassaToken{{InvoiceID: "501"}}}
	form := "application/x-www-form-urlencoded"
	inRobokassa(t, opt, func(t *testing.T, s *robo) {
		s.paid("1001")
		_, body := s.send(http.MethodGet, "/Merchant/WebService/Service.asmx/OpStateExt?MerchantLogin=sim-shop&InvoiceID=1001"+
			"&Signature=2af637f7ed4f624234752659e21a8cd9", "", "")
		wantEqual(t, "the state", roboParse(t, body).code(), "100")
		s.held("1002")
		_, body = s.send(http.MethodPost, "/Merchant/Payment/Confirm", form,
			"MerchantLogin=sim-shop&InvoiceID=1002&OutSum=1500.50&SignatureValue=750681ad223d8bc8baff34e9426220b2")
		wantEqual(t, "the answer of Confirm", body, "{success:true}")
		_, body = s.send(http.MethodPost, "/Merchant/Recurring", form,
			"MerchantLogin=sim-shop&InvoiceID=1003&PreviousInvoiceID=501&OutSum=700.00&SignatureValue=183a4cda621b981c5614664840a90120")
		wantEqual(t, "the answer of Recurring", body, "OK1003")
	})
	inRobokassa(t, opt, func(t *testing.T, s *robo) {
		s.held("1002")
		_, body := s.send(http.MethodPost, "/Merchant/Payment/Cancel", form,
			"MerchantLogin=sim-shop&InvoiceID=1002&OutSum=1500.50&SignatureValue=df28d0e4797c128b20d9577460945d8f")
		wantEqual(t, "the answer of Cancel", body, "{success:true}")
		s.is("1002", "10")
	})
}

// TestRobokassaTakesTheGoldenTokens: the tokens as printed are those that the test signs, and the bank believes both signatures:
// it looks for the payment, which it does not have, only when it does.
func TestRobokassaTakesTheGoldenTokens(t *testing.T) {
	const key = "11111111-2222-3333-4444-555555555555-AbCdEfGhIj"
	part := "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJPcEtleSI6IjExMTExMTExLTIyMjItMzMzMy00NDQ0LTU1NTU1NTU1NTU1NS1BYkNkRWZHaElqIiwiUmVmdW5kU3VtIjo1MDAuMjV9.rls6SlCa2g9Nk_HeHycihKjgWKYj9RdiSRoyiqC4ulc"
	whole := "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJPcEtleSI6IjExMTExMTExLTIyMjItMzMzMy00NDQ0LTU1NTU1NTU1NTU1NS1BYkNkRWZHaElqIn0.elgVcMyQtOPAhPwKD8ozAQdrF6dB10SFRAUPeGIXskM"
	header := `{"alg":"HS256","typ":"JWT"}`
	wantEqual(t, "a refund of a part", roboJWT(header, `{"OpKey":"`+key+`","RefundSum":500.25}`, "sim-pass-3", sha256.New), part)
	wantEqual(t, "a refund of the whole", roboJWT(header, `{"OpKey":"`+key+`"}`, "sim-pass-3", sha256.New), whole)
	invoice := "eyJ0eXAiOiJKV1QiLCJhbGciOiJNRDUifQ.eyJNZXJjaGFudExvZ2luIjoic2ltLXNob3AiLCJJbnZvaWNlVHlwZSI6Ik9uZVRpbWUiLCJDdWx0dXJlIjoicnUiLCJJbnZJZCI6MTAwMSwiT3V0U3VtIjoxNTAwLjUwLCJEZXNjcmlwdGlvbiI6Ik9yZGVyIDEwMDEifQ.hA4BAJnmAgRKZ4cUSH_UgA"
	wantEqual(t, "an invoice", roboJWT(`{"typ":"JWT","alg":"MD5"}`, roboInvoice("1001"), "sim-shop:sim-pass-1", md5.New), invoice)
	inRobokassa(t, sim.RobokassaOptions{}, func(t *testing.T, s *robo) {
		for _, token := range []string{part, whole} {
			_, body := s.send(http.MethodPost, "/RefundService/Refund/Create", "application/jwt", token)
			wantEqual(t, "the message", roboObject(t, body)["message"], any("OperationNotFound"))
		}
		_, body := s.send(http.MethodPost, "/InvoiceServiceWebApi/api/CreateInvoice", "application/json", `"`+invoice+`"`)
		wantEqual(t, "isSuccess", roboObject(t, body)["isSuccess"], any(true))
		wantEqual(t, "the amount", s.object("1001").Amount, 150050)
	})
}

// roboInvoice is the payload of the golden invoice, with a number.
func roboInvoice(number string) string {
	return `{"MerchantLogin":"sim-shop","InvoiceType":"OneTime","Culture":"ru","InvId":` + number + `,"OutSum":1500.50,"Description":"Order 1001"}`
}
