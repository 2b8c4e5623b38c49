package providers_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/payrouter/payrouter/providers"
)

func TestASecretIsPrintedNowhere(t *testing.T) {
	const value = "flk3409refn54t54t"
	secret := providers.NewSecret(value)
	hidden := struct {
		inner struct{ secret providers.Secret }
	}{}
	hidden.inner.secret = secret
	for _, printed := range []any{secret, &secret, hidden, &hidden, []providers.Secret{secret}, map[string]providers.Secret{"a": secret}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			if text := fmt.Sprintf(verb, printed); strings.Contains(text, value) || strings.Contains(text, fmt.Sprintf("%x", value)) {
				t.Errorf("%s of %T prints it: %s", verb, printed, text)
			}
		}
	}
	if text, err := json.Marshal(secret); err != nil || strings.Contains(string(text), value) {
		t.Errorf("JSON %s, error %v", text, err)
	}
	if secret.Reveal() != value {
		t.Error("the value is lost")
	}
}
