package bulk

import "testing"

// BenchmarkRows makes the rows of payments and writes them nowhere: what filling costs beside
// the database.
func BenchmarkRows(b *testing.B) {
	plan := Plan{Payments: b.N, Until: until}.Default()
	out := make(chan *batch, 1)
	go func() {
		defer close(out)
		if err := plan.batches(b.Context(), &sequencer{}, out); err != nil {
			b.Error(err)
		}
	}()
	rows := 0
	for batch := range out {
		rows += len(batch[events])
	}
	b.ReportMetric(float64(rows)/float64(b.N), "events/op")
}
