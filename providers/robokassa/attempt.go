package robokassa

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// attemptName is the parameter of our own that every payment carries, but that of an invoice:
// what a look-up or a notice is about stands in it. Ours are spelt in one way, so that the two
// orders in which clients sort agree.
const attemptName = ownPrefix + "attempt"

// saveName is 1 on a first payment, whose number is a saved card from then on. Robokassa
// repeats it under the signature of ResultURL, which tells a first payment by nothing else.
const saveName = ownPrefix + "save"

// clocksDiffer is how far Robokassa's clock may be behind ours.
const clocksDiffer = 5 * time.Minute

var (
	errOtherOne = errors.New("robokassa: the answer is about another payment")
	errEarlier  = errors.New("robokassa: the number was used before; look at reference_prefix, and at what else uses the shop")
	errNoDate   = errors.New("robokassa: nothing in the answer tells this payment from an earlier one of its number")
)

// attemptOf is what attemptName says: the number, and when the attempt was planned, in
// milliseconds. A number alone may come twice: from a counter that began anew, or from another
// gateway of the same shop. The value is signed in starts and notices, and may hold no colon.
func attemptOf(ref providers.Ref) string {
	if ref.Planned.IsZero() {
		return ref.Order
	}
	return ref.Order + "-" + strconv.FormatInt(ref.Planned.UnixMilli(), 10)
}

// readAttempt takes what a notice carries apart: the number, and when the attempt was planned,
// to the millisecond; the zero time where it does not say.
func readAttempt(text string) (number string, planned time.Time) {
	number, at, _ := strings.Cut(text, "-")
	if ms, err := strconv.ParseInt(at, 10, 64); err == nil && ms > 0 {
		planned = time.UnixMilli(ms).UTC()
	}
	return number, planned
}

// foreign says why an answer is about another payment than the one that ref asked for: it
// carries another attempt, or it came about before ref was planned.
func (s standing) foreign(ref providers.Ref) error {
	switch {
	case s.attempt != "" && s.attempt != attemptOf(ref):
		return errOtherOne
	case !s.since.IsZero() && s.since.Before(ref.Planned.Add(-clocksDiffer)):
		return errEarlier
	}
	return nil
}
