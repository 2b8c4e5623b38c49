package freedompay

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/payrouter/payrouter/providers"
)

// initRequest is vector F1, less its signature.
func initRequest() node {
	return flat("pg_merchant_id", merchant, "pg_order_id", orderNumber, "pg_amount", "14500.00", "pg_currency", "KZT", "pg_description", "Заказ 481",
		"pg_testing_mode", "1", "pg_auto_clearing", "0", "pg_lifetime", "1800", "pg_language", "ru",
		"pg_result_url", "https://pay.example.kz/cb/freedompay/result", "pg_salt", "c0ffee0123456789")
}

// heldNotice is vector F6, failedNotice F6b, less their signatures.
func heldNotice() node {
	return flat("attempt", "a1", "pg_amount", "14500.00", "pg_auth_code", "204417", "pg_can_reject", "1", "pg_captured", "0", "pg_card_brand", "VI",
		"pg_card_pan", "4400-43XX-XXXX-1234", "pg_currency", "KZT", "pg_description", "Заказ 481", "pg_need_email_notification", "1",
		"pg_need_phone_notification", "0", "pg_net_amount", "14079.50", "pg_order_id", orderNumber, "pg_payment_date", "2026-03-14 14:21:07",
		"pg_payment_id", paymentID, "pg_payment_system", "EPAYWEBKZT", "pg_ps_amount", "14500", "pg_ps_currency", "KZT", "pg_ps_full_amount", "14500.00",
		"pg_result", "1", "pg_salt", "Rk3vT8", "pg_testing_mode", "1", "pg_user_contact_email", "aigerim@example.kz", "pg_user_phone", "77010000001")
}

func failedNotice() node {
	return flat("pg_amount", "14500.00", "pg_currency", "KZT", "pg_failure_code", "10009", "pg_failure_description", "Недостаточно средств",
		"pg_order_id", orderNumber, "pg_payment_id", paymentID, "pg_result", "0", "pg_salt", "Rk3vT9", "pg_testing_mode", "1")
}

// position is one item of a list of goods.
func position(count, name, price string) node {
	item := flat("count", count, "name", name, "price", price)
	item.name = "pg_receipt_positions"
	return item
}

// The vectors of the notes, section 11: P by others, F computed by two programs.
func TestSignaturesAreThoseOfTheVectors(t *testing.T) {
	published := providers.NewSecret("mypasskey")
	nested := flat("t_param", "value3", "b_param", "value2", "a_param", "value1", "salt", "9imM909TH820jwk387")
	inner := flat("m_subparam", "subvalue1", "q_subparam", "subvalue2")
	inner.name = "z_param"
	nested.children = append(nested.children, inner)
	cart := flat("pg_amount", "300.00", "pg_description", "cart", "pg_merchant_id", merchant, "pg_salt", "abc")
	cart.children = append(cart.children, position("2", "Чай", "100.00"), position("1", "Кофе", "100.00"))
	for _, v := range []struct {
		name, script string
		message      node
		secret       providers.Secret
		want         string
	}{
		{"P1 nested", "script.php", nested, published, "a8a4d5a9188f24038a14a4d65c387bf7"},
		{"P2 one field", "test.php", flat("pg_description", "test"), providers.NewSecret("rofoneqaxujagexi"), "7e3123d36e6aa859f40dbe4d7eff7c34"},
		{"F1 init", "init_payment.php", initRequest(), secret, "237c60120f3299e57c14755fc2d18512"},
		{"F1b without .php", "init_payment", initRequest(), secret, "9017227136824e28f0bdd6bd02b03186"},
		{"F2 init answer", "init_payment.php", flat("pg_status", "ok", "pg_payment_id", paymentID,
			"pg_redirect_url", "https://customer.freedompay.kz/pay.html?customer=3f1a9b77d2", "pg_redirect_url_type", "need data",
			"pg_salt", "9b1deb4d3b7d4bad"), secret, "b99e8cfe555c31e3a352813758ba855a"},
		{"F3 status", "get_status3.php", flat("pg_order_id", orderNumber, "pg_merchant_id", merchant, "pg_salt", "a1b2c3d4"), secret, "24d870c06a6413fb52ac60b387127212"},
		{"F4 revoke", "revoke.php", flat("pg_refund_amount", "5000.00", "pg_payment_id", paymentID, "pg_merchant_id", merchant, "pg_salt", "s4lt"), secret,
			"1925cc79514dbb876cea59c0542d410e"},
		{"F5 capture", "do_capture.php", flat("pg_clearing_amount", "14500.00", "pg_payment_id", paymentID, "pg_merchant_id", merchant, "pg_salt", "s4lt"), secret,
			"2edf36313e08fa45f0de7a5741aeefb8"},
		{"F5b cancel", "cancel.php", flat("pg_payment_id", paymentID, "pg_merchant_id", merchant, "pg_salt", "s4lt"), secret, "e618cda50cbc0d6e9d311e761ebf497c"},
		{"F6 result, held", "result", heldNotice(), secret, "076fb2b84007f7cb6a00d163c1c24e57"},
		{"F6b result, failed", "result", failedNotice(), secret, "b64797b163895843ca64840989a3c00b"},
		{"F7 our ok", "result", flat("pg_status", "ok", "pg_description", "accepted", "pg_salt", "Rk3vT8"), secret, "d2684b8bc24165882a50b24458ccbad0"},
		{"F7b our refusal", "result", flat("pg_status", "rejected", "pg_description", "order already paid", "pg_salt", "Rk3vT8"), secret,
			"f0c6ef9e0057fd5d638b0b4b1ada965c"},
		{"F8 list", "init_payment.php", cart, secret, "3807ec573e45a179c71565d5af1e62f0"},
		{"F9 empty value", "init_payment.php", flat("pg_amount", "300.00", "pg_description", "x", "pg_merchant_id", merchant, "pg_salt", "abc",
			"pg_user_phone", ""), secret, "c1a5459514b033701cfa6674c793256d"},
		{"F10 own fields", "result", flat("abc", "lower", "pg_order_id", "1", "Zeta", "upper", "pg_salt", "s"), secret, "9c732485beeaf320399b293cbd8afb06"},
	} {
		if got := v.message.sign(v.script, v.secret); got != v.want {
			t.Errorf("%s: %s, want %s over %q", v.name, got, v.want, v.message.values())
		}
	}
}

// Answers as they came, F2 and F3b, and the one of ours, F7.
func TestWholeAnswersVerify(t *testing.T) {
	for name, script := range map[string]string{
		"init.answer.xml": "init_payment.php", "status_refunds.answer.xml": "get_status3.php", "accepted.answer.xml": "result",
	} {
		m, err := parseXML(read(t, name), "response")
		if err != nil {
			t.Fatal(name, err)
		}
		if !m.signedBy(script, secret) {
			t.Errorf("%s does not verify over %q", name, m.values())
		}
		m.replace(fieldSig, strings.ToUpper(m.text(fieldSig)))
		if !m.signedBy(script, secret) {
			t.Errorf("%s: upper-case hex does not verify", name)
		}
	}
}

// The pattern that the documentation prints without a hash.
func TestTheDocumentedPatternIsTheStringToSign(t *testing.T) {
	m := flat("pg_order_id", "23", "pg_amount", "25", "pg_merchant_id", "{merchant}", "pg_description", "test", "pg_salt", "molbulak")
	if got := strings.Join(m.values(), ";"); got != "25;test;{merchant};23;molbulak" {
		t.Errorf("it is %q", got)
	}
}

func TestNothingElseVerifies(t *testing.T) {
	const want = "237c60120f3299e57c14755fc2d18512"
	signed := func(change func(m *node)) node {
		m := initRequest()
		change(&m)
		m.add(fieldSig, want)
		return m
	}
	escaped := func(m *node) {
		for i := range m.children {
			m.children[i].value = url.QueryEscape(m.children[i].value)
		}
	}
	sorted := func(m *node) {
		values := m.values()
		slices.Sort(values)
		for i := range m.children {
			m.children[i].value = values[i]
		}
	}
	for name, attempt := range map[string]struct {
		script  string
		secret  providers.Secret
		message node
	}{
		"values escaped before hashing":   {"init_payment.php", secret, signed(escaped)},
		"the secret of another merchant":  {"init_payment.php", providers.NewSecret("another"), signed(func(*node) {})},
		"no secret at all":                {"init_payment.php", providers.Secret{}, signed(func(*node) {})},
		"a script with a slash":           {"/init_payment.php", secret, signed(func(*node) {})},
		"a script with a query":           {"init_payment.php?a=1", secret, signed(func(*node) {})},
		"fields sorted by value":          {"init_payment.php", secret, signed(sorted)},
		"the signature signed, too":       {"init_payment.php", secret, signed(func(m *node) { m.add("pg_sig2", want) })},
		"Latin letters instead of UTF-8":  {"init_payment.php", secret, signed(func(m *node) { m.replace("pg_description", "Zakaz 481") })},
		"a field more":                    {"init_payment.php", secret, signed(func(m *node) { m.add("pg_param1", "x") })},
		"a field less":                    {"init_payment.php", secret, signed(func(m *node) { m.children = m.children[1:] })},
		"no signature":                    {"init_payment.php", secret, initRequest()},
		"a signature that is no hex":      {"init_payment.php", secret, func() node { m := initRequest(); m.add(fieldSig, "zz"); return m }()},
		"half a signature":                {"init_payment.php", secret, func() node { m := initRequest(); m.add(fieldSig, want[:16]); return m }()},
		"two signatures, the second good": {"init_payment.php", secret, func() node { m := initRequest(); m.add(fieldSig, "00"); m.add(fieldSig, want); return m }()},
	} {
		if attempt.message.signedBy(attempt.script, attempt.secret) {
			t.Errorf("%s: it verifies", name)
		}
	}
	if !signed(func(*node) {}).signedBy("init_payment.php", secret) {
		t.Error("the untouched vector does not verify")
	}
	extra := heldNotice()
	extra.add("zz", "1")
	extra.add(fieldSig, "076fb2b84007f7cb6a00d163c1c24e57")
	if extra.signedBy("result", secret) {
		t.Error("a field added to F6 is not noticed")
	}
}

// A signature in the middle of a message counts as a position and is left out.
func TestPositionsCountTheSignature(t *testing.T) {
	list := func(places ...string) node {
		var m node
		for _, place := range places {
			m.add(place, place)
		}
		return m
	}
	m := list("a", fieldSig, "a")
	m.children[0].value, m.children[2].value = "first", "second"
	if got := strings.Join(m.values(), ";"); got != "first;second" {
		t.Errorf("siblings of one name are signed as %q", got)
	}
}
