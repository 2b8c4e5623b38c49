package journal_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

func TestARequestThatIsSentTwiceAtOnceIsNotRefusedForWhatItDidItself(t *testing.T) {
	st := &strict{path: filepath.Join(t.TempDir(), "b.db")}
	s := openStrict(t, st)
	defer s.Close()
	must(t, s.Migrate(t.Context()))
	opens("p", "order-1")(t, s)
	appends("p", plan(1, shop, "ref-p"))(t, s)
	appends("p", payment.Observed{Attempt: 1, Source: payment.FromResponse, Verdict: providers.Approved, External: "x-p"})(t, s)
	p, err := s.Get(t.Context(), "p")
	must(t, err)
	r := journal.Request{Tenant: "shop", ID: "r-refund", Kind: "refund", Hash: "h", Object: "f"}
	refused := errors.New("more than is left of what was paid")
	wish := func(id string, first func()) journal.Decide {
		return func(p payment.Payment) ([]payment.Event, error) {
			if p.CanRefund(price) != nil {
				return nil, refused
			}
			first()
			return []payment.Event{{At: start.Add(time.Minute), Actor: "caller:test", Body: payment.RefundRequested{Refund: id, RequestID: "r-refund", Amount: price}}}, nil
		}
	}
	_, err = s.AdvanceOnce(t.Context(), r, p, wish("g", func() {
		// Meanwhile the very same request is carried out (another replica, a hedged retry) ...
		_, err := s.AdvanceOnce(t.Context(), r, p, wish("f", func() {}))
		must(t, err)
		// ... and ours gets 40001 at its INSERT INTO requests, as REPEATABLE READ and SERIALIZABLE answer.
		st.mu.Lock()
		st.fail = len(st.points) + 1
		st.mu.Unlock()
	}))
	if !errors.Is(err, journal.ErrRepeated) {
		t.Errorf("the repeat is answered with %v instead of ErrRepeated", err)
	}
}
