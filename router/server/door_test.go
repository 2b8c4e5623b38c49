package server

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/health"
	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/office"
	"github.com/payrouter/payrouter/router/payment"
)

// door is the whole server in one bubble: real router, real books in a SQLite file,
// gateways that behave, and a client over an in-memory connection.
type door struct {
	t          *testing.T
	server     *Server
	router     *router.Router
	store      *journal.Store
	board      *health.Board
	registry   *prometheus.Registry
	listener   *bufconn.Listener
	conn       *grpc.ClientConn
	payments   pb.PaymentsClient
	operations pb.OperationsClient
	finance    pb.FinanceClient
	disputes   pb.DisputesClient
	compliance pb.ComplianceClient
	audits     pb.AuditClient
	office     *office.Office // nobody runs it but atDesk
	kaspi      *bank          // first choice
	halyk      *bank          // backup: whole units only, captures and refunds nothing in part
	log        *syncBuffer
	books      string // the file
}

// syncBuffer is a log that many goroutines write.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// behind opens a door in a bubble and hands it to the test.
func behind(t *testing.T, test func(d *door), changes ...func(*Options, *router.Options)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		test(open(t, changes...))
	})
}

func open(t *testing.T, changes ...func(*Options, *router.Options)) *door {
	t.Helper()
	d := &door{t: t, log: &syncBuffer{}, registry: prometheus.NewRegistry()}
	d.kaspi = newBank("kaspi", func(c *providers.Claims) { c.Statement = providers.StatementList })
	d.halyk = newBank("halyk", func(c *providers.Claims) {
		c.WholeUnits, c.Capture.Partial, c.Refund.Partial = true, false, false
	})
	log := slog.New(slog.NewJSONHandler(d.log, nil))
	ro := router.Options{
		Gateways: []router.Gateway{{Name: "kaspi-main", Credentials: router.Credentials{Provider: d.kaspi}}, {Name: "halyk-main", Credentials: router.Credentials{Provider: d.halyk}}},
		Tenants: map[string]router.Tenant{
			"shop":  {Rules: []router.Rule{{Gateway: "kaspi-main", Priority: 1}, {Gateway: "halyk-main", Priority: 2}}},
			"other": {Rules: []router.Rule{{Gateway: "halyk-main"}}},
		},
		Log: log,
	}
	o := Options{Log: log, Registry: d.registry, BodyKey: providers.NewSecret("a key for tests"), DefaultTenant: "shop", Version: "v1.2.3"}
	for _, change := range changes {
		change(&o, &ro)
	}
	terms := router.TermsOf(payment.Terms{}, ro.Gateways)
	var err error
	d.books = filepath.Join(t.TempDir(), "books.db")
	d.store, err = journal.Open(journal.Options{URL: "sqlite:" + d.books,
		Due: func(p payment.Payment, now time.Time) time.Time { return p.Due(now, terms) }})
	d.must(err)
	d.must(d.store.Migrate(context.Background()))
	var watched []health.Gateway
	for _, g := range ro.Gateways {
		watched = append(watched, health.Gateway{Name: g.Name, Timeout: map[health.Op]time.Duration{health.OpCharge: 10 * time.Second}})
	}
	d.board, err = health.New(health.Options{Gateways: watched, Log: log})
	d.must(err)
	ro.Journal, ro.Board = d.store, d.board
	d.router, err = router.New(ro)
	d.must(err)
	d.office = d.backOffice()
	o.Router, o.Board, o.Office = d.router, d.board, d.office
	d.server, err = New(o)
	d.must(err)

	d.listener = bufconn.Listen(1 << 20)
	served := make(chan error, 1)
	go func() { served <- d.server.GRPC().Serve(d.listener) }()
	running, stop := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- d.router.Run(running) }()
	d.conn, err = grpc.NewClient("passthrough:///payrouter", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return d.listener.DialContext(ctx) }))
	d.must(err)
	d.payments, d.operations, d.finance, d.compliance = pb.NewPaymentsClient(d.conn), pb.NewOperationsClient(d.conn), pb.NewFinanceClient(d.conn), pb.NewComplianceClient(d.conn)
	d.disputes, d.audits = pb.NewDisputesClient(d.conn), pb.NewAuditClient(d.conn)
	t.Cleanup(func() {
		d.conn.Close()
		d.server.Drain()
		d.server.GRPC().Stop()
		<-served
		d.must(d.server.Wait(context.Background()))
		stop()
		<-ran
		d.must(d.store.Close())
	})
	return d
}

func (d *door) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// as is a call of somebody else than the default.
func as(pairs ...string) context.Context {
	return metadata.AppendToOutgoingContext(context.Background(), pairs...)
}

func newID() string { return uuid.NewString() }

// qr is the plainest request: 1500.00 tenge by QR.
func qr(change ...func(*pb.CreatePaymentRequest)) *pb.CreatePaymentRequest {
	r := &pb.CreatePaymentRequest{RequestId: newID(), Amount: &pb.Money{MinorUnits: 150000, CurrencyCode: "KZT"}, Methods: []pb.Method{pb.Method_METHOD_QR}}
	for _, c := range change {
		c(r)
	}
	return r
}

// create makes a payment that must succeed.
func (d *door) create(r *pb.CreatePaymentRequest) *pb.Payment {
	d.t.Helper()
	p, err := d.payments.CreatePayment(context.Background(), r)
	d.must(err)
	return p
}

// charged makes a payment with a saved instrument: a direct charge.
func (d *door) charged(change ...func(*pb.CreatePaymentRequest)) *pb.Payment {
	d.t.Helper()
	return d.create(d.byInstrument(change...))
}

func (d *door) byInstrument(change ...func(*pb.CreatePaymentRequest)) *pb.CreatePaymentRequest {
	d.t.Helper()
	return qr(append([]func(*pb.CreatePaymentRequest){func(r *pb.CreatePaymentRequest) {
		r.Methods, r.Instrument = []pb.Method{pb.Method_METHOD_INSTRUMENT}, d.saved("kaspi-main", "c-1")
	}}, change...)...)
}

// saved keeps a token in the books and returns its instrument's name.
func (d *door) saved(gateway, customer string) string {
	d.t.Helper()
	id := uuid.Must(uuid.NewV7()).String()
	d.must(d.store.SaveInstrument(context.Background(), journal.Instrument{ID: id, Tenant: "shop", Customer: customer, Gateway: gateway,
		Token: providers.Token{Value: providers.NewSecret("tok-" + id), Mask: "4405 **** 5096", Brand: "VISA"}, Created: time.Now()}))
	return instrumentName(id)
}

// held makes a payment whose money is held.
func (d *door) held() *pb.Payment {
	d.t.Helper()
	p := d.charged(func(r *pb.CreatePaymentRequest) { r.CaptureMode = pb.CaptureMode_CAPTURE_MODE_MANUAL })
	if p.GetState() != pb.Payment_STATE_HELD {
		d.t.Fatalf("state %s", p.GetState())
	}
	return p
}

// pay lets the payer of a payment's newest attempt pay.
func (d *door) pay(p *pb.Payment) {
	d.t.Helper()
	last := p.GetAttempts()[len(p.GetAttempts())-1]
	code, _ := d.notice(last.GetGateway()[len("gateways/"):], "paid "+last.GetReference())
	if code != http.StatusOK {
		d.t.Fatalf("the notice was answered %d", code)
	}
}

func (d *door) get(name string) *pb.Payment {
	d.t.Helper()
	p, err := d.payments.GetPayment(context.Background(), &pb.GetPaymentRequest{Name: name})
	d.must(err)
	return p
}

// refused checks an error against the contract: the reason, the code that belongs to
// it, the domain, and the details that its code promises. It returns the ErrorInfo.
func (d *door) refused(err error, reason pb.ErrorReason) *errdetails.ErrorInfo {
	d.t.Helper()
	st := status.Convert(err)
	var info *errdetails.ErrorInfo
	var retry *errdetails.RetryInfo
	var failed *errdetails.PreconditionFailure
	var bad *errdetails.BadRequest
	for _, detail := range st.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			info = detail
		case *errdetails.RetryInfo:
			retry = detail
		case *errdetails.PreconditionFailure:
			failed = detail
		case *errdetails.BadRequest:
			bad = detail
		}
	}
	switch {
	case err == nil:
		d.t.Fatalf("no error, want %s", reason)
	case info == nil:
		d.t.Fatalf("no ErrorInfo in %v", err)
	case info.GetReason() != reasonText(reason) || info.GetDomain() != "payrouter":
		d.t.Fatalf("reason %s of %s, want %s: %v", info.GetReason(), info.GetDomain(), reasonText(reason), err)
	case st.Code() != reasonCodes[reason]:
		d.t.Fatalf("code %s for %s", st.Code(), reason)
	case st.Code() == codes.Unavailable && retry == nil:
		d.t.Fatalf("no RetryInfo for %s", reason)
	case st.Code() == codes.FailedPrecondition && failed == nil:
		d.t.Fatalf("no PreconditionFailure for %s", reason)
	case st.Code() == codes.InvalidArgument && len(bad.GetFieldViolations()) == 0 && reason != pb.ErrorReason_ERROR_REASON_OVERRIDE_NEEDS_END:
		d.t.Fatalf("no field is named for %s", reason)
	}
	return info
}

// fields are the fields that an error complains of.
func fields(err error) []string {
	var found []string
	for _, detail := range status.Convert(err).Details() {
		if bad, ok := detail.(*errdetails.BadRequest); ok {
			for _, v := range bad.GetFieldViolations() {
				found = append(found, v.GetField())
			}
		}
	}
	return found
}

// untouched fails the test when anything was stored or sent.
func (d *door) untouched() {
	d.t.Helper()
	for _, tenant := range []string{"shop", "other"} {
		kept, err := d.store.List(context.Background(), journal.Filter{Tenant: tenant}, journal.Cursor{}, 1)
		if err != nil || len(kept) > 0 {
			d.t.Fatalf("%d payments stored, error %v", len(kept), err)
		}
	}
	if n := len(d.kaspi.charges()) + len(d.halyk.charges()); n > 0 {
		d.t.Fatalf("%d charges sent", n)
	}
	orders, err := d.store.ListOverrides(context.Background(), "", time.Time{}, journal.Cursor{}, 1)
	if err != nil || len(orders) > 0 {
		d.t.Fatalf("%d overrides stored, error %v", len(orders), err)
	}
}

// breakStore makes every statement fail from now on, as a database does that lost its disk.
func (d *door) breakStore() {
	d.t.Helper()
	db, err := sql.Open("sqlite", "file:"+d.books+"?_pragma=busy_timeout(5000)")
	d.must(err)
	defer db.Close()
	for _, table := range []string{"events", "payments", "attempts", "requests", "outbox", "feed", "overrides", "instruments", "findings", "leases", "notices", "runs", "statement_days", "imports", "disputes", "evidence", "audit"} {
		_, err := db.Exec("DROP TABLE " + table)
		d.must(err)
	}
}

// holdWrites makes every write wait for the database until it is released, as behind a lock of
// somebody else's.
func (d *door) holdWrites() (release func()) {
	d.t.Helper()
	db, err := sql.Open("sqlite", "file:"+d.books+"?_pragma=busy_timeout(5000)&_txlock=immediate")
	d.must(err)
	tx, err := db.Begin()
	d.must(err)
	return func() {
		d.must(tx.Rollback())
		d.must(db.Close())
	}
}

// notice sends one to the webhook door.
func (d *door) notice(gateway, body string) (code int, answer string) {
	d.t.Helper()
	r, err := http.NewRequest(http.MethodPost, "http://payrouter/webhooks/"+gateway+"/paid", strings.NewReader(body))
	d.must(err)
	r.RemoteAddr = "192.0.2.7:4000"
	w := &recorder{header: http.Header{}}
	d.server.Webhooks().ServeHTTP(w, r)
	return w.code, w.body.String()
}

// recorder is a ResponseWriter that keeps what it is given.
type recorder struct {
	header http.Header
	code   int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(code int) {
	if w.code == 0 {
		w.code = code
	}
}

func (w *recorder) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

var errBroken = errors.New("canary-inner-text")
