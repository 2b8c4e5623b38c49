package office

import (
	"database/sql"
	"flag"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	gauges "runtime/metrics"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/pgtest"
)

var bigLines = flag.Int("lines", 100_000, "how many payments the larger day of BenchmarkBooks has; the other has a tenth")

// BenchmarkBooks reads a gateway's books of a day and holds them against ours, for a day and
// for one that is ten times as large. The findings must be the planted ones, also when the day
// is read once more. Lines per second are of the larger day's first reading; what its peak of memory is to that of the smaller says whether memory
// grows with the day.
func BenchmarkBooks(b *testing.B) {
	bench := func(url func(testing.TB) string) func(*testing.B) {
		return func(b *testing.B) {
			for b.Loop() {
				small := readBigDay(b, url(b), max(*bigLines/10, stretch))
				large := readBigDay(b, url(b), *bigLines)
				b.ReportMetric(large.perSecond(large.reading), "read-lines/s")
				b.ReportMetric(large.perSecond(large.matching), "match-lines/s")
				b.ReportMetric(mega(large.live), "peak-live-MB")
				b.ReportMetric(mega(large.heap), "peak-heap-MB")
				b.ReportMetric(mega(large.resident), "peak-rss-MB")
				b.ReportMetric(ratio(large.live, small.live), "live-of-tenth")
				b.ReportMetric(ratio(large.heap, small.heap), "heap-of-tenth")
				b.ReportMetric(ratio(large.resident, small.resident), "rss-of-tenth")
			}
			b.ReportMetric(0, "ns/op")
		}
	}
	b.Run("sqlite", bench(bigFile))
	b.Run("postgresql", func(b *testing.B) { b.Run("fsync "+fsync(b, pgtest.URL(b)), bench(pgtest.URL)) })
}

// A small one of the benchmark's days, so that the benchmark tells the truth when it is run.
func TestABigDayComesToThePlantedFindings(t *testing.T) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": bigFile, "postgresql": pgtest.URL} {
		t.Run(name, func(t *testing.T) {
			if of := readBigDay(t, url(t), 2000); of.lines < 2000 || of.reading <= 0 || of.matching <= 0 || of.live == 0 || of.heap < of.live {
				t.Errorf("measured %+v", of)
			}
		})
	}
}

func bigFile(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "books.db") }

func fsync(b *testing.B, url string) (setting string) {
	b.Helper()
	db, err := sql.Open("pgx", url)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRowContext(b.Context(), "SHOW fsync").Scan(&setting); err != nil {
		b.Fatal(err)
	}
	return setting
}

// measured is what reading and matching a day came to.
type measured struct {
	lines             int64
	reading, matching time.Duration
	memory
}

// memory is the most that was taken, in bytes.
type memory struct {
	live     uint64 // by objects that were in use, as the collector found
	heap     uint64 // by objects, those not yet swept included
	resident uint64 // by the process, SQLite with it; 0 where the system does not tell
}

func (m measured) perSecond(d time.Duration) float64 { return float64(m.lines) / d.Seconds() }

func mega(bytes uint64) float64 { return float64(bytes) / (1 << 20) }

func ratio(of, to uint64) float64 {
	if to == 0 {
		return 0
	}
	return float64(of) / float64(to)
}

// readBigDay fills books with n payments, has the day read, and checks what was found.
func readBigDay(t testing.TB, url string, n int) measured {
	t.Helper()
	day := &bigDay{n: n}
	var read time.Time
	driver, source := "pgx", url
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		driver, source = "sqlite", "file:"+path+"?_pragma=busy_timeout(5000)"
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	d := (&desk{t: t, provider: day, out: io.Discard}).opens(url, func(o *Options, b *Books) {
		o.Page, b.Fees, b.Payout = 500, contract, payout
		o.Step = func(point string) {
			if point == "statement read" {
				read = time.Now()
			}
		}
	})
	d.must(day.fill(t.Context(), db))
	if _, err := db.ExecContext(t.Context(), "ANALYZE"); err != nil { // as a server that lives on has done by itself
		t.Fatal(err)
	}

	peak := watchMemory()
	r := d.order(today)
	began := time.Now()
	d.works(d.Office)
	m := measured{reading: read.Sub(began), matching: time.Since(read), memory: peak()}
	r, err = d.store.Run(t.Context(), r.ID)
	d.must(err)
	if m.lines = r.Counts.Lines; r.State != journal.RunDone {
		t.Fatalf("the run is %s: %s", r.State, r.Error)
	}
	for _, reading := range []string{"first", "second"} {
		if diff := cmp.Diff(day.want(), d.foundByName()); diff != "" {
			t.Fatalf("findings of %d payments, %s reading (-planted +found):\n%s", n, reading, diff)
		}
		if reading == "first" {
			d.run(today)
		}
	}
	d.must(d.store.Close()) // its memory is not the next one's
	return m
}

// foundByName reads all findings, page by page, as want names them.
func (d *desk) foundByName() map[string]journal.FindingState {
	d.t.Helper()
	found := map[string]journal.FindingState{}
	for after := (journal.Cursor{}); ; {
		page, err := d.store.Findings(d.t.Context(), journal.FindingFilter{}, after, 1000)
		d.must(err)
		for _, f := range page {
			name := f.Kind + " " + f.Payment
			if f.Payment == "" {
				name = f.Kind + " " + f.Order
			}
			if _, twice := found[name]; twice {
				d.t.Errorf("%s is found twice", name)
			}
			found[name] = f.State
			after = journal.Cursor{Created: f.At, ID: f.ID()}
		}
		if len(page) == 0 {
			return found
		}
	}
}

// watchMemory watches what this process takes, from a swept heap on, until it is asked for the
// peaks.
func watchMemory() func() memory {
	debug.FreeOSMemory()
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // the resident peak begins anew, where there is one
	done := make(chan struct{})
	var most memory
	var group sync.WaitGroup
	group.Go(func() {
		sample := []gauges.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/objects:bytes"}}
		for {
			gauges.Read(sample)
			most.live, most.heap = max(most.live, sample[0].Value.Uint64()), max(most.heap, sample[1].Value.Uint64())
			select {
			case <-done:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	})
	return func() memory {
		close(done)
		group.Wait()
		most.resident = residentPeak()
		return most
	}
}

// residentPeak is VmHWM, in bytes.
func residentPeak() uint64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if text, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimSpace(text), " kB"), 10, 64)
			if err != nil {
				return 0
			}
			return kib << 10
		}
	}
	return 0
}
