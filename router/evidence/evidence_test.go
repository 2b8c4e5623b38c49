package evidence

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

var update = flag.Bool("update", false, "write the golden files anew")

var noon = time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC)

func tenge(minor int64) providers.Money { return providers.Money{Minor: minor, Currency: "KZT"} }

// paid is the evidence about a payment that was paid, contested, answered and won.
func paid(t *testing.T) Bundle {
	t.Helper()
	after := func(d time.Duration) time.Time { return noon.Add(d) }
	events := []payment.Event{
		{Seq: 1, At: noon, Actor: "caller:shop", Body: payment.Opened{ID: "019ac", Tenant: "shop", RequestID: "r", Order: "4711", Amount: tenge(150000), Methods: []providers.Method{providers.QR}, Deadline: after(time.Hour)}},
		{Seq: 2, At: after(time.Second), Actor: "router", Body: payment.Planned{Attempt: 1, Gateway: "kaspi-main", Provider: "kaspi", Method: providers.QR, Flow: providers.Offer, Reference: "ref-1"}},
		{Seq: 3, At: after(time.Minute), Actor: "gateway:kaspi-main", Body: payment.Observed{Attempt: 1, Source: payment.FromNotice, Verdict: providers.Approved, External: "x-1", Amount: tenge(150000)}},
	}
	p, err := payment.Fold(events)
	if err != nil {
		t.Fatal(err)
	}
	return Bundle{
		Dispute: Dispute{ID: "5f1d", Case: "81", Kind: "chargeback", State: "closed", Outcome: "won", Gateway: "kaspi-main", Attempt: 1, Amount: tenge(150000), Taken: tenge(150000),
			Detail: "Тауар жеткізілмеді дейді", Opened: after(24 * time.Hour), Due: after(48 * time.Hour), Answer: "Тауар берілді: қол қойылған", AnsweredBy: "operator:aida",
			Answered: after(30 * time.Hour), RecordedBy: "operator:aida", ClosedBy: "operator:bolat", CloseCause: "the bank agrees", Created: after(25 * time.Hour), Updated: after(50 * time.Hour), Closed: after(50 * time.Hour)},
		Payment: p,
		JSON:    []byte(`{"name":"payments/019ac",  "order_id": "4711"}`),
		Facts: []Fact{{Seq: 1, At: noon, Who: "caller:shop", What: "asked for 1500.00 KZT by qr"}, {Seq: 2, At: after(time.Second), Who: "router", What: "attempt 1 at kaspi-main by qr as ref-1", Attempt: 1},
			{Seq: 3, At: after(20 * time.Second), Who: "gateway:kaspi-main", What: "lookup says pending", Attempt: 1}, {Seq: 4, At: after(40 * time.Second), Who: "gateway:kaspi-main", What: "lookup says pending", Attempt: 1},
			{Seq: 5, At: after(time.Minute), Who: "gateway:kaspi-main", What: "notice says approved, 1500.00 KZT", Attempt: 1}},
		Proofs: []string{"attempt 0 was never sent"},
		Findings: []Finding{{At: after(22 * time.Hour), Kind: "line_amount_differs", Detail: "the line has less", Attempt: 1, State: "closed", FromStatement: true, Ours: tenge(150000), Theirs: tenge(149900),
			Closed: after(23 * time.Hour), ClosedBy: "statement", Reason: "explained"}, {At: after(time.Minute), Kind: "money_twice", State: "open"}},
		Notices: []Notice{{ID: "n-1", Gateway: "kaspi-main", At: after(time.Minute), Verdict: "fact", SHA256: strings.Repeat("ab", 32)}},
		Lines: []Line{{StatementLine: providers.StatementLine{Kind: providers.LineCharge, Order: "ref-1", External: "=cmd()", Verdict: providers.Approved, Amount: tenge(150000), Fee: tenge(1425), At: after(time.Minute)},
			Gateway: "kaspi-main", Attempt: 1, Day: "2026-11-23"}},
		Zone: time.FixedZone("Asia/Almaty", 5*60*60),
	}
}

func written(t *testing.T, b Bundle) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := Write(&out, b); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// unpacked is an archive's files by their names, and the names in their order.
func unpacked(t *testing.T, archive []byte) (map[string]string, []string) {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	files, names := map[string]string{}, []string(nil)
	for _, f := range r.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name], names = string(text), append(names, f.Name)
	}
	return files, names
}

func TestAnArchiveTellsWhatTheGoldenFilesShow(t *testing.T) {
	files, names := unpacked(t, written(t, paid(t)))
	if diff := cmp.Diff([]string{"README.txt", "timeline.txt", "timeline.csv", "payment.json", "notices.csv", "statement.csv", "manifest.txt"}, names); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	for name, got := range files {
		golden := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestTheSameBooksGiveTheSameBytes(t *testing.T) {
	one := paid(t)
	one.JSON = []byte(`{ "name": "payments/019ac", "order_id":"4711" }`) // protobuf writes blanks at random
	if !bytes.Equal(written(t, one), written(t, paid(t))) {
		t.Error("two archives of the same books differ")
	}
	other := paid(t)
	other.Facts[4].What += "."
	if bytes.Equal(written(t, other), written(t, paid(t))) {
		t.Error("two archives of different books are the same")
	}
}

func TestTheManifestProvesEveryOtherFile(t *testing.T) {
	files, _ := unpacked(t, written(t, paid(t)))
	proved := 0
	for line := range strings.Lines(files["manifest.txt"]) {
		want, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		if sum := sha256.Sum256([]byte(files[name])); hex.EncodeToString(sum[:]) != want {
			t.Errorf("%s has another hash", name)
		}
		proved++
	}
	if proved != len(files)-1 {
		t.Errorf("%d of %d files", proved, len(files)-1)
	}
}

func TestATableEditorReadsLettersAndNoFormula(t *testing.T) {
	files, _ := unpacked(t, written(t, paid(t)))
	for _, name := range []string{"timeline.csv", "notices.csv", "statement.csv"} {
		text, marked := strings.CutPrefix(files[name], "\ufeff")
		r := csv.NewReader(strings.NewReader(text))
		r.Comma = ';'
		rows, err := r.ReadAll()
		if err != nil || !marked || len(rows) < 2 {
			t.Fatalf("%s: marked %t, %d rows, %v", name, marked, len(rows), err)
		}
		for _, row := range rows {
			for _, cell := range row {
				if strings.HasPrefix(cell, "=") {
					t.Errorf("%s has the formula %q", name, cell)
				}
			}
		}
	}
	if !strings.Contains(files["timeline.csv"], "қол қойылған") || !strings.Contains(files["timeline.txt"], "жеткізілмеді") {
		t.Error("Kazakh letters are lost")
	}
}

// Facts keep the order in which we learnt them, whatever their clocks say.
func TestTheTimelineKeepsTheOrderOfFactsAndLeavesNoneOut(t *testing.T) {
	b := paid(t)
	b.Facts[4].At = noon.Add(-time.Hour)
	var order []int64
	for _, e := range b.timeline() {
		if e.seq > 0 {
			order = append(order, e.seq)
		}
	}
	if diff := cmp.Diff([]int64{1, 2, 3, 4, 5}, order); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsNotKnownIsNotSaid(t *testing.T) {
	b := paid(t)
	b.Dispute = Dispute{ID: "5f1d", Kind: "claim", State: "open", Gateway: "kaspi-main", Attempt: 1, Amount: tenge(100), Taken: tenge(0), Opened: noon, Due: noon.Add(24 * time.Hour), RecordedBy: "operator:aida", Created: noon}
	b.Findings, b.Proofs, b.Lines, b.Notices, b.Zone, b.Cut = nil, nil, nil, nil, nil, []string{"notices.csv"}
	files, _ := unpacked(t, written(t, b))
	if readme := files["README.txt"]; strings.Contains(readme, "answered ") || strings.Contains(readme, "closed ") || !strings.Contains(readme, "nothing that our books show as taken") || !strings.Contains(readme, "Not whole: notices.csv") {
		t.Error(readme)
	}
	if timeline := files["timeline.txt"]; strings.Contains(timeline, "answered") || strings.Contains(timeline, "Out of order") || !strings.Contains(timeline, "Times are of UTC") {
		t.Error(timeline)
	}
	b.JSON = []byte("{")
	if err := Write(io.Discard, b); err == nil || !strings.Contains(err.Error(), "payment.json") {
		t.Errorf("a message that is none: %v", err)
	}
}
