package evidence

import (
	"archive/zip"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// Bundle is all that the books know of a disputed payment.
type Bundle struct {
	Dispute  Dispute
	Payment  payment.Payment
	JSON     []byte // the payment as the API tells it
	Facts    []Fact // the payment's events
	Proofs   []string
	Findings []Finding
	Notices  []Notice
	Lines    []Line
	Zone     *time.Location // of the gateway's business days
	// Cut names the tables that end before the books do.
	Cut []string
}

// Dispute is what is contested. Who looks after it, and what they noted, is nobody's outside.
type Dispute struct {
	ID, Case                         string
	Kind, State, Outcome             string
	Gateway                          string
	Attempt                          int
	Amount, Taken                    providers.Money // contested, and what the attempt took
	Detail                           string
	Opened, Due                      time.Time
	Answer, AnsweredBy               string
	Answered                         time.Time
	RecordedBy, ClosedBy, CloseCause string
	Created, Updated, Closed         time.Time
}

// Fact is one event of the payment, told in words.
type Fact struct {
	Seq     int64
	At      time.Time
	Who     string // "router", "gateway:kaspi-main", "operator:aida"
	What    string
	Attempt int // 0 for the payment as a whole
}

// Finding is what is out of order. Those of the payment's own events are facts already.
type Finding struct {
	At               time.Time
	Kind, Detail     string
	Attempt          int
	State            string
	FromStatement    bool
	Ours, Theirs     providers.Money
	Closed           time.Time
	ClosedBy, Reason string
}

// Notice is a webhook without its text.
type Notice struct {
	ID, Gateway string
	At          time.Time
	Verdict     string
	SHA256      string // of its body; empty when there is none, or none any more
}

// Line is a line of a gateway's own books about an attempt.
type Line struct {
	providers.StatementLine
	Gateway string
	Attempt int
	Day     string
}

// Write writes the archive.
func Write(to io.Writer, b Bundle) error {
	if b.Zone == nil {
		b.Zone = time.UTC
	}
	message, err := indented(b.JSON)
	if err != nil {
		return fmt.Errorf("payment.json: %w", err)
	}
	timeline := b.timeline()
	archive, manifest := zip.NewWriter(to), strings.Builder{}
	for _, f := range []struct {
		name string
		text []byte
	}{
		{"README.txt", []byte(b.readme())},
		{"timeline.txt", []byte(b.timelineText(timeline))},
		{"timeline.csv", table(timelineColumns, b.timelineRows(timeline))},
		{"payment.json", message},
		{"notices.csv", table(noticeColumns, b.noticeRows())},
		{"statement.csv", table(statementColumns, b.statementRows())},
	} {
		sum := sha256.Sum256(f.text)
		fmt.Fprintf(&manifest, "%s  %s\n", hex.EncodeToString(sum[:]), f.name) // as sha256sum --check reads it
		if err := b.add(archive, f.name, f.text); err != nil {
			return err
		}
	}
	if err := b.add(archive, "manifest.txt", []byte(manifest.String())); err != nil {
		return err
	}
	return archive.Close()
}

func (b Bundle) add(archive *zip.Writer, name string, text []byte) error {
	file, err := archive.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: b.asOf()})
	if err == nil {
		_, err = file.Write(text)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// asOf is the instant of the newest that the bundle tells: the clock of whoever makes it
// would make two archives of the same books differ.
func (b Bundle) asOf() time.Time {
	newest := []time.Time{b.Payment.Updated, b.Dispute.Created, b.Dispute.Updated}
	for _, f := range b.Findings {
		newest = append(newest, f.At, f.Closed)
	}
	for _, n := range b.Notices {
		newest = append(newest, n.At)
	}
	return slices.MaxFunc(newest, time.Time.Compare).UTC()
}

// indented lays a message out in one way: protobuf's own writer puts blanks at random.
func indented(message []byte) ([]byte, error) {
	var small, out bytes.Buffer
	if err := json.Compact(&small, message); err != nil {
		return nil, err
	}
	if err := json.Indent(&out, small.Bytes(), "", "  "); err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// local and utc are the two clocks in which everything is told.
func (b Bundle) local(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(b.Zone).Format("2006-01-02 15:04:05 -07:00")
}

func utc(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

// both is an instant in both clocks, for people.
func (b Bundle) both(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return b.local(t) + " (" + utc(t) + ")"
}

// caseOf names the dispute as a bank knows it.
func (d Dispute) caseOf() string { return cmp.Or(plain(d.Case), d.ID) }
