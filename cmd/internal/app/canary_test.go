//go:build unix

package app_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/payrouter/payrouter/cmd/internal/app"
	pb "github.com/payrouter/payrouter/proto/payrouter/v1"
	"github.com/payrouter/payrouter/providers"
)

// person is the payer of every payment.
var person = &pb.Payer{Phone: "+77015550199", Email: "canary.personal@example.kz", DisplayName: "Kanareika Privatova", IpAddress: "192.0.2.199"}

// cyrillic is the same name in letters that encoders escape. Not every gateway takes them.
const cyrillic = "Канарейка Приватова"

// cardNumber is one that no caller may send and no gateway should tell.
const cardNumber = "4111111111111111"

// everyCanary are the persons, the secrets and the saved cards that everyGateway is about.
func everyCanary() []canary {
	all := []canary{{"the payer's phone", "7015550199"}, {"the payer's e-mail address", person.GetEmail()}, {"the payer's name", person.GetDisplayName()}, {"the payer's name in Cyrillic", cyrillic},
		{"the payer's address", person.GetIpAddress()}, {"a card number", cardNumber},
		{"kaspi.device_token", kaspiDevice}, {"kaspi.api_key", kaspiKey}, {"kaspi.biller.secret", kaspiBiller}, {"halyk.client_secret", halykSecret}, {"halyk.notice_key", halykNoticeKey},
		{"wayforpay.merchant_secret", wayforpaySecret}, {"tiptoppay.api_secret", tiptopSecret}, {"freedompay.secret", freedomSecret},
		{"robokassa.password_1", robokassa1}, {"robokassa.password_2", robokassa2}, {"robokassa.password_3", robokassa3},
		{"quickpay.api_key", quickpayKey}, {"quickpay.private_key", quickpayPrivate}, {"keys.body", bodyKey}}
	for _, gateway := range slices.Sorted(maps.Keys(savedCards)) {
		all = append(all, canary{"the card saved at " + gateway, savedCards[gateway]})
	}
	return all
}

// Every secret that the configuration has a place for, and that could be known to a gateway,
// is a canary: a new one without a canary fails here.
func TestEverySecretOfTheGatewaysIsACanary(t *testing.T) {
	known := map[string]bool{}
	for _, c := range everyCanary() {
		known[c.text] = true
	}
	optional := []string{"BackSignSecret", "TestPassword1", "TestPassword2", "URL"} // of other modes; the store has no part in this
	var look func(v reflect.Value, path string)
	look = func(v reflect.Value, path string) {
		if secret, ok := v.Interface().(providers.Secret); ok {
			if !known[secret.Reveal()] && !slices.ContainsFunc(optional, func(name string) bool { return strings.HasSuffix(path, "."+name) }) {
				t.Errorf("%s is no canary", path)
			}
			return
		}
		switch v.Kind() {
		case reflect.Pointer:
			if !v.IsNil() {
				look(v.Elem(), path)
			}
		case reflect.Slice:
			for i := range v.Len() {
				look(v.Index(i), fmt.Sprintf("%s[%d]", path, i))
			}
		case reflect.Struct:
			for i := range v.NumField() {
				if v.Type().Field(i).IsExported() {
					look(v.Field(i), path+"."+v.Type().Field(i).Name)
				}
			}
		}
	}
	look(reflect.ValueOf(everyConfig(t, "books.db")), "config")
}

// forPeople are the columns of the books that are there to keep what must stand nowhere else.
var forPeople = map[string]string{
	"payments.payer":    "what gateways must be told of the payer",
	"instruments.token": "what a saved card is charged with",
	"notices.path":      "a gateway's own words, raw", "notices.query": "the same", "notices.header": "the same", "notices.body": "the same",
}

// kept is everything else that the books hold. Of an event, what the payer shall see and
// open is left out, as in answers.
func kept(t *testing.T, books string) string {
	t.Helper()
	var all strings.Builder
	for _, table := range rows(t, books, "SELECT name FROM sqlite_master WHERE type = 'table'") {
		for _, column := range rows(t, books, "SELECT name FROM pragma_table_info('"+table+"')") {
			if forPeople[table+"."+column] != "" {
				continue
			}
			value := column
			if table == "events" && column == "body" {
				value = "json_remove(body, '$.action')"
			}
			for _, text := range rows(t, books, "SELECT DISTINCT CAST("+value+" AS TEXT) FROM "+table) {
				all.WriteString(table + "." + column + ": " + text + "\n")
			}
		}
	}
	return all.String()
}

// Whatever gateways answer, and whatever strangers send, no log line, metric, trace, answer or
// error holds a payer, a secret or a card, in any form, nor do the books outside of the
// places that are for them.
func TestPersonalDataAndSecretsAreInNoLogNoMetricNoErrorAndNoEvent(t *testing.T) {
	t.Parallel()
	books := filepath.Join(t.TempDir(), "books.db")
	saveEveryCard(t, books)
	c, endpoint := collecting(t)
	everything := everyConfig(t, books)
	everything.Traces = app.Traces{Endpoint: endpoint, Insecure: true, Share: 10_000, Service: "payrouter"}
	a := aviaryOf(t, everything, nil)
	stop := a.run()
	var group sync.WaitGroup
	for gateway := range a.parrots {
		group.Go(func() { a.quoted(gateway) })
	}
	group.Wait()
	a.forge()
	a.refused(t.Context())
	a.looked(t.Context())
	metrics := get(t, "http://"+a.service.OpsAddr()+"/metrics") + get(t, "http://"+a.service.OpsAddr()+"/")
	stop()

	f := newFinder(everyCanary())
	a.arrived(f)
	for place, text := range map[string]string{"the log": a.log.String(), "the metrics": metrics, "answers and errors": a.answers.String(), "the books": kept(t, books), "the traces": c.Said()} {
		if len(text) < 1000 {
			t.Errorf("there is next to nothing in %s: %q", place, text)
		}
		f.clean(t, place, text)
		// That it would have been found is shown with every canary, at the end of the same text.
		for _, c := range everyCanary() {
			if planted := f.find(text[len(text)-1000:] + fmt.Sprintf(`{"level":"INFO","msg":"gateway call","error":%q}`, "bad answer: "+c.text)); planted[c.what] == "" {
				t.Errorf("%s, planted in %s, is not found", c.what, place)
			}
		}
	}
	if len(c.Spans()) < 1000 {
		t.Errorf("the house was busy, and there are only %d spans", len(c.Spans()))
	}
	a.leaks()
}

// A connection that fails, or that is not with whom it should be, says nothing either: not
// in the address that was called, nor in what the other end said first.
func TestPersonalDataAndSecretsAreInNoErrorOfAConnection(t *testing.T) {
	t.Parallel()
	stranger := httptest.NewTLSServer(http.NotFoundHandler()) // whose certificate nobody signed
	t.Cleanup(stranger.Close)
	stranger.Config.ErrorLog = log.New(io.Discard, "", 0)
	babbler, err := net.Listen("tcp", "127.0.0.1:0") // who speaks before anybody asks, and no TLS
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = babbler.Close() })
	go func() {
		for {
			c, err := babbler.Accept()
			if err != nil {
				return
			}
			for _, known := range everyCanary() {
				_, _ = io.WriteString(c, known.text+"\r\n")
			}
			_ = c.Close()
		}
	}()
	for name, address := range map[string]string{"another certificate": stranger.Listener.Addr().String(), "no TLS": babbler.Addr().String(), "nobody": "127.0.0.1:1"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			books := filepath.Join(t.TempDir(), "books.db")
			saveEveryCard(t, books)
			secured := strings.NewReplacer("http://127.0.0.1:1", "https://localhost:1", "organization_bin", "scheme: r1\n      organization_bin", "{books}", books, "LIMIT", hastyLimit.String())
			a := aviaryOf(t, parsed(t, secured.Replace(everyGateway)), func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "tcp", address)
			})
			stop := a.run()
			for gateway, claims := range a.claims {
				a.tell(story{gateway: gateway, then: probe}, brief)
				for _, m := range claims.Methods {
					a.tell(story{gateway: gateway, method: m.Method}, brief)
				}
			}
			stop()
			if n := strings.Count(a.log.String(), `"reason":"not_sent"`); n < 15 {
				t.Errorf("only %d calls did not leave: %s", n, a.log.String())
			}
			for place, text := range map[string]string{"the log": a.log.String(), "answers and errors": a.answers.String(), "the books": kept(t, books)} {
				newFinder(everyCanary()).clean(t, place, text)
			}
		})
	}
}

// arrived fails unless the canaries have been where they could have got away: what a
// gateway has to be told came to it, and is quoted.
func (a *aviary) arrived(f finder) {
	everywhere := map[string]string{}
	for gateway, p := range a.parrots {
		came := f.find(p.said())
		maps.Copy(everywhere, came)
		if card := "the card saved at " + gateway; savedCards[gateway] != "" && came[card] == "" {
			a.t.Errorf("%s was never told of %s", gateway, card)
		}
	}
	for _, what := range []string{"the payer's phone", "the payer's e-mail address", "the payer's name",
		"kaspi.device_token", "halyk.client_secret", "tiptoppay.api_secret", "quickpay.api_key"} {
		if everywhere[what] == "" {
			a.t.Errorf("no gateway was ever told %s: nothing could have got away", what)
		}
	}
	for words, least := range map[string]int{`"msg":"gateway call"`: 200, `"code":"InvalidArgument"`: 6} {
		if n := strings.Count(a.log.String(), words); n < least {
			a.t.Errorf("the log says %s %d times, and much more has happened", words, n)
		}
	}
}

// leaks is the other control: a line of the very logger that the service has.
func (a *aviary) leaks() {
	slog.New(slog.NewJSONHandler(a, nil)).Warn("planted", "error", fmt.Errorf("no such payer: %q", person.GetEmail()).Error())
	if len(newFinder(everyCanary()).find(a.log.String())) == 0 {
		a.t.Error("a line with a payer in it, written to the log, is not found")
	}
}
