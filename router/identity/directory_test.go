package identity_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/payrouter/payrouter/router/identity"
)

// caller is the shortest good entry.
func caller(name string, certificates ...string) identity.Entry {
	return identity.Entry{Name: name, Certificates: certificates, Tenants: map[string]identity.Roles{"shop": identity.Caller}}
}

func directory(t *testing.T, entries ...identity.Entry) identity.Directory {
	t.Helper()
	d, err := identity.NewDirectory(entries)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestAllMistakesOfADirectoryAreToldAtOnce(t *testing.T) {
	_, err := identity.NewDirectory([]identity.Entry{
		caller("checkout", "checkout.example.kz", "till.example.kz"),
		caller("checkout", "other.example.kz"),
		caller("the till", "till.example.kz", ""),
		{Name: "nobody", House: identity.Auditor},
		{Name: "idle", Subjects: []string{"idle"}},
		{Name: "odd", Subjects: []string{"odd", "idle"}, House: 1 << 7, Tenants: map[string]identity.Roles{"shop": 0}},
		caller("Checkout", "third.example.kz"), // else one person could be two
		{Name: "till", Subjects: []string{"till"}, House: identity.Caller},
	})
	for _, want := range []string{
		`identities[1].name: "checkout" appears twice ("checkout")`,
		`identities[2].name: "the till" is not a letter`,
		`identities[2].certificates[0]: "till.example.kz" belongs to "checkout" already`,
		`identities[2].certificates[1]: a name of 1 to 255 bytes`,
		`identities[3]: nothing proves that it calls`,
		`identities[4]: it may do nothing`,
		`identities[5].subjects[1]: "idle" belongs to "idle" already`,
		`identities[5].tenants.shop: no role is given`,
		`identities[5]: there are no roles but ["caller" "operator" "auditor" "admin"]`,
		`identities[6].name: "Checkout" appears twice ("checkout")`,
		`identities[7].house: a caller takes the payments of a tenant`,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not said: %v", want, err)
		}
	}
	if lines := strings.Count(err.Error(), "\n") + 1; lines != 11 {
		t.Errorf("%d mistakes are told:\n%v", lines, err)
	}
}

func TestANameIsOfTheCertificateOrOfTheTokenAndNotOfBoth(t *testing.T) {
	d := directory(t, caller("checkout", "aida"), identity.Entry{Name: "aida", Subjects: []string{"aida"}, House: identity.Operator})
	if who, err := d.Subject("aida"); err != nil || who.Name != "aida" || who.House != identity.Operator {
		t.Errorf("the token's is %+v, %v", who, err)
	}
	if who, err := d.Certificate(&x509.Certificate{DNSNames: []string{"aida"}}); err != nil || who.Name != "checkout" || who.Tenants["shop"] != identity.Caller {
		t.Errorf("the certificate's is %+v, %v", who, err)
	}
	if _, err := d.Subject("checkout"); !errors.Is(err, identity.ErrUnknown) {
		t.Errorf("a name of ours proves nothing: %v", err)
	}
}

func TestACertificateIsKnownByItsAlternativeNamesAndByItsSubjectOnlyWithoutThem(t *testing.T) {
	uri := func(text string) []*url.URL {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return []*url.URL{u}
	}
	d := directory(t, caller("checkout", "spiffe://house/checkout", "checkout.example.kz"), caller("till", "till"))
	for name, c := range map[string]struct {
		certificate x509.Certificate
		want        string
	}{
		"URI":                     {x509.Certificate{URIs: uri("spiffe://house/checkout")}, "checkout"},
		"DNS":                     {x509.Certificate{DNSNames: []string{"checkout.example.kz"}}, "checkout"},
		"one of several":          {x509.Certificate{DNSNames: []string{"a.example.kz", "checkout.example.kz"}}, "checkout"},
		"two of one entry":        {x509.Certificate{URIs: uri("spiffe://house/checkout"), DNSNames: []string{"checkout.example.kz"}}, "checkout"},
		"two of two entries":      {x509.Certificate{URIs: uri("spiffe://house/checkout"), DNSNames: []string{"till"}}, ""},
		"subject":                 {x509.Certificate{Subject: pkix.Name{CommonName: "till"}}, "till"},
		"subject beside others":   {x509.Certificate{Subject: pkix.Name{CommonName: "till"}, DNSNames: []string{"a.example.kz"}}, ""},
		"another case":            {x509.Certificate{DNSNames: []string{"Checkout.example.kz"}}, ""},
		"a wildcard":              {x509.Certificate{DNSNames: []string{"*.example.kz"}}, ""},
		"a name before the other": {x509.Certificate{DNSNames: []string{"checkout.example.kz.evil.example"}}, ""},
		"an organisation":         {x509.Certificate{Subject: pkix.Name{Organization: []string{"till"}}}, ""},
		"an address":              {x509.Certificate{EmailAddresses: []string{"till"}}, ""},
		"nothing":                 {x509.Certificate{}, ""},
	} {
		who, err := d.Certificate(&c.certificate)
		if who.Name != c.want || errors.Is(err, identity.ErrUnknown) != (c.want == "") {
			t.Errorf("%s: %q, %v", name, who.Name, err)
		}
	}
}

func TestAnEmptyDirectoryKnowsNobody(t *testing.T) {
	var d identity.Directory
	_, subject := d.Subject("")
	_, certificate := d.Certificate(&x509.Certificate{DNSNames: []string{""}})
	if !errors.Is(subject, identity.ErrUnknown) || !errors.Is(certificate, identity.ErrUnknown) {
		t.Errorf("%v, %v", subject, certificate)
	}
}

func TestADirectoryDoesNotChangeWithWhatItWasMadeOf(t *testing.T) {
	e := caller("checkout", "checkout")
	d := directory(t, e)
	e.Tenants["shop"] |= identity.Admin
	if who, err := d.Certificate(&x509.Certificate{DNSNames: []string{"checkout"}}); err != nil || who.Tenants["shop"] != identity.Caller {
		t.Errorf("%+v, %v", who, err)
	}
}

func TestRolesAreReadByNameAndUnknownOnesRefused(t *testing.T) {
	all, err := identity.ParseRoles([]string{"admin", "caller", "auditor", "operator", "caller"})
	if err != nil || all.String() != "caller,operator,auditor,admin" {
		t.Errorf("%s, %v", all, err)
	}
	_, err = identity.ParseRoles([]string{"caller", "Operator", "root"})
	if err == nil || !strings.Contains(err.Error(), `"Operator" is no role; there are ["caller"`) || !strings.Contains(err.Error(), `"root"`) {
		t.Errorf("%v", err)
	}
}
