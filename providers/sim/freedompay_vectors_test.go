package sim

import (
	"crypto/md5"
	"encoding/hex"
	"strings"
	"testing"
)

// fpFields makes a flat message of names and values.
func fpFields(pairs ...string) fpMessage {
	var m fpMessage
	for i := 0; i+1 < len(pairs); i += 2 {
		m = append(m, fpLeaf(pairs[i], pairs[i+1]))
	}
	return m
}

var fpInitFields = fpFields(
	"pg_merchant_id", "541027", "pg_order_id", "KZ-2026-000481", "pg_amount", "14500.00", "pg_currency", "KZT",
	"pg_description", "Заказ 481", "pg_testing_mode", "1", "pg_auto_clearing", "0", "pg_lifetime", "1800", "pg_language", "ru",
	"pg_result_url", "https://pay.example.kz/cb/freedompay/result", "pg_salt", "c0ffee0123456789",
)

var fpResultFields = fpFields(
	"attempt", "a1", "pg_amount", "14500.00", "pg_auth_code", "204417", "pg_can_reject", "1", "pg_captured", "0",
	"pg_card_brand", "VI", "pg_card_pan", "4400-43XX-XXXX-1234", "pg_currency", "KZT", "pg_description", "Заказ 481",
	"pg_need_email_notification", "1", "pg_need_phone_notification", "0", "pg_net_amount", "14079.50", "pg_order_id", "KZ-2026-000481",
	"pg_payment_date", "2026-03-14 14:21:07", "pg_payment_id", "915334407", "pg_payment_system", "EPAYWEBKZT", "pg_ps_amount", "14500",
	"pg_ps_currency", "KZT", "pg_ps_full_amount", "14500.00", "pg_result", "1", "pg_salt", "Rk3vT8", "pg_testing_mode", "1",
	"pg_user_contact_email", "aigerim@example.kz", "pg_user_phone", "77010000001",
)

const fpStatusAnswer = `<response><pg_status>ok</pg_status><pg_payment_id>915334407</pg_payment_id><pg_order_id>KZ-2026-000481</pg_order_id>
<pg_can_reject>0</pg_can_reject><pg_payment_method>bankcard</pg_payment_method><pg_amount>14500.00</pg_amount>
<pg_currency>KZT</pg_currency><pg_payment_status>success</pg_payment_status><pg_clearing_amount>14500.00</pg_clearing_amount>
<pg_refund_amount>-5000.00</pg_refund_amount><pg_captured>1</pg_captured>
<pg_create_date>2026-03-14 14:20:31</pg_create_date><pg_payment_date>2026-03-14 14:21:07</pg_payment_date>
<pg_refund_payments>
<pg_refund_payment><pg_payment_id>915402218</pg_payment_id><pg_payment_status>success</pg_payment_status><pg_amount>-3000.00</pg_amount><pg_payment_date>2026-03-15 10:00:01</pg_payment_date></pg_refund_payment>
<pg_refund_payment><pg_payment_id>915402240</pg_payment_id><pg_payment_status>success</pg_payment_status><pg_amount>-2000.00</pg_amount><pg_payment_date>2026-03-15 10:05:44</pg_payment_date></pg_refund_payment>
</pg_refund_payments><pg_salt>z9y8x7w6</pg_salt><pg_sig>d1142f7cb2e581bee2409e2c33493831</pg_sig></response>`

func TestFreedomPaySignsTheVectors(t *testing.T) {
	nested := append(fpFields("a_param", "value1", "b_param", "value2", "salt", "9imM909TH820jwk387", "t_param", "value3"),
		fpField{name: "z_param", inner: fpFields("m_subparam", "subvalue1", "q_subparam", "subvalue2")})
	answer, err := fpParseXML([]byte(fpStatusAnswer), "response")
	if err != nil {
		t.Fatal(err)
	}
	p2, err := fpParseXML([]byte(`<?xml version="1.0" encoding="utf-8"?><request><pg_description>test</pg_description></request>`), "request")
	if err != nil {
		t.Fatal(err)
	}
	cart, err := fpParseForm("pg_merchant_id=541027&pg_amount=300.00&pg_description=cart&pg_salt=abc" +
		"&pg_receipt_positions[0][count]=2&pg_receipt_positions[0][name]=%D0%A7%D0%B0%D0%B9&pg_receipt_positions[0][price]=100.00" +
		"&pg_receipt_positions%5B%5D%5Bcount%5D=1&pg_receipt_positions[1][name]=%D0%9A%D0%BE%D1%84%D0%B5&pg_receipt_positions[1][price]=100.00")
	if err != nil {
		t.Fatal(err)
	}
	money := func(more ...string) fpMessage {
		return append(fpFields("pg_salt", "s4lt", "pg_payment_id", "915334407", "pg_merchant_id", "541027"), fpFields(more...)...)
	}
	for _, v := range []struct {
		name, script, secret string
		m                    fpMessage
		want                 string
	}{
		{"P1", "script.php", "mypasskey", nested, "a8a4d5a9188f24038a14a4d65c387bf7"},
		{"P2", "test.php", "rofoneqaxujagexi", p2, "7e3123d36e6aa859f40dbe4d7eff7c34"},
		{"F1", "init_payment.php", "", fpInitFields, "237c60120f3299e57c14755fc2d18512"},
		{"F1b", "init_payment", "", fpInitFields, "9017227136824e28f0bdd6bd02b03186"},
		{"F2", "init_payment.php", "", fpFields("pg_status", "ok", "pg_payment_id", "915334407", "pg_redirect_url",
			"https://customer.freedompay.kz/pay.html?customer=3f1a9b77d2", "pg_redirect_url_type", "need data", "pg_salt", "9b1deb4d3b7d4bad"),
			"b99e8cfe555c31e3a352813758ba855a"},
		{"F3", "get_status3.php", "", fpFields("pg_merchant_id", "541027", "pg_order_id", "KZ-2026-000481", "pg_salt", "a1b2c3d4"),
			"24d870c06a6413fb52ac60b387127212"},
		{"F3b", "get_status3.php", "", answer, answer.text(fpSig)},
		{"F4", "revoke.php", "", money("pg_refund_amount", "5000.00"), "1925cc79514dbb876cea59c0542d410e"},
		{"F5", "do_capture.php", "", money("pg_clearing_amount", "14500.00"), "2edf36313e08fa45f0de7a5741aeefb8"},
		{"F5b", "cancel.php", "", money(), "e618cda50cbc0d6e9d311e761ebf497c"},
		{"F6", "result", "", fpResultFields, "076fb2b84007f7cb6a00d163c1c24e57"},
		{"F6b", "result", "", fpFields("pg_order_id", "KZ-2026-000481", "pg_payment_id", "915334407", "pg_amount", "14500.00", "pg_currency",
			"KZT", "pg_result", "0", "pg_failure_code", "10009", "pg_failure_description", "Недостаточно средств", "pg_testing_mode", "1",
			"pg_salt", "Rk3vT9"), "b64797b163895843ca64840989a3c00b"},
		{"F7", "result", "", fpFields("pg_status", "ok", "pg_description", "accepted", "pg_salt", "Rk3vT8"), "d2684b8bc24165882a50b24458ccbad0"},
		{"F7b", "result", "", fpFields("pg_status", "rejected", "pg_description", "order already paid", "pg_salt", "Rk3vT8"),
			"f0c6ef9e0057fd5d638b0b4b1ada965c"},
		{"F8", "init_payment.php", "", cart, "3807ec573e45a179c71565d5af1e62f0"},
		{"F9", "init_payment.php", "", fpFields("pg_user_phone", "", "pg_merchant_id", "541027", "pg_amount", "300.00", "pg_description", "x",
			"pg_salt", "abc"), "c1a5459514b033701cfa6674c793256d"},
		{"F10", "result", "", fpFields("abc", "lower", "pg_order_id", "1", "Zeta", "upper", "pg_salt", "s"), "9c732485beeaf320399b293cbd8afb06"},
	} {
		secret := v.secret
		if secret == "" {
			secret = FreedomPayDefaultSecret
		}
		if got := v.m.sign(v.script, secret); got != v.want {
			t.Errorf("%s: the signature is %s, want %s", v.name, got, v.want)
		}
		withSig := append(v.m.without(fpSig), fpLeaf(fpSig, "whatever"))
		if got := withSig.sign(v.script, secret); got != v.want {
			t.Errorf("%s: with pg_sig at the end the signature is %s, want %s", v.name, got, v.want)
		}
	}
}

// The vectors as they travel: requests that the face must take, and our answers to callbacks that it must believe.
func TestFreedomPayTakesTheVectorsFromTheWire(t *testing.T) {
	fpBubble(t, FreedomPayOptions{}, func(s *fpShop) {
		send := func(path, sig string, m fpMessage) fpMessage {
			t.Helper()
			rec, err := s.exchange(fpPost(path, append(m.without(), fpLeaf(fpSig, sig)).form("")))
			if err != nil {
				t.Fatal(err)
			}
			got, _ := s.read(path, rec)
			return got
		}
		fpWant(t, send("/init_payment", "237c60120f3299e57c14755fc2d18512", fpInitFields), "pg_error_code", "1100")
		m := send("/init_payment.php", "237c60120f3299e57c14755fc2d18512", fpInitFields)
		fpWant(t, m, "pg_status", "ok", "pg_redirect_url_type", "need data")
		status := fpFields("pg_merchant_id", "541027", "pg_order_id", "KZ-2026-000481", "pg_salt", "a1b2c3d4")
		fpWant(t, send("/get_status3.php", "24d870c06a6413fb52ac60b387127212", status), "pg_payment_id", m.text("pg_payment_id"))

		d := &fpDispatch{url: "https://pay.example.kz/cb/freedompay/m1/result"}
		const answer = `<?xml version="1.0" encoding="utf-8"?>
<response><pg_status>ok</pg_status><pg_description>accepted</pg_description><pg_salt>Rk3vT8</pg_salt><pg_sig>d2684b8bc24165882a50b24458ccbad0</pg_sig></response>`
		if word := s.face.word(d, 200, []byte(answer)); word != "ok" {
			t.Errorf("F7 is heard as %q", word)
		}
		rejected := strings.NewReplacer("accepted", "order already paid", ">ok<", ">rejected<",
			"d2684b8bc24165882a50b24458ccbad0", "f0c6ef9e0057fd5d638b0b4b1ada965c").Replace(answer)
		if word := s.face.word(d, 200, []byte(rejected)); word != "rejected" {
			t.Errorf("F7b is heard as %q", word)
		}
		for i := range answer {
			changed := []byte(answer)
			changed[i] ^= 1
			if word := s.face.word(d, 200, changed); word != "" && word != "ok" {
				t.Errorf("byte %d changed: it is heard as %q", i, word)
			}
		}
	})
}

func TestFreedomPaySignatureRejectsTheNegativeCases(t *testing.T) {
	const want = "076fb2b84007f7cb6a00d163c1c24e57"
	secret := FreedomPayDefaultSecret
	escaped := fpResultFields.without()
	escaped.set("pg_payment_date", "2026-03-14%2014%3A21%3A07")
	latin := fpResultFields.without()
	latin.set("pg_description", "\xc7\xe0\xea\xe0\xe7 481")
	for what, got := range map[string]string{
		"URL-encoded value":            escaped.sign("result", secret),
		"secret of another merchant":   fpResultFields.sign("result", "rofoneqaxujagexi"),
		"leading slash in the script":  fpResultFields.sign("/result", secret),
		"query string in the script":   fpResultFields.sign("result?m=1", secret),
		"not UTF-8":                    latin.sign("result", secret),
		"an extra field":               append(fpResultFields.without(), fpLeaf("pg_extra", "1")).sign("result", secret),
		"a field less":                 fpResultFields.without("attempt").sign("result", secret),
		"an empty value that was away": append(fpResultFields.without(), fpLeaf("zz", "")).sign("result", secret),
	} {
		if got == want {
			t.Errorf("%s: the signature is the same", what)
		}
	}
}

// The place of a field among its siblings is part of its flat name, so names of which one is the other and digits may change
// their order: the trap of section 3.
func TestFreedomPaySortsByFlatNames(t *testing.T) {
	got := fpFields("pg_param1", "a", "pg_param10", "b").sign("x", "s")
	if plain := md5.Sum([]byte("x;a;b;s")); got == hex.EncodeToString(plain[:]) {
		t.Error("pg_param1 stands before pg_param10")
	}
	if flat := md5.Sum([]byte("x;b;a;s")); got != hex.EncodeToString(flat[:]) {
		t.Error("pg_param10002 does not stand before pg_param1001")
	}
}

func TestFreedomPayReadsFormsAsPHPDoes(t *testing.T) {
	m, err := fpParseForm("a=1&b[x]=2&b[y][]=3&b[y][]=4&a=5&c=&d=%2B+")
	if err != nil {
		t.Fatal(err)
	}
	if got := string(m.xml("r")); !strings.HasSuffix(got, "<r><a>5</a><b><x>2</x><y><0>3</0><1>4</1></y></b><c></c><d>+ </d></r>") {
		t.Errorf("it is read as %s", got)
	}
	if m.form("") != "a=5&b%5Bx%5D=2&b%5By%5D%5B0%5D=3&b%5By%5D%5B1%5D=4&c=&d=%2B+" {
		t.Errorf("it is written as %s", m.form(""))
	}
	for _, bad := range []string{"a=%zz", "=1", "a[=1", "[a]=1", "a[b=1", "a" + strings.Repeat("[x]", 20) + "=1"} {
		if m, err := fpParseForm(bad); err == nil {
			t.Errorf("%s is read as %v", bad, m)
		}
	}
}

func TestFreedomPayRefusesXMLThatIsNotPlain(t *testing.T) {
	for _, bad := range []string{
		"", "<request>", "<response></response>", "<request></request><request></request>", "<request></request>x", "{}",
		`<!DOCTYPE request [<!ENTITY a "b">]><request><x>1</x></request>`, "<request><!DOCTYPE x><x>1</x></request>",
		"<request><x>&a;</x></request>", "<request><?php 1 ?></request>",
		"<request>" + strings.Repeat("<x>", 40) + strings.Repeat("</x>", 40) + "</request>",
	} {
		if m, err := fpParseXML([]byte(bad), "request"); err == nil {
			t.Errorf("%q is read as %v", bad, m)
		}
	}
}

func FuzzFreedomPayForm(f *testing.F) {
	f.Add("a=1&b[x]=2&b[]=3")
	f.Add("pg_xml=%3Crequest%3E")
	f.Fuzz(func(t *testing.T, raw string) {
		m, err := fpParseForm(raw)
		if err != nil {
			return
		}
		again, err := fpParseForm(m.form(""))
		if err != nil || again.form("") != m.form("") || again.sign("s", "k") != m.sign("s", "k") {
			t.Errorf("%q is written as %q and read as %v, %v", raw, m.form(""), again, err)
		}
	})
}

func FuzzFreedomPayXML(f *testing.F) {
	f.Add(fpStatusAnswer)
	f.Add(`<?xml version="1.0"?><response><a>&lt;</a><b><c>1</c></b></response>`)
	f.Fuzz(func(t *testing.T, raw string) {
		m, err := fpParseXML([]byte(raw), "response")
		if err != nil {
			return
		}
		again, err := fpParseXML(m.xml("response"), "response")
		if err != nil || again.sign("s", "k") != m.sign("s", "k") {
			t.Errorf("%q is written as %q: %v", raw, m.xml("response"), err)
		}
	})
}
