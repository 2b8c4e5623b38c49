package sim

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"time"
)

// The codes of the page and of Indexjson.aspx that this bank has a reason to use (notes, section 6). A fault can name any other.
const (
	robokassaNoTest       = "23"
	robokassaNoShop       = "26"
	robokassaBadSignature = "29"
	robokassaBadInvoice   = "30"
	robokassaBadSum       = "31"
	robokassaTooLate      = "33"
	robokassaNoRecurring  = "34"
	robokassaBadRecurring = "35"
	robokassaPaid         = "40"
	robokassaOver         = "51"
	robokassaPaidInvoice  = "52"
	robokassaNoInvoice    = "53"
	robokassaConversion   = "60"
	robokassaNoHolding    = "64"
	robokassaBadHolding   = "65"
)

// robokassaDescription is the longest Description, in characters.
const robokassaDescription = 100

// draft reads a payment from the fields of Index.aspx, without beginning it. A code says why the page refuses.
func (r *robokassa) draft(form url.Values) (*robokassaPayment, string) {
	minor, err := robokassaMinor(form.Get("OutSum"))
	asked := cmp.Or(form.Get("InvId"), form.Get("InvoiceID"))
	number, valid := robokassaNumber(asked)
	if asked == "" || asked == "0" {
		number, valid = "", true // Robokassa assigns one
	}
	test := form.Get("IsTest") == "1"
	password := r.opt.Password1
	if test {
		password = r.opt.TestPassword1
	}
	currency := form.Get("OutSumCurrency")
	hold, recurring := strings.EqualFold(form.Get("StepByStep"), "true"), strings.EqualFold(form.Get("Recurring"), "true")
	until, badUntil := time.Time{}, error(nil)
	if text := form.Get("ExpirationDate"); text != "" {
		until, badUntil = robokassaExpiry(text)
	}
	switch {
	case cmp.Or(form.Get("MerchantLogin"), form.Get("MrchLogin")) != r.opt.Shop:
		return nil, robokassaNoShop
	case test && password == "":
		return nil, robokassaNoTest
	case err != nil:
		return nil, robokassaBadSum
	case !valid || badUntil != nil || len([]rune(robokassaAbout(form))) > robokassaDescription:
		return nil, robokassaBadInvoice
	case !r.startSigned(form, asked, password):
		return nil, robokassaBadSignature
	case currency != "" && (r.sw.Kazakhstan || currency != r.opt.Currency):
		return nil, robokassaConversion
	case hold && r.sw.NoHolds:
		return nil, robokassaNoHolding
	case hold && form.Get("IncCurrLabel") != "" && form.Get("IncCurrLabel") != robokassaLabel:
		return nil, robokassaBadHolding // cards only
	case recurring && r.sw.NoRecurring:
		return nil, robokassaNoRecurring
	case recurring && hold:
		return nil, robokassaBadRecurring
	}
	p := &robokassaPayment{
		Object: &Object{Account: r.opt.Shop, Reference: number, Amount: minor, Currency: r.opt.Currency, LiveUntil: until},
		hold:   hold, recurring: recurring, test: test, shp: robokassaShp(form), account: robokassaCard,
		email: form.Get("Email"), culture: cmp.Or(form.Get("Culture"), "ru"), about: robokassaAbout(form),
		result2: robokassaPlain(form.Get("ResultUrl2")),
		success: robokassaReturn{robokassaPlain(form.Get("SuccessUrl2")), form.Get("SuccessUrl2Method")},
		fail:    robokassaReturn{robokassaPlain(form.Get("FailUrl2")), form.Get("FailUrl2Method")},
	}
	return p, ""
}

func robokassaAbout(form url.Values) string { return cmp.Or(form.Get("Description"), form.Get("Desc")) }

// startSigned checks the signature of a start. The documents and the clients disagree about Receipt, encoded once or raw, and
// about the order of Shp_ parameters of mixed case: either is taken (notes, section 3).
func (r *robokassa) startSigned(form url.Values, number, password string) bool {
	for _, receipt := range robokassaSpellings(form.Get("Receipt")) {
		for _, shp := range robokassaOrders(robokassaShp(form)) {
			parts := []string{r.opt.Shop, form.Get("OutSum"), number}
			add := func(text string) {
				if text != "" {
					parts = append(parts, text)
				}
			}
			add(form.Get("OutSumCurrency"))
			add(form.Get("UserIp"))
			add(receipt)
			if strings.EqualFold(form.Get("StepByStep"), "true") {
				add("true")
			}
			add(robokassaOnce(form.Get("ResultUrl2")))
			if form.Has("SuccessUrl2") || form.Has("FailUrl2") {
				parts = append(parts, robokassaOnce(form.Get("SuccessUrl2")), form.Get("SuccessUrl2Method"),
					robokassaOnce(form.Get("FailUrl2")), form.Get("FailUrl2Method"))
			}
			add(form.Get("Token"))
			parts = append(parts, password)
			if r.signedBy(form.Get("SignatureValue"), append(parts, robokassaSigned(shp)...)...) {
				return true
			}
		}
	}
	return false
}

// robokassaSpellings are the forms in which a Receipt may be signed: as it came, and encoded once more.
func robokassaSpellings(receipt string) []string {
	if !strings.HasPrefix(receipt, "{") {
		return []string{receipt}
	}
	return []string{receipt, url.QueryEscape(receipt), strings.ReplaceAll(url.QueryEscape(receipt), "+", "%20")}
}

// robokassaOrders are the two orders in which clients sign Shp_ parameters.
func robokassaOrders(shp []robokassaParam) [][]robokassaParam {
	folded := slices.Clone(shp)
	slices.SortStableFunc(folded, func(a, b robokassaParam) int {
		return strings.Compare(strings.ToLower(a.name), strings.ToLower(b.name))
	})
	return [][]robokassaParam{shp, folded}
}

// robokassaOnce is an address as it stands under a signature: encoded once, whether the form encoded it once or twice.
func robokassaOnce(address string) string {
	if strings.Contains(address, "://") {
		return url.QueryEscape(address)
	}
	return address
}

// robokassaPlain is that address itself.
func robokassaPlain(address string) string {
	if plain, err := url.QueryUnescape(address); err == nil && !strings.Contains(address, "://") {
		return plain
	}
	return address
}
