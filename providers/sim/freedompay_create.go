package sim

import (
	"cmp"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits of section 4.1. Lengths are in characters.
const (
	fpMinAmount   = 1             // 0.01
	fpMaxAmount   = 99_999_999_00 // 99999999
	fpMinLifetime = 300 * time.Second
	fpMaxLifetime = 604_800 * time.Second
	fpLifetime    = 24 * time.Hour // without pg_lifetime; ours, the default is not documented
	fpMaxOrder    = 50
	fpMaxText     = 1024
	fpMaxURL      = 255
)

var (
	fpUserID = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,50}$`)
	fpPhone  = regexp.MustCompile(`^7[0-9]{10}$`)
)

// begins fills a call that starts a payment.
func (q *fpRequest) begins(c *call) {
	c.money, c.create = true, true
	c.amount, _ = parseMinor(q.m.text("pg_amount")) // act refuses what this cannot read
	c.currency = q.m.text("pg_currency")
	if c.reference != "" {
		c.once = "order/" + c.reference
	}
}

func (f *freedompay) readInit(c *call, q *fpRequest) {
	q.begins(c)
	c.currency = cmp.Or(c.currency, f.opt.Currencies[0])
	c.inert = true
}

// create is init_payment: no money moves.
func (f *freedompay) create(c *call, q *fpRequest) fpMessage {
	w, no := f.wish(q.m)
	if no == "" && f.sw.UniqueOrders && w.order != "" && q.p != nil {
		no = fpNotUnique
	}
	if no != "" {
		return fpSorry(no)
	}
	return f.offered(c, f.open(c, w, StyleOffer))
}

// offered answers with a payment's page.
func (f *freedompay) offered(c *call, p *fpPayment) fpMessage {
	return fpFine(
		fpLeaf("pg_payment_id", p.ID),
		fpLeaf("pg_redirect_url", f.address(c.r, p.customer)),
		fpLeaf("pg_redirect_url_type", "need data"),
	)
}

// wish reads a payment from a message; a code says what is wrong with it.
func (f *freedompay) wish(m fpMessage) (w fpWish, code string) {
	w = fpWish{
		order: m.text("pg_order_id"), description: m.text("pg_description"), user: m.text("pg_user_id"),
		email: m.text("pg_user_contact_email"), phone: m.text("pg_user_phone"), currency: cmp.Or(m.text("pg_currency"), f.opt.Currencies[0]),
		method: cmp.Or(m.text("pg_request_method"), "GET"),
		check:  cmp.Or(m.text("pg_check_url"), f.opt.CheckURL), result: cmp.Or(m.text("pg_result_url"), f.opt.ResultURL),
		refund: cmp.Or(m.text("pg_refund_url"), f.opt.RefundURL), capture: cmp.Or(m.text("pg_capture_url"), f.opt.CaptureURL),
		success: m.text("pg_success_url"), fail: m.text("pg_failure_url"),
		hold: m.text("pg_auto_clearing") == "0", testing: f.opt.TestMode || m.text("pg_testing_mode") == "1", starts: m.text("pg_recurring_start") == "1",
		own: slices.DeleteFunc(m.without(), func(field fpField) bool { return strings.HasPrefix(field.name, "pg_") }),
	}
	if m.text("pg_amount") == "" || w.description == "" {
		return w, fpMissing
	}
	minor, err := parseMinor(m.text("pg_amount"))
	w.amount = minor
	switch {
	case err != nil || minor > fpMaxAmount:
		return w, fpBadParameter
	case minor < fpMinAmount:
		return w, fpTooLittle
	case w.phone != "" && !fpPhone.MatchString(w.phone):
		return w, fpBadPhone
	case !slices.Contains(f.opt.Currencies, w.currency),
		utf8.RuneCountInString(w.order) > fpMaxOrder, utf8.RuneCountInString(w.description) > fpMaxText,
		w.user != "" && !fpUserID.MatchString(w.user),
		w.method != "GET" && w.method != "POST" && w.method != "XML",
		!fpFlags(m, "pg_auto_clearing", "pg_testing_mode", "pg_recurring_start"),
		!fpURLs(w.check, w.result, w.refund, w.capture, w.success, w.fail):
		return w, fpBadParameter
	}
	w.lifetime = fpLifetime
	if text := m.text("pg_lifetime"); text != "" {
		seconds, err := strconv.ParseInt(text, 10, 32)
		w.lifetime = time.Duration(seconds) * time.Second
		if err != nil || w.lifetime < fpMinLifetime || w.lifetime > fpMaxLifetime {
			return w, fpBadParameter
		}
	}
	if text := m.text("pg_recurring_lifetime"); text != "" {
		months, err := strconv.ParseInt(text, 10, 8)
		if err != nil || months < 1 {
			return w, fpBadParameter
		}
		w.recurs = time.Until(time.Now().AddDate(0, int(months), 0))
	}
	return w, ""
}

func fpFlags(m fpMessage, names ...string) bool {
	for _, name := range names {
		if v := m.text(name); v != "" && v != "0" && v != "1" {
			return false
		}
	}
	return true
}

func fpURLs(all ...string) bool {
	for _, text := range all {
		if text == "" {
			continue
		}
		u, err := url.Parse(text)
		if err != nil || len(text) > fpMaxURL || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
			return false
		}
	}
	return true
}

// inactive answers calls that need a contract this merchant does not have: card numbers in g2g/payment.
func (f *freedompay) inactive(_ *call, _ *fpRequest) fpMessage { return fpSorry(fpNotActivated) }
