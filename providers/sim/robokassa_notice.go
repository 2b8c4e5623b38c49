package sim

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	robokassaRetry    = time.Minute    // between two ResultURL calls; seen once in a public log (notes, 7.1)
	robokassaPatience = 24 * time.Hour // how long ResultURL is repeated; ours
	robokassaTries2   = 5              // attempts at ResultUrl2 (7.2)
)

const robokassaForm = "application/x-www-form-urlencoded"

// sumText writes a sum of ResultURL and SuccessURL.
func (r *robokassa) sumText(minor int64) string {
	if r.sw.ShortSums {
		return major(minor)
	}
	return robokassaLong(minor)
}

// tell sends ResultURL: only successes are told, a failure never is.
func (r *robokassa) tell(p *robokassaPayment) {
	if r.opt.ResultURL == "" {
		return
	}
	password := r.opt.Password2
	if p.test {
		password = r.opt.TestPassword2
	}
	sum := r.sumText(p.sum())
	form := url.Values{
		"OutSum": {sum}, "InvId": {p.Reference}, "Fee": {r.sumText(robokassaFee(p.sum()))}, "EMail": {p.email},
		"PaymentMethod": {robokassaMethod}, "IncCurrLabel": {robokassaLabel}, "IncSum": {r.sumText(r.paid(p))},
	}
	for _, shp := range p.shp {
		form.Set(shp.name, shp.value)
	}
	if p.test {
		form.Set("IsTest", "1")
	}
	sign := func(password string) string {
		form.Set("SignatureValue", strings.ToUpper(r.hash(append([]string{sum, p.Reference, password}, robokassaSigned(p.shp)...)...)))
		if r.sw.OldNames {
			form.Set("out_summ", sum)
			form.Set("inv_id", p.Reference)
			form.Set("crc", form.Get("SignatureValue"))
		}
		return form.Encode()
	}
	forgery := sign("not the shop's password")
	r.b.notify(&letter{
		Notice: Notice{Face: r.Name(), Reference: p.Reference, URL: r.opt.ResultURL, Body: sign(password)},
		method: r.opt.ResultMethod, contentType: robokassaForm, forgery: []byte(forgery), accepted: robokassaAccepts(p.Reference),
	})
}

// tell2 sends ResultUrl2 where the payment named one: the only news of a hold. A test payment has none.
func (r *robokassa) tell2(p *robokassaPayment, state string) {
	if p.result2 == "" || p.test {
		return
	}
	number := func(text string) any {
		if r.sw.NumericJWS {
			return json.Number(text)
		}
		return text
	}
	message := func(minor int64) map[string]any {
		return map[string]any{
			"header": map[string]any{
				"type": "PaymentStateNotification", "version": "1.0.0", "timestamp": number(strconv.FormatInt(time.Now().Unix(), 10)),
			},
			"data": map[string]any{
				"shop": r.opt.Shop, "opKey": p.ID, "invId": number(p.Reference), "paymentMethod": robokassaMethod,
				"incSum": number(r.sumText(minor)), "state": state,
			},
		}
	}
	body := robokassaJWS(r.opt.Key, message(r.paid(p)))
	// The forged copy claims more, under the signature of the true one.
	_, signature, _ := strings.Cut(body[strings.Index(body, ".")+1:], ".")
	forgery := robokassaUnsigned(message(r.paid(p)+100)) + "." + signature
	if r.sw.QuotedJWS {
		body, forgery = strconv.Quote(body), strconv.Quote(forgery)
	}
	r.b.notify(&letter{
		Notice:      Notice{Face: r.Name(), Reference: p.Reference, URL: p.result2, Body: body},
		contentType: "application/json", forgery: []byte(forgery),
		retry: func(n int) (time.Duration, bool) { return robokassaRetry, n < robokassaTries2 },
	})
}

// retry repeats ResultURL for a day. ResultUrl2 comes at the same pace, but fewer times.
func (r *robokassa) retry(n int) (time.Duration, bool) {
	return robokassaRetry, time.Duration(n)*robokassaRetry <= robokassaPatience
}

// robokassaUnsigned are the first two parts of a JWS.
func robokassaUnsigned(payload map[string]any) string {
	encode := func(v any) string { return base64.RawURLEncoding.EncodeToString(robokassaJSON(0, v).body) }
	return encode(map[string]any{"alg": "RS256", "typ": "JWT"}) + "." + encode(payload)
}

// robokassaJWS is a compact JWS, RS256.
func robokassaJWS(key *rsa.PrivateKey, payload map[string]any) string {
	text := robokassaUnsigned(payload)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		panic("sim: a key for Robokassa: " + err.Error())
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}
