package plainpay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/internal/exchange"
)

// fields are a request; its form is told in protocol.md.
type fields map[string]string

// answer is what we read of an answer or a notice. Unknown fields are ignored; of those we
// need, one that is missing is doubt.
type answer struct {
	Shop, Order, ID, State, Amount, Currency, Returned, Until, URL, Error string
}

// refusals are what an error proves, by status and word together: a proxy can invent
// either. Each operation has its own: a word that makes no sense there proves nothing.
type refusals map[string]providers.Result

// always are refused before anything is done, whatever was asked.
var always = refusals{
	"401 bad_key":   {Verdict: providers.Unserved, Reason: providers.Misconfigured},
	"429 slow_down": {Verdict: providers.Unserved, Reason: providers.Throttled},
}

// ask makes one exchange. It reports false when there is no payment to read, and then the
// Result says what is known instead. Nothing is ever sent again from here: whether to
// repeat is the router's to decide, by what the Result says.
func (g *Gateway) ask(ctx context.Context, path string, f fields, limit time.Duration, moves bool, known refusals) (answer, providers.Result, bool) {
	f["shop"] = g.config.Shop
	body, err := json.Marshal(f)
	if err != nil {
		return answer{}, providers.Unsent(err), false
	}
	call := exchange.Call{
		Method: http.MethodPost, URL: g.config.BaseURL + path, ContentType: "application/json", Body: body,
		Header:  map[string]string{"Authorization": "Bearer " + g.config.Key.Reveal()},
		Timeout: limit, MovesMoney: moves,
	}
	got := g.client.Do(ctx, call)
	if result, settled := got.Settle(); settled {
		return answer{}, result, false // not sent, or doubt
	}
	var a answer
	if err := json.Unmarshal(got.Body, &a); err != nil {
		// Not err itself: it may quote the body, and with it a payer.
		return answer{}, providers.Doubt(providers.Unreadable, "", errors.New("plainpay: the answer is not the JSON that is documented")), false
	}
	if got.Status == http.StatusOK && a.Error == "" {
		return a, providers.Result{}, true
	}
	code := fmt.Sprintf("%d %s", got.Status, word(a.Error))
	result, ok := known[code]
	if !ok {
		result, ok = always[code]
	}
	if !ok {
		return answer{}, providers.Doubt(providers.UnknownCode, code, nil), false // the default of every mapping
	}
	result.Code = code
	return answer{}, result, false
}

// word lets through what looks like a word of the protocol: codes are kept and shown, and
// must not carry what a strange answer put there.
func word(text string) string {
	if len(text) > 32 || strings.Trim(text, "abcdefghijklmnopqrstuvwxyz_") != "" {
		return "?"
	}
	return text
}
