package sim_test

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers/sim"
)

// TestRobokassaRepeatsResultURLEveryMinuteForADay: only HTTP 200 with OK and the number, and nothing else, ends it.
func TestRobokassaRepeatsResultURLEveryMinuteForADay(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"an empty answer":  func(http.ResponseWriter, *http.Request) {},
		"another number":   func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "OK1002") },
		"a line feed":      func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "OK1001\n") },
		"the wrong status": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(201); io.WriteString(w, "OK1001") },
	} {
		t.Run(name, func(t *testing.T) {
			inRobokassa(t, sim.RobokassaOptions{}, func(t *testing.T, s *robo) {
				s.inbox.handler = answer
				s.paid("1001")
				pass(10*time.Minute + time.Second)
				wantEqual(t, "the attempts in ten minutes", s.b.Deliveries()[0].Tries, 11)
				pass(48 * time.Hour)
				d := s.b.Deliveries()[0]
				wantEqual(t, "the attempts in all", d.Tries, 24*60+1)
				wantEqual(t, "the end", d.State, "given-up")
			})
		})
	}
}

func TestRobokassaResultURLComesByGetWhereChosen(t *testing.T) {
	opt := sim.RobokassaOptions{ResultMethod: http.MethodGet, ResultURL: roboResult + "?gateway=rk"}
	inRobokassa(t, opt, func(t *testing.T, s *robo) {
		s.paid("1001")
		pass(time.Second)
		got := s.inbox.all()
		wantEqual(t, "the number of requests", len(got), 1)
		wantEqual(t, "the body", got[0].body, "")
		q, err := url.ParseQuery(got[0].query)
		must(t, err)
		wantEqual(t, "the query", q.Get("gateway")+" "+q.Get("InvId")+" "+q.Get("SignatureValue"), "rk 1001 62391C180EDCCDB4005884E43C8CDD59")
		wantEqual(t, "the end", s.b.Deliveries()[0].State, "accepted")
	})
}

func TestRobokassaOldNamesComeBesideTheNewOnes(t *testing.T) {
	inRobokassa(t, sim.RobokassaOptions{Switches: sim.RobokassaSwitches{OldNames: true}}, func(t *testing.T, s *robo) {
		s.paid("1001")
		f := s.forms()[0]
		wantEqual(t, "the old names", f.Get("out_summ")+" "+f.Get("inv_id")+" "+f.Get("crc"), "1500.500000 1001 "+f.Get("SignatureValue"))
	})
}

// roboVerify checks a JWS as a merchant who holds the bank's certificate.
func roboVerify(t *testing.T, certificate []byte, jws string) (map[string]any, bool) {
	t.Helper()
	block, _ := pem.Decode(certificate)
	c, err := x509.ParseCertificate(block.Bytes)
	must(t, err)
	key, ok := c.PublicKey.(*rsa.PublicKey)
	if !ok {
		t.Fatal("the certificate is not of an RSA key")
	}
	parts := strings.Split(jws, ".")
	if len(parts) != 3 {
		t.Fatalf("this is no JWS: %s", jws)
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	must(t, err)
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	must(t, err)
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	return roboObject(t, string(payload)), rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature) == nil
}

func TestRobokassaTellsHoldsAtResultUrl2Alone(t *testing.T) {
	inRobokassa(t, sim.RobokassaOptions{}, func(t *testing.T, s *robo) {
		s.held("1002")
		pass(time.Second)
		wantEqual(t, "what came to ResultURL", len(s.inbox.bodies("/webhooks/gateway")), 0)
		s.confirm("1002", "1000.00")
		pass(time.Second)
		wantEqual(t, "what came to ResultURL after Confirm", len(s.inbox.bodies("/webhooks/gateway")), 1)
		certificate := control(s.b, http.MethodGet, "/robokassa/jwtsign.cer", "").Body.Bytes()
		if !bytes.Equal(certificate, sim.RobokassaCertificatePEM(sim.RobokassaKey())) {
			t.Error("the certificate is another one at every call")
		}
		var told []string
		for _, body := range s.inbox.bodies("/webhooks/second") {
			a, good := roboVerify(t, certificate, body)
			wantEqual(t, "the signature is good", good, true)
			d, _ := a["data"].(map[string]any)
			h, _ := a["header"].(map[string]any)
			told = append(told, fmt.Sprint(h["type"], h["version"], d["shop"], d["invId"], d["incSum"], d["state"]))
			wantEqual(t, "opKey", roboText(d, "opKey"), s.object("1002").ID)
		}
		want := "PaymentStateNotification1.0.0sim-shop10021500.500000HOLD; PaymentStateNotification1.0.0sim-shop10021000.000000OK"
		wantEqual(t, "what was told", strings.Join(told, "; "), want)
		for _, d := range s.inbox.all() {
			if d.path == "/webhooks/second" {
				wantEqual(t, "the content type", d.header.Get("Content-Type"), "application/json")
			}
		}
	})
}

// TestRobokassaTriesResultUrl2FiveTimes, also while ResultURL is repeated on and on beside it.
func TestRobokassaTriesResultUrl2FiveTimes(t *testing.T) {
	inRobokassa(t, sim.RobokassaOptions{}, func(t *testing.T, s *robo) {
		s.inbox.handler = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }
		s.paid("1001") // at ResultURL only
		s.held("1002")
		pass(time.Minute)
		s.confirm("1002", "1000.00")
		pass(time.Hour)
		for _, d := range s.b.Deliveries() {
			if d.URL == roboSecond {
				wantEqual(t, "the attempts at ResultUrl2", d.Tries, 5)
				wantEqual(t, "its end", d.State, "given-up")
			} else if d.Tries < 59 || d.State != "waiting" {
				t.Errorf("ResultURL of %s was tried %d times and is %s", d.Reference, d.Tries, d.State)
			}
		}
	})
}

func TestRobokassaForgedNoticesDoNotVerify(t *testing.T) {
	inRobokassa(t, sim.RobokassaOptions{Switches: sim.RobokassaSwitches{QuotedJWS: true, NumericJWS: true}}, func(t *testing.T, s *robo) {
		addNotice(t, s.b, sim.NoticeRule{Mode: sim.NoticeForged})
		s.held("1002")
		pass(time.Second)
		s.confirm("1002", "1000.00")
		for i, f := range s.forms() {
			good := f.Get("SignatureValue") == strings.ToUpper(roboMD5(f.Get("OutSum"), f.Get("InvId"), "sim-pass-2"))
			wantEqual(t, "a good signature at ResultURL", good, i == 1)
		}
		certificate := sim.RobokassaCertificatePEM(sim.RobokassaKey())
		for i, body := range s.inbox.bodies("/webhooks/second") {
			_, good := roboVerify(t, certificate, strings.Trim(body, `"`))
			wantEqual(t, "a good signature at ResultUrl2", good, i%2 == 1)
			wantEqual(t, "quotes", body[0], byte('"'))
		}
	})
}

func TestRobokassaKeysAreReadable(t *testing.T) {
	block, _ := pem.Decode(sim.RobokassaPublicKeyPEM(sim.RobokassaKey()))
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	must(t, err)
	if !sim.RobokassaKey().PublicKey.Equal(key) {
		t.Error("the public key is another one")
	}
}
