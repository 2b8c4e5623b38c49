package office

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/adhocore/gronx"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/reconcile"
)

// dayLayout is how a business day is written.
const dayLayout = time.DateOnly

// day is the business day of that name.
func (b Books) day(name string) (providers.Window, error) {
	at, err := time.Parse(dayLayout, name)
	if err != nil {
		return providers.Window{}, fmt.Errorf("%q: %w", name, ErrBadDay)
	}
	y, m, d := at.Date()
	return reconcile.Day(time.Date(y, m, d, 12, 0, 0, 0, b.Zone), b.Zone), nil // not every day has a midnight
}

// name is how the day that a span is is written.
func (b Books) name(span providers.Window) string { return span.From.In(b.Zone).Format(dayLayout) }

// before is the business day before another.
func (b Books) before(span providers.Window) providers.Window {
	return reconcile.Day(span.From.Add(-time.Nanosecond), b.Zone)
}

// after is the business day after another.
func (b Books) after(span providers.Window) providers.Window { return reconcile.Day(span.To, b.Zone) }

// Check tells what is wrong with the settings, by field.
func (b Books) Check() error {
	if b.Zone == nil {
		return errors.New("zone: write one such as Asia/Almaty")
	}
	if b.Schedule != "" && (len(strings.Fields(b.Schedule)) != 5 || !gronx.IsValid(b.Schedule)) { // with seconds a day would be read without end
		return errors.New("schedule: write five fields as cron does, such as 30 5 * * *")
	}
	for name, f := range b.Formats {
		if err := f.Default().Check(); err != nil {
			return fmt.Errorf("formats.%s.%w", name, err)
		}
	}
	for name, d := range map[string]time.Duration{"lag": b.Lag, "slice": b.Slice, "edge": b.Edge, "late": b.Late, "payout": b.Payout} {
		if d < 0 {
			return fmt.Errorf("%s: %s is less than nothing", name, d)
		}
	}
	if b.Reread < 0 || b.CatchUp < 0 {
		return errors.New("reread, catch_up: write 0 or more days")
	}
	return nil
}
