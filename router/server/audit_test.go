package server

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/audit"
	"github.com/payrouter/payrouter/router/journal"
)

// records are all of the audit, oldest first.
func (d *door) records() []audit.Record {
	d.t.Helper()
	var all []audit.Record
	for r, err := range d.store.WalkAudit(context.Background()) {
		d.must(err)
		all = append(all, r)
	}
	if _, err := audit.Check(func(yield func(audit.Record, error) bool) {
		for _, r := range all {
			if !yield(r, nil) {
				return
			}
		}
	}, audit.Anchor{}); err != nil {
		d.t.Error(err)
	}
	return all
}

// inShort is a record in short: phase, actor, method, subject, outcome.
func inShort(r audit.Record) string {
	return strings.TrimSpace(fmt.Sprintf("%s %s %s %s %s", r.Phase, r.Actor, r.Act[strings.LastIndexByte(r.Act, '/')+1:], r.Subject, r.Outcome))
}

// tells demands what the audit holds.
func (d *door) tells(want ...string) {
	d.t.Helper()
	var got []string
	for _, r := range d.records() {
		got = append(got, inShort(r))
	}
	if !slices.Equal(got, want) {
		d.t.Errorf("the audit tells\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func TestEveryMethodIsOrIsNotPutIntoTheAudit(t *testing.T) {
	behind(t, func(d *door) {
		served := map[string]bool{}
		for service, info := range d.server.GRPC().GetServiceInfo() {
			for _, m := range info.Methods {
				name := "/" + service + "/" + m.Name
				served[name] = true
				how, decided := recordings[name]
				if !decided {
					t.Errorf("nobody decided whether %s is put into the audit", name)
				}
				reads := false
				for _, word := range []string{"Get", "List", "Watch", "Stream", "Explain", "Verify", "Check", "ServerReflection"} {
					reads = reads || strings.HasPrefix(m.Name, word)
				}
				if reads && how != noCall || !reads && how == noCall && m.Name != "CreatePayment" {
					t.Errorf("%s is recorded %d", name, how)
				}
			}
		}
		for name := range recordings {
			if !served[name] {
				t.Errorf("%s is not served", name)
			}
		}
	})
}

func TestAnActOfAPersonIsRecordedBeforeItAndAfterIt(t *testing.T) {
	behind(t, func(d *door) {
		id := newID()
		order := drain(func(r *pb.CreateOverrideRequest) { r.RequestId, r.Override.Reason = id, "the bank is slow" })
		o, err := d.operations.CreateOverride(as(operatorKey, "aida"), order)
		d.must(err)
		_, err = d.operations.EndOverride(as(operatorKey, "berik"), &pb.EndOverrideRequest{Name: o.GetName(), Reason: "it is well again"})
		d.must(err)
		_, err = d.operations.EndOverride(as(operatorKey, "berik"), &pb.EndOverrideRequest{Name: o.GetName()})
		d.refused(err, pb.ErrorReason_ERROR_REASON_OVERRIDE_ENDED)
		d.tells("asked operator:aida CreateOverride "+o.GetName(), "ended operator:aida CreateOverride "+o.GetName()+" OK",
			"asked operator:berik EndOverride "+o.GetName(), "ended operator:berik EndOverride "+o.GetName()+" OK",
			"asked operator:berik EndOverride "+o.GetName(), "ended operator:berik EndOverride "+o.GetName()+" FailedPrecondition OVERRIDE_ENDED")
		all := d.records()
		if r := all[0]; r.Reason != "the bank is slow" || r.Roles != "" || r.Tenant != "shop" || !strings.HasPrefix(r.Act, "/payrouter.v1.Operations/") || r.Asked != 0 {
			t.Errorf("%+v", r)
		}
		if r := all[1]; r.Asked != 1 || r.Request != all[0].Request || r.Reason != all[0].Reason {
			t.Errorf("%+v", r)
		}
		// The digest is keyed: nobody who reads the books can try guesses.
		sum := sha256.Sum256(d.server.keyed("audit", order))
		if want := hex.EncodeToString(sum[:]); all[0].Request != want {
			t.Errorf("digest %s, want %s", all[0].Request, want)
		}
	})
}

func TestWhatChangesNothingIsNotRecorded(t *testing.T) {
	behind(t, func(d *door) {
		_, err := d.operations.CreateOverride(as(operatorKey, "aida"), drain(func(r *pb.CreateOverrideRequest) { r.ValidateOnly = true }))
		d.must(err)
		_, err = d.operations.ListGateways(as(operatorKey, "aida"), &pb.ListGatewaysRequest{})
		d.must(err)
		_, err = d.operations.EndOverride(as(operatorKey, "aida"), &pb.EndOverrideRequest{Name: "gateways/x"})
		d.refused(err, pb.ErrorReason_ERROR_REASON_INVALID_FIELD)
		_, err = d.payments.CreatePayment(as(operatorKey, "aida"), qr())
		d.must(err)
		d.tells()
	})
}

// Captures, cancels and refunds are a service's work, and nobody's act; the same by a person
// under their own name is one.
func TestACallersActIsRecordedWhenAPersonDoesIt(t *testing.T) {
	behind(t, func(d *door) {
		cancel := func(ctx context.Context, name string) {
			_, err := d.payments.CancelPayment(ctx, &pb.CancelPaymentRequest{Name: name, RequestId: newID(), Reason: "the payer +7 701 555-01-99 asked"})
			d.must(err)
		}
		cancel(as(callerKey, "checkout"), d.create(qr()).GetName())
		d.tells()
		p := d.create(qr()).GetName()
		cancel(as(callerKey, "payctl", operatorKey, "aida"), p)
		d.tells("asked operator:aida CancelPayment "+p, "ended operator:aida CancelPayment "+p+" OK")
		if r := d.records()[0]; r.Reason != "the payer <number> asked" {
			t.Errorf("the reason is %q", r.Reason)
		}
		charged := d.charged()
		refund, err := d.payments.CreateRefund(as(operatorKey, "local"), &pb.CreateRefundRequest{Parent: charged.GetName(), RequestId: newID()})
		d.must(err)
		if all := d.records(); len(all) != 4 || inShort(all[2]) != "asked operator:local CreateRefund "+charged.GetName() || inShort(all[3]) != "ended operator:local CreateRefund "+refund.GetName()+" OK" {
			t.Errorf("%d records, the last %s", len(all), inShort(all[len(all)-1]))
		}
	})
}

// breakAudit leaves the rest of the books as they are.
func (d *door) breakAudit() {
	d.t.Helper()
	db, err := sql.Open("sqlite", "file:"+d.books+"?_pragma=busy_timeout(5000)")
	d.must(err)
	defer db.Close()
	_, err = db.Exec(`ALTER TABLE audit RENAME TO away`)
	d.must(err)
}

func TestWithoutARecordThereIsNoAct(t *testing.T) {
	behind(t, func(d *door) {
		p := d.create(qr())
		d.breakAudit()
		_, err := d.operations.CreateOverride(as(operatorKey, "aida"), drain())
		d.refused(err, pb.ErrorReason_ERROR_REASON_STORE_UNAVAILABLE)
		if kept, err := d.store.ListOverrides(context.Background(), "", time.Time{}, journal.Cursor{}, 1); err != nil || len(kept) > 0 {
			t.Errorf("%d overrides stored, error %v", len(kept), err)
		}
		if _, err := d.payments.CancelPayment(context.Background(), &pb.CancelPaymentRequest{Name: p.GetName(), RequestId: newID()}); err != nil {
			t.Errorf("a service needs no audit: %v", err)
		}
		if _, err := d.payments.CreatePayment(context.Background(), qr()); err != nil {
			t.Errorf("a charge needs no audit: %v", err)
		}
	})
}

// What is done stays done, and is told so. The audit has no end of it, and the log says why.
func TestAnActWhoseEndCannotBeRecordedIsAskedAndNotEnded(t *testing.T) {
	behind(t, func(d *door) {
		request := drain()
		_, err := d.server.auditUnary(context.WithValue(context.Background(), callKey{}, &call{who: actor{operator: "aida"}}), request, &grpc.UnaryServerInfo{FullMethod: pb.Operations_CreateOverride_FullMethodName},
			func(ctx context.Context, r any) (any, error) {
				o, err := operations{Server: d.server}.CreateOverride(ctx, r.(*pb.CreateOverrideRequest))
				d.breakAudit()
				return o, err
			})
		d.must(err)
		if !strings.Contains(d.log.String(), "the end of an act is not in the audit") {
			t.Error("the log does not say it")
		}
		d.mendAudit()
		d.tells("asked operator:aida CreateOverride gateways/kaspi-main/overrides/" + request.GetRequestId())
		v, err := d.audits.VerifyAudit(as(operatorKey, "aida"), &pb.VerifyAuditRequest{})
		d.must(err)
		if !v.GetIntact() || v.GetUnendedCount() != 1 || v.GetRecordCount() != 1 {
			t.Errorf("verified: %v", v)
		}
	})
}

func (d *door) mendAudit() {
	d.t.Helper()
	db, err := sql.Open("sqlite", "file:"+d.books+"?_pragma=busy_timeout(5000)")
	d.must(err)
	defer db.Close()
	_, err = db.Exec(`ALTER TABLE away RENAME TO audit`)
	d.must(err)
}

func TestAnActThatPanicsEndsAsInternal(t *testing.T) {
	behind(t, func(d *door) {
		func() {
			defer func() { _ = recover() }()
			_, _ = d.server.auditUnary(context.WithValue(context.Background(), callKey{}, &call{who: actor{operator: "aida"}}), &pb.EndOverrideRequest{Name: "gateways/kaspi-main/overrides/x"},
				&grpc.UnaryServerInfo{FullMethod: pb.Operations_EndOverride_FullMethodName}, func(context.Context, any) (any, error) { panic("no") })
		}()
		d.tells("asked operator:aida EndOverride gateways/kaspi-main/overrides/x", "ended operator:aida EndOverride gateways/kaspi-main/overrides/x Internal")
	})
}

// A file comes in pieces: it is asked for by the first, and ends with the digest of all.
func TestAnImportIsOneAct(t *testing.T) {
	behind(t, func(d *door) {
		stream, err := d.finance.ImportStatement(as(operatorKey, "aida"))
		d.must(err)
		start := &pb.ImportStatementRequest_Start{Gateway: "gateways/kaspi-main", Format: "invented", FromDay: "1999-12-31", ToDay: "1999-12-31", SizeBytes: 3,
			Sha256: strings.Repeat("0", 64), RequestId: newID(), Reason: "the bank's own file"}
		d.must(stream.Send(&pb.ImportStatementRequest{Piece: &pb.ImportStatementRequest_Start_{Start: start}}))
		_, err = stream.CloseAndRecv()
		if status.Code(err) == codes.OK {
			t.Fatal("a format of nobody is taken")
		}
		all := d.records()
		if len(all) != 2 || inShort(all[0]) != "asked operator:aida ImportStatement gateways/kaspi-main" || all[0].Reason != "the bank's own file" ||
			!strings.HasPrefix(inShort(all[1]), "ended operator:aida ImportStatement gateways/kaspi-main "+status.Code(err).String()) {
			t.Errorf("%d records: %+v", len(all), all)
		}
		// One that says nothing has asked for nothing.
		stream, err = d.finance.ImportStatement(as(operatorKey, "aida"))
		d.must(err)
		if _, err := stream.CloseAndRecv(); err == nil {
			t.Error("nothing is taken")
		}
		if n := len(d.records()); n != 2 {
			t.Errorf("%d records", n)
		}
	})
}

// What an import became is found under its own name, like all that a person made.
func TestAnImportThatIsTakenIsNamedInItsEnd(t *testing.T) {
	atDesk(t, func(d *door) {
		time.Sleep(2 * time.Minute)
		const text = "date;order;sum\n1999-12-31 23:00:00;stranger;7.00\n"
		sum := sha256.Sum256([]byte(text))
		taken, err := d.sends(&pb.ImportStatementRequest_Start{Gateway: "gateways/kaspi-main", Format: "cabinet", FromDay: "1999-12-31", ToDay: "1999-12-31", FileName: "export.csv",
			SizeBytes: int64(len(text)), Sha256: hex.EncodeToString(sum[:]), RequestId: newID(), Reason: "month end"}, text)
		d.must(err)
		d.tells("asked operator:aida ImportStatement gateways/kaspi-main", "ended operator:aida ImportStatement "+taken.GetName()+" OK")
	})
}

func TestTheAuditIsReadInPages(t *testing.T) {
	behind(t, func(d *door) {
		aida := as(operatorKey, "aida")
		o, err := d.operations.CreateOverride(aida, drain())
		d.must(err)
		time.Sleep(time.Minute)
		since := time.Now()
		_, err = d.operations.EndOverride(as(operatorKey, "berik"), &pb.EndOverrideRequest{Name: o.GetName()})
		d.must(err)
		var names []string
		request := &pb.ListAuditRecordsRequest{PageSize: 3}
		for {
			page, err := d.audits.ListAuditRecords(aida, request)
			d.must(err)
			for _, r := range page.GetAuditRecords() {
				names = append(names, r.GetName())
			}
			if request.PageToken = page.GetNextPageToken(); request.PageToken == "" {
				break
			}
		}
		if want := []string{"auditRecords/4", "auditRecords/3", "auditRecords/2", "auditRecords/1"}; !slices.Equal(names, want) {
			t.Errorf("pages %v", names)
		}
		for what, c := range map[string]struct {
			request *pb.ListAuditRecordsRequest
			want    int
		}{
			"an actor":   {&pb.ListAuditRecordsRequest{Actor: "operator:berik"}, 2},
			"an act":     {&pb.ListAuditRecordsRequest{Act: pb.Operations_CreateOverride_FullMethodName}, 2},
			"a subject":  {&pb.ListAuditRecordsRequest{Subject: o.GetName()}, 4},
			"a time":     {&pb.ListAuditRecordsRequest{CreateTimeAfter: timestamppb.New(since)}, 2},
			"until then": {&pb.ListAuditRecordsRequest{CreateTimeBefore: timestamppb.New(since)}, 2},
		} {
			page, err := d.audits.ListAuditRecords(aida, c.request)
			d.must(err)
			if len(page.GetAuditRecords()) != c.want {
				t.Errorf("%s: %d records, want %d", what, len(page.GetAuditRecords()), c.want)
			}
		}
		page, err := d.audits.ListAuditRecords(aida, &pb.ListAuditRecordsRequest{PageSize: 1, Actor: "operator:berik"})
		d.must(err)
		r := page.GetAuditRecords()[0]
		if r.GetPhase() != pb.AuditRecord_PHASE_ENDED || r.GetAskedRecord() != "auditRecords/3" || r.GetOutcome() != "OK" || len(r.GetSum()) != 64 || r.GetSubject() != o.GetName() {
			t.Errorf("%v", r)
		}
	})
}

func TestABrokenAuditIsAnAnswerThatNamesTheRecord(t *testing.T) {
	behind(t, func(d *door) {
		aida := as(operatorKey, "aida")
		for range 3 {
			_, err := d.operations.CreateOverride(aida, drain())
			d.must(err)
		}
		whole, err := d.audits.VerifyAudit(aida, &pb.VerifyAuditRequest{})
		d.must(err)
		if !whole.GetIntact() || whole.GetRecordCount() != 6 || whole.GetUnendedCount() != 0 || whole.GetBrokenNumber() != 0 || whole.GetFault() != 0 {
			t.Fatalf("verified: %v", whole)
		}
		db, err := sql.Open("sqlite", "file:"+d.books+"?_pragma=busy_timeout(5000)")
		d.must(err)
		defer db.Close()
		by := func(statement string) *pb.VerifyAuditResponse {
			_, err := db.Exec(statement)
			d.must(err)
			v, err := d.audits.VerifyAudit(aida, &pb.VerifyAuditRequest{Anchor: whole.GetAnchor()})
			d.must(err)
			return v
		}
		v := by(`DROP TRIGGER audit_update; DROP TRIGGER audit_delete; DELETE FROM audit WHERE number > 4`)
		if v.GetIntact() || v.GetBrokenNumber() != 5 || v.GetFault() != pb.VerifyAuditResponse_FAULT_CUT || v.GetRecordCount() != 4 || v.GetDetail() == "" {
			t.Errorf("with a cut tail: %v", v)
		}
		if alone, err := d.audits.VerifyAudit(aida, &pb.VerifyAuditRequest{}); err != nil || !alone.GetIntact() {
			t.Errorf("without an anchor a cut tail shows: %v, %v", alone, err)
		}
		if v := by(`UPDATE audit SET actor = 'operator:berik' WHERE number = 2`); v.GetBrokenNumber() != 2 || v.GetFault() != pb.VerifyAuditResponse_FAULT_CHANGED || v.GetRecordCount() != 1 {
			t.Errorf("with a changed record: %v", v)
		}
		if !strings.Contains(d.log.String(), "the audit is broken") {
			t.Error("the log does not say it")
		}
		// People go on, and what they do is recorded.
		if _, err := d.operations.CreateOverride(aida, drain(func(r *pb.CreateOverrideRequest) { r.Override.Duration = durationpb.New(time.Hour) })); err != nil {
			t.Error(err)
		}
	})
}

func TestTheAuditIsForOperators(t *testing.T) {
	behind(t, func(d *door) {
		_, err := d.audits.VerifyAudit(context.Background(), &pb.VerifyAuditRequest{})
		d.refused(err, pb.ErrorReason_ERROR_REASON_PERMISSION_DENIED)
		_, err = d.audits.ListAuditRecords(context.Background(), &pb.ListAuditRecordsRequest{})
		d.refused(err, pb.ErrorReason_ERROR_REASON_PERMISSION_DENIED)
	}, func(o *Options, _ *router.Options) { o.RequireOperator = true })
}
