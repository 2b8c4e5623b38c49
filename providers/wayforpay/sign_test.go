package wayforpay

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/payrouter/payrouter/providers"
)

// vectors are those of the notes, section 11: the first two published, the others computed.
var vectors = []struct{ name, text, want string }{
	{"remove invoice, wiki", "test_merch_n1;INV-1479196343", "bc54562dc1fa928b52fd3eb0e4d36937"},
	{"purchase of a public client", "test_merch_n1;www.market.ua;DH783023;1415379863;1547.36;UAH;Процесор Intel Core i5-4670 3.4GHz;Пам'ять Kingston DDR3-1600 4096MB PC3-12800;1;1;1000;547.36", "ee828f71ed93441c07eb3eef67762a5c"},
	{"invoice", "test_merch_n1;shop.example.kz;rt-000000000001;1767225600;1500.5;UAH;Order rt-000000000001;1;1500.5", "1f5bb777d0708c39fa1cdda8ee960746"},
	{"invoice, trailing zero", "test_merch_n1;shop.example.kz;rt-000000000001;1767225600;1500.50;UAH;Order rt-000000000001;1;1500.50", "03a9b9e3747700e161ccd752daa94ab5"},
	{"two products", "test_merch_n1;shop.example.kz;rt-000000000002;1767225600;100;UAH;Чай чёрный;Сахар;2;1;40;20", "b1795cb30fd4d3387fccc43d31da00f3"},
	{"charge by token", "test_merch_n1;shop.example.kz;rt-000000000005;1767225600;250;UAH;Subscription January;1;250", "6f2db5770b2aa6dc95ee5952a80cba29"},
	{"settle or refund", "test_merch_n1;rt-000000000001;1500.5;UAH", "20755ad4ef2201563a3a9a0d581f1c72"},
	{"partial refund", "test_merch_n1;rt-000000000001;500.25;UAH", "e5b03f939366bfef97ce6fe8888c7a4f"},
	{"settle", "test_merch_n1;rt-000000000003;100;UAH", "fad40cfb1888dcf8bf077224c7b0a9f3"},
	{"check status", "test_merch_n1;rt-000000000001", "e6c4edfd3f88d89a42049f5490739d59"},
	{"transaction list", "test_merch_n1;1767225600;1769817600", "ff2246b07b76b032ede66a1dec5a9d58"},
	{"approved", "test_merch_n1;rt-000000000001;1500.5;UAH;541963;41****8217;Approved;1100", "cb0476c05485c118a391295eaa15a503"},
	{"approved, trailing zero", "test_merch_n1;rt-000000000001;1500.50;UAH;541963;41****8217;Approved;1100", "bd4334b010e02421e619393c21126872"},
	{"declined, no code and card", "test_merch_n1;rt-000000000002;100;UAH;;;Declined;1101", "a3b873fa958026586c22cf03ff094eb2"},
	{"declined, no code", "test_merch_n1;rt-000000000005;250;UAH;;51****5977;Declined;1104", "d0dd359f714d2fb779c0a4a3aa0e5034"},
	{"hold", "test_merch_n1;rt-000000000003;100;UAH;123456;51****5977;WaitingAuthComplete;1100", "b13404b07b3b983deeaeca3bc6454475"},
	{"3-D Secure wanted", "test_merch_n1;rt-000000000005;250;UAH;;51****5977;InProcessing;5100", "ccf70f8f7751c4bab3bb16042a4d9362"},
	{"order not found", "test_merch_n1;rt-000000000006;250;UAH;;;Declined;1127", "2cf1bfe0fdbae4adc8de8e47ae023c40"},
	{"expired", "test_merch_n1;rt-000000000004;100;UAH;;;Expired;1124", "c60128668dc2c12c797d28bd85c79910"},
	{"settled, 8 fields", "test_merch_n1;rt-000000000003;100;UAH;123456;51****5977;Approved;1100", "bcd0d2f501cf450751b0fbb02e5beb0a"},
	{"settled, 4 fields", "test_merch_n1;rt-000000000003;Approved;1100", "ef6405b1415063fd836248bcbc6c2867"},
	{"refunded", "test_merch_n1;rt-000000000001;Refunded;1100", "b6a3251d2b6e85ebd793514ee0a856da"},
	{"voided", "test_merch_n1;rt-000000000003;Voided;1100", "cdee919dc8734bb8a2b4f56854b29ee4"},
	{"refund pending", "test_merch_n1;rt-000000000001;RefundInProcessing;1138", "a148ec0d5d97f49f28ca393d43142e3b"},
	{"refund refused", "test_merch_n1;rt-000000000001;Declined;1128", "bc112dfe26736de159539ccca44c69fc"},
	{"our accept", "rt-000000000001;accept;1767225700", "4c0c4eb579138c932667610d1d424f30"},
	{"our accept, another", "rt-000000000002;accept;1767225701", "99c1fcff3aa2ac948b6473eaf63df7b5"},
	{"verify form", "test_merch_n1;shop.example.kz;verify-0001;0;UAH", "a6e687df60813c1dcd9ae7218763ddea"},
}

func TestSignatureMatchesEveryGoldenVector(t *testing.T) {
	for _, v := range vectors {
		if got := sign(secret, strings.Split(v.text, ";")...); got != v.want {
			t.Errorf("%s: %s, want %s", v.name, got, v.want)
		}
	}
}

func TestProductArraysAreSignedNamesThenCountsThenPrices(t *testing.T) {
	r := request{TransactionType: createInvoice, MerchantAccount: account, MerchantDomainName: "shop.example.kz",
		OrderReference: "rt-000000000002", OrderDate: day.Unix(), Amount: "100", Currency: "UAH",
		ProductName: []string{"Чай чёрный", "Сахар"}, ProductCount: []json.Number{"2", "1"}, ProductPrice: []json.Number{"40", "20"}}
	if got := r.signed(secret).MerchantSignature; got != "b1795cb30fd4d3387fccc43d31da00f3" {
		t.Errorf("signature %s", got)
	}
}

// An amount may have been signed as it stands or in its shortest form, and in no other.
func TestAmountIsVerifiedAsItStandsAndThenInShortestForm(t *testing.T) {
	const shortest, trailing = "cb0476c05485c118a391295eaa15a503", "bd4334b010e02421e619393c21126872"
	cases := []struct {
		amount, signature string
		want              bool
	}{
		{`1500.5`, shortest, true},
		{`"1500.5"`, shortest, true},
		{`1500.50`, shortest, true},
		{`"1500.50"`, shortest, true},
		{`1500.50`, trailing, true},
		{`"1500.50"`, trailing, true},
		{`1500.5`, trailing, false},
		{`1500.500`, trailing, false},
		{`1500.51`, shortest, false},
		{`1.5005e3`, shortest, false},
		{`1500.5`, strings.ToUpper(shortest), true},
		{`1500.5`, "", false},
		{`1500.5`, shortest[:30], false},
		{`1500.5`, "not hex at all", false},
	}
	for _, c := range cases {
		a, err := parseAnswer([]byte(`{"merchantAccount":"test_merch_n1","orderReference":"rt-000000000001","amount":` + c.amount +
			`,"currency":"UAH","authCode":"541963","cardPan":"41****8217","transactionStatus":"Approved","reasonCode":1100,"merchantSignature":"` + c.signature + `"}`))
		if err != nil {
			t.Fatal(err)
		}
		if got := a.signedBy(secret, eight); got != c.want {
			t.Errorf("amount %s with %q: %t", c.amount, c.signature, got)
		}
		if a.signedBy(providers.NewSecret("another"), eight) {
			t.Errorf("amount %s verifies with another secret", c.amount)
		}
	}
}
