package app_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/payrouter/payrouter/cmd/internal/app"
	"github.com/payrouter/payrouter/providers"
)

// Whatever stands in the file, it is read or refused in good time, and a key that the
// configuration does not have is never read over.
func FuzzConfig(f *testing.F) {
	example, err := os.ReadFile(filepath.Join(root, "deploy", "payrouter.yaml"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(example))
	f.Add(least)
	for _, text := range []string{"", "null", "[]", "a", "---\n---\n", "keys: {body: 0123456789abcdef, bodi: x}", "terms: {ladder: [1s, x]}", "gateways: [{}]", "gateways: [~]", "tenants: {shop: ~}",
		"a: &a [*a]", "<<: {log: {}}", "log: {<<: {level: loud}}", "keys: !!binary aGk=", "store: {migrate: maybe}", "health: {ramp: [1, 2.5]}", "log: {level: info, level: debug}", "? [a]: b",
		"x: &x [1,1,1,1,1,1,1,1,1]\ny: &y [*x,*x,*x,*x,*x,*x,*x,*x,*x]\nz: [*y,*y,*y,*y,*y,*y,*y,*y,*y]", "terms: {max_attempts: 99999999999999999999}", "grpc: {address: \"[::1\"}"} {
		f.Add(text)
		f.Add(least + text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "file") {
			return // it would read whatever is named
		}
		began := time.Now()
		c, err := app.Parse([]byte(text))
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("it took %s", took)
		}
		if err != nil {
			return
		}
		var document yaml.Node
		if err := yaml.Unmarshal([]byte(text), &document); err != nil {
			t.Fatalf("good, but no YAML: %v", err)
		}
		strict(t, &document, reflect.TypeFor[app.Config](), "")
		if len(c.Gateways) == 0 || len(c.Tenants) == 0 || len(c.Keys.Body.Reveal()) < 16 {
			t.Errorf("good without what is required: %+v", c)
		}
		_ = app.Check(c) // errors or not, no panic
	})
}

// strict walks a document beside the type that it was read into.
func strict(t *testing.T, n *yaml.Node, kind reflect.Type, path string) {
	t.Helper()
	for kind.Kind() == reflect.Pointer {
		kind = kind.Elem()
	}
	switch {
	case n.Kind == yaml.AliasNode:
		strict(t, n.Alias, kind, path)
	case n.Kind == yaml.DocumentNode:
		for _, child := range n.Content {
			strict(t, child, kind, path)
		}
	case n.Kind == yaml.SequenceNode && kind.Kind() == reflect.Slice:
		for _, child := range n.Content {
			strict(t, child, kind.Elem(), path+"[]")
		}
	case n.Kind != yaml.MappingNode:
	case kind.Kind() == reflect.Map:
		for i := 1; i < len(n.Content); i += 2 {
			strict(t, n.Content[i], kind.Elem(), path+"."+n.Content[i-1].Value)
		}
	case kind.Kind() == reflect.Struct:
		for i := 1; i < len(n.Content); i += 2 {
			key := n.Content[i-1]
			if key.Value == "<<" { // a merge: the same keys are looked at where they stand
				continue
			}
			if key.Kind == yaml.AliasNode {
				key = key.Alias
			}
			field, ok := fieldOf(kind, key.Value)
			if !ok {
				t.Fatalf("%s.%s was read over", path, key.Value)
			}
			strict(t, n.Content[i], field, path+"."+key.Value)
		}
	}
}

func fieldOf(kind reflect.Type, key string) (reflect.Type, bool) {
	for i := range kind.NumField() {
		field := kind.Field(i)
		name, how, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		if how == "inline" {
			if inside, ok := fieldOf(field.Type, key); ok {
				return inside, true
			}
			continue
		}
		if name == key || name == "" && strings.ToLower(field.Name) == key {
			return field.Type, true
		}
	}
	return nil, false
}

// everySecret has a place for each secret there is.
const everySecret = `
keys:
  body: SECRET0
store:
  url: SECRET1
log: {level: info}
tenants:
  shop:
    rules: [{gateway: way}]
gateways:
  - name: way
    provider: wayforpay
    wayforpay:
      merchant_account: shop
      merchant_domain: shop.example.kz
      merchant_secret: SECRET2
    retiring:
      - credentials: old
        wayforpay:
          merchant_account: shop
          merchant_domain: shop.example.kz
          merchant_secret: SECRET3
  - name: kaspi
    provider: kaspi
    kaspi:
      base_url: http://localhost/r3/v01
      organization_bin: "240540012345"
      api_key: SECRET4
      device_token: SECRET5
      biller:
        secret: SECRET6
  - name: halyk
    provider: halyk
    halyk:
      token_url: http://localhost/token
      api_url: http://localhost/api
      script_url: http://localhost/script.js
      client_id: test
      terminal_id: 67e34d63-102f-4bd1-898e-370781d0074d
      client_secret: SECRET7
      notice_key: SECRET8
      back_sign_secret: SECRET9
  - name: tiptop
    provider: tiptoppay
    tiptoppay:
      public_id: pk_1
      api_secret: SECRET10
  - name: freedom
    provider: freedompay
    freedompay:
      merchant_id: "541027"
      secret: SECRET11
  - name: robo
    provider: robokassa
    robokassa:
      merchant_login: shop
      password_1: SECRET12
      password_2: SECRET13
      password_3: SECRET14
      test_password_1: SECRET15
      test_password_2: SECRET16
  - name: quick
    provider: quickpay
    quickpay:
      api_key: SECRET17
      private_key: SECRET18
`

// secrets is how many places everySecret has.
const secrets = 19

// A test of the test: the places are all that there are.
func TestTheFuzzedConfigurationHasAPlaceForEverySecret(t *testing.T) {
	var count func(reflect.Type) int
	count = func(kind reflect.Type) int {
		sum := 0
		switch {
		case kind == reflect.TypeFor[providers.Secret]():
			return 1
		case kind == reflect.TypeFor[[]app.Account]():
			return 1 // the same settings once more: one place stands for all of them
		case kind.Kind() == reflect.Pointer || kind.Kind() == reflect.Slice || kind.Kind() == reflect.Map:
			return count(kind.Elem())
		case kind.Kind() == reflect.Struct:
			for i := range kind.NumField() {
				sum += count(kind.Field(i).Type)
			}
		}
		return sum
	}
	if n := count(reflect.TypeFor[app.Config]()); n != secrets || !strings.Contains(everySecret, fmt.Sprint("SECRET", n-1)) {
		t.Errorf("%d secrets in the configuration, %d places", n, secrets)
	}
	if _, err := app.Parse([]byte(strings.ReplaceAll(everySecret, "SECRET", "0123456789abcdef"))); err != nil {
		t.Error(err)
	}
}

// However a secret is written and whatever else is wrong with the file, the secret is in
// no error (I13): errors of a configuration go to logs and chats.
func FuzzSecretsOfABadConfiguration(f *testing.F) {
	const canary = "cAnAry5f1d0c9e"
	for field := range uint8(secrets) {
		for _, around := range [][2]string{{"", ""}, {"*", ""}, {"!", ""}, {"!!int ", ""}, {"!!float ", ""}, {"!!binary ", ""}, {"!!timestamp ", ""}, {"&", ""}, {"&a ", ""}, {"@", ""}, {"%", ""}, {"`", ""}, {"|", ""}, {">", ""},
			{"[", "]"}, {"[", ""}, {"{", "}"}, {"{a: ", "}"}, {"\"", ""}, {"\"\\q", "\""}, {"'", ""}, {"a: ", ""}, {"", ": b"}, {"", " #"}, {"- ", ""}, {"\t", ""}, {"${", ""}, {"postgres://u:%zz", "@h/b"}} {
			f.Add(field, around[0], around[1], uint8(0), "")
		}
		f.Add(field, "", "", uint8(5), "log: {level: loud}")
		f.Add(field, "", "", uint8(9), "   x: {")
	}
	f.Fuzz(func(t *testing.T, field uint8, before, after string, line uint8, damage string) {
		value := before + canary + after
		switch {
		case strings.ContainsAny(value, "\r\n\u0085\u2028\u2029"), strings.Contains(value+damage, "file"), strings.Contains(value, "${") && strings.Contains(value, "}"):
			return // it stands on one line, and is neither a file's name nor a variable's
		case strings.Contains(before, "&") && strings.Contains(damage, "*"), strings.Contains(before+damage, "?"):
			return // what is made a key, or repeated elsewhere, on purpose stands where no secret does
		}
		text := everySecret
		for i := range secrets {
			with := "0123456789abcdef"
			if i == int(field)%secrets {
				with = value
			}
			text = strings.Replace(text, fmt.Sprint("SECRET", i), with, 1)
		}
		if damage != "" {
			lines := strings.Split(text, "\n")
			lines[int(line)%len(lines)] += "\n" + damage
			text = strings.Join(lines, "\n")
		}
		c, err := app.Parse([]byte(text))
		if err == nil {
			err = app.Check(c)
		}
		if err != nil && (strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), canary[:7])) {
			t.Errorf("%q: %v", value, err)
		}
		if printed := fmt.Sprintf("%+v %#v", c, c); strings.Contains(printed, canary) && strings.Contains(text, canary) && err == nil {
			t.Errorf("%q is printed: %s", value, printed)
		}
	})
}
