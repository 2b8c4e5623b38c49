package wayforpay

import (
	"crypto/hmac"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"

	"github.com/payrouter/payrouter/providers"
)

// sign is WayForPay's signature: HMAC-MD5 over the fields joined with semicolons, in
// lower-case hex (notes, section 3).
func sign(secret providers.Secret, fields ...string) string {
	return hex.EncodeToString(digest(secret, fields))
}

func digest(secret providers.Secret, fields []string) []byte {
	mac := hmac.New(md5.New, []byte(secret.Reveal()))
	mac.Write([]byte(strings.Join(fields, ";")))
	return mac.Sum(nil)
}

// verifies compares in constant time. Upper-case hex is as good as lower-case.
func verifies(secret providers.Secret, signature literal, fields []string) bool {
	given, err := hex.DecodeString(string(signature))
	return err == nil && hmac.Equal(given, digest(secret, fields))
}

// signed fills in the signature of a request.
func (r request) signed(secret providers.Secret) request {
	r.MerchantSignature = sign(secret, r.fields()...)
	return r
}

// fields are those that a request's signature covers, in order.
func (r request) fields() []string {
	switch r.TransactionType {
	case createInvoice, charge:
		fields := []string{r.MerchantAccount, r.MerchantDomainName, r.OrderReference,
			strconv.FormatInt(r.OrderDate, 10), r.Amount.String(), r.Currency}
		fields = append(fields, r.ProductName...)
		for _, n := range r.ProductCount {
			fields = append(fields, n.String())
		}
		for _, price := range r.ProductPrice {
			fields = append(fields, price.String())
		}
		return fields
	case settle, refund:
		return []string{r.MerchantAccount, r.OrderReference, r.Amount.String(), r.Currency}
	case transactionList:
		return []string{r.MerchantAccount, strconv.FormatInt(r.DateBegin, 10), strconv.FormatInt(r.DateEnd, 10)}
	}
	return []string{r.MerchantAccount, r.OrderReference} // CHECK_STATUS, REMOVE_INVOICE
}

// layout is a set of fields that the signature of an answer covers.
type layout uint8

const (
	// eight: CHARGE, CHECK_STATUS, notices.
	eight layout = iota
	// four: REFUND.
	four
)

// signedBy reports whether the answer's signature is over one of the layouts. The
// amount counts as it stood in the body, and failing that in its shortest form; public
// clients give evidence for both, and nothing else is accepted.
func (a answer) signedBy(secret providers.Secret, layouts ...layout) bool {
	for _, l := range layouts {
		if l == four {
			if verifies(secret, a.MerchantSignature, a.short()) {
				return true
			}
			continue
		}
		if verifies(secret, a.MerchantSignature, a.long(string(a.Amount))) {
			return true
		}
		if m, err := providers.ParseMoney(string(a.Amount), string(a.Currency)); err == nil &&
			verifies(secret, a.MerchantSignature, a.long(m.Shortest())) {
			return true
		}
	}
	return false
}

func (a answer) short() []string {
	return []string{string(a.MerchantAccount), string(a.OrderReference), string(a.TransactionStatus), string(a.ReasonCode)}
}

func (a answer) long(amount string) []string {
	return []string{string(a.MerchantAccount), string(a.OrderReference), amount, string(a.Currency),
		string(a.AuthCode), string(a.CardPan), string(a.TransactionStatus), string(a.ReasonCode)}
}

var (
	errUnsigned     = errors.New("wayforpay: the answer is not signed")
	errBadSignature = errors.New("wayforpay: the answer's signature is wrong")
	errOtherAccount = errors.New("wayforpay: the answer is about another merchant account")
	errOtherOrder   = errors.New("wayforpay: the answer is about another order")
)

// vouch checks that an answer is WayForPay's own and about this order. It reports false
// when nothing may be read from it; the Result is then doubt.
func (g *Gateway) vouch(a answer, order string, layouts ...layout) (providers.Result, bool) {
	meant, known := codes[string(a.ReasonCode)]
	switch {
	case a.signedBy(g.config.MerchantSecret, layouts...):
	case a.MerchantSignature != "":
		return providers.Doubt(providers.BadSignature, a.code(), errBadSignature), false
	case known && (meant.charge.class == ours || meant.operation.class == ours):
		// Refused because of us, most likely; only CHECK_STATUS makes it certain.
		return providers.Doubt(providers.Ambiguous, a.code(), errUnsigned), false
	case known && meant.charge.reason == providers.Duplicate:
		return providers.Doubt(providers.Duplicate, a.code(), errUnsigned), false
	default:
		return providers.Doubt(providers.BadSignature, a.code(), errUnsigned), false
	}
	switch {
	case string(a.MerchantAccount) != g.config.MerchantAccount:
		return providers.Doubt(providers.Mismatch, a.code(), errOtherAccount), false
	case string(a.OrderReference) != order:
		return providers.Doubt(providers.Mismatch, a.code(), errOtherOrder), false
	}
	return providers.Result{}, true
}
