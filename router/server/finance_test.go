package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/office"
	"github.com/payrouter/payrouter/router/statement"
)

// atDesk opens a door with a back office that reads kaspi-main's books by hand only.
func atDesk(t *testing.T, test func(d *door)) {
	t.Helper()
	behind(t, func(d *door) {
		ctx, stop := context.WithCancel(context.Background())
		ran := make(chan error, 1)
		go func() { ran <- d.office.Run(ctx) }()
		defer func() { stop(); <-ran }()
		test(d)
	})
}

// ordered runs kaspi-main's books of yesterday and returns the run as it ended.
func (d *door) ordered() *pb.Reconciliation {
	d.t.Helper()
	r, err := d.finance.RunReconciliation(as(operatorKey, "aida"), &pb.RunReconciliationRequest{Gateway: "gateways/kaspi-main", Reason: "a test", RequestId: newID()})
	d.must(err)
	stream, err := d.finance.WatchReconciliation(as(operatorKey, "aida"), &pb.WatchReconciliationRequest{Name: r.GetName()})
	d.must(err)
	for {
		message, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return r
		}
		d.must(err)
		if !message.GetHeartbeat() {
			r = message.GetReconciliation()
		}
	}
}

func TestFinanceRunsADayAndLooksAfterWhatItFinds(t *testing.T) {
	atDesk(t, func(d *door) {
		paid := d.create(qr())
		d.pay(paid)
		reference := paid.GetAttempts()[0].GetReference()
		time.Sleep(2 * time.Minute)
		d.kaspi.books = []providers.StatementLine{
			{Kind: providers.LineCharge, Order: reference, Verdict: providers.Approved, Amount: providers.Money{Minor: 149900, Currency: "KZT"}, At: paid.GetCreateTime().AsTime()},
			{Kind: providers.LineCharge, Order: "stranger", External: "x-9", Verdict: providers.Approved, Amount: providers.Money{Minor: 700, Currency: "KZT"}, At: paid.GetCreateTime().AsTime().Add(time.Second)},
		}
		r := d.ordered()
		if r.GetState() != pb.Reconciliation_STATE_DONE || r.GetLines() != 2 || r.GetFindingsOpened() != 2 || r.GetDay() != "1999-12-31" || r.GetActor() != "operator:aida" ||
			r.GetSource() != "list" || r.GetEndTime() == nil || r.GetDayEndTime().AsTime().Sub(r.GetDayStartTime().AsTime()) != 24*time.Hour {
			t.Fatalf("the run: %s", r)
		}
		got, err := d.finance.GetReconciliation(as(operatorKey, "aida"), &pb.GetReconciliationRequest{Name: r.GetName()})
		if err != nil || !proto.Equal(got, r) {
			t.Errorf("read again: %s, %v", got, err)
		}

		list, err := d.finance.ListFindings(as(operatorKey, "aida"), &pb.ListFindingsRequest{State: pb.Finding_STATE_OPEN, Reconciliation: r.GetName(), Gateway: "gateways/kaspi-main"})
		d.must(err)
		kinds := map[string]*pb.Finding{}
		for _, f := range list.GetFindings() {
			kinds[f.GetKind()] = f
		}
		differs, stranger := kinds["line_amount_differs"], kinds["unknown_to_us"]
		if len(kinds) != 2 || differs.GetPayment() != paid.GetName() || differs.GetAttempt() != paid.GetAttempts()[0].GetName() || differs.GetOurAmount().GetMinorUnits() != 150000 ||
			differs.GetTheirAmount().GetMinorUnits() != 149900 || stranger.GetPayment() != "" || stranger.GetOrder() != "stranger" || stranger.GetExternalId() != "x-9" || stranger.GetOurAmount() != nil {
			t.Fatalf("found %v", list)
		}
		one, err := d.finance.GetFinding(as(operatorKey, "aida"), &pb.GetFindingRequest{Name: differs.GetName()})
		if err != nil || !proto.Equal(one, differs) {
			t.Errorf("read again: %s, %v", one, err)
		}

		owned, err := d.finance.UpdateFinding(as(operatorKey, "aida"), &pb.UpdateFindingRequest{Finding: &pb.Finding{Name: differs.GetName(), Etag: differs.GetEtag(), Owner: "bolat", Note: "asked the bank"}})
		if err != nil || owned.GetOwner() != "bolat" || owned.GetNote() != "asked the bank" {
			t.Errorf("owned: %s, %v", owned, err)
		}
		_, err = d.finance.UpdateFinding(as(operatorKey, "aida"), &pb.UpdateFindingRequest{Finding: &pb.Finding{Name: differs.GetName(), Etag: differs.GetEtag(), Owner: "dana"}})
		d.refused(err, pb.ErrorReason_ERROR_REASON_STALE_ETAG)
		owned, err = d.finance.UpdateFinding(as(operatorKey, "aida"), &pb.UpdateFindingRequest{Finding: &pb.Finding{Name: differs.GetName(), Etag: owned.GetEtag()},
			UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"note"}}})
		if err != nil || owned.GetOwner() != "bolat" || owned.GetNote() != "" {
			t.Errorf("the note taken away: %s, %v", owned, err)
		}
		closed, err := d.finance.CloseFinding(as(operatorKey, "bolat"), &pb.CloseFindingRequest{Name: differs.GetName(), Reason: "the bank's mistake", Etag: owned.GetEtag()})
		if err != nil || closed.GetState() != pb.Finding_STATE_CLOSED || closed.GetResolution() != pb.Finding_RESOLUTION_PERSON || closed.GetClosedBy() != "operator:bolat" ||
			closed.GetCloseReason() != "the bank's mistake" || closed.GetCloseTime() == nil {
			t.Errorf("closed: %s, %v", closed, err)
		}
		_, err = d.finance.CloseFinding(as(operatorKey, "dana"), &pb.CloseFindingRequest{Name: differs.GetName(), Reason: "once more", Etag: closed.GetEtag()})
		if info := d.refused(err, pb.ErrorReason_ERROR_REASON_FINDING_CLOSED); info.GetMetadata()["closed_by"] != "operator:bolat" {
			t.Errorf("metadata %v", info.GetMetadata())
		}
		if again := d.ordered(); again.GetFindingsOpened() != 0 || again.GetName() == r.GetName() {
			t.Errorf("a second run: %s", again)
		}
		opened, err := d.finance.ReopenFinding(as(operatorKey, "dana"), &pb.ReopenFindingRequest{Name: differs.GetName(), Reason: "it was ours", Etag: closed.GetEtag()})
		if err != nil || opened.GetState() != pb.Finding_STATE_OPEN || opened.GetCloseTime() != nil || opened.GetClosedBy() != "" {
			t.Errorf("opened again: %s, %v", opened, err)
		}
		_, err = d.finance.ReopenFinding(as(operatorKey, "dana"), &pb.ReopenFindingRequest{Name: differs.GetName(), Reason: "it was ours", Etag: opened.GetEtag()})
		d.refused(err, pb.ErrorReason_ERROR_REASON_FINDING_OPEN)
	})
}

func TestListsOfFindingsAndRunsComeInPages(t *testing.T) {
	atDesk(t, func(d *door) {
		time.Sleep(2 * time.Minute)
		for i := range 5 {
			d.kaspi.books = append(d.kaspi.books, providers.StatementLine{Kind: providers.LineCharge, Order: "stranger-" + string(rune('a'+i)), Verdict: providers.Approved,
				Amount: providers.Money{Minor: 700, Currency: "KZT"}, At: time.Now().Add(-2 * time.Minute)})
		}
		runs := map[string]bool{d.ordered().GetName(): true, d.ordered().GetName(): true, d.ordered().GetName(): true}
		findings := map[string]bool{}
		request := &pb.ListFindingsRequest{PageSize: 2}
		for pages := 1; ; pages++ {
			page, err := d.finance.ListFindings(as(operatorKey, "aida"), request)
			d.must(err)
			for _, f := range page.GetFindings() {
				findings[f.GetOrder()] = true
			}
			if request.PageToken = page.GetNextPageToken(); request.PageToken == "" {
				if pages != 3 || len(findings) != 5 {
					t.Errorf("%d pages, %d findings", pages, len(findings))
				}
				break
			}
		}
		listed := &pb.ListReconciliationsRequest{PageSize: 2, Gateway: "gateways/kaspi-main", FromDay: "1999-12-31", ToDay: "1999-12-31", State: pb.Reconciliation_STATE_DONE}
		for n := 0; ; {
			page, err := d.finance.ListReconciliations(as(operatorKey, "aida"), listed)
			d.must(err)
			for _, r := range page.GetReconciliations() {
				if n++; !runs[r.GetName()] {
					t.Errorf("a run nobody ordered: %s", r)
				}
			}
			if listed.PageToken = page.GetNextPageToken(); listed.PageToken == "" {
				if n != len(runs) {
					t.Errorf("%d of %d runs", n, len(runs))
				}
				break
			}
		}
	})
}

func TestARunThatNobodyCanDoIsRefusedWithTheWayOut(t *testing.T) {
	atDesk(t, func(d *door) {
		run := func(change func(*pb.RunReconciliationRequest)) (*pb.Reconciliation, error) {
			r := &pb.RunReconciliationRequest{Gateway: "gateways/kaspi-main", Reason: "a test", RequestId: newID()}
			change(r)
			return d.finance.RunReconciliation(as(operatorKey, "aida"), r)
		}
		_, err := run(func(r *pb.RunReconciliationRequest) { r.Day = "1999-12-31" })
		if info := d.refused(err, pb.ErrorReason_ERROR_REASON_DAY_NOT_OVER); info.GetMetadata()["ready_time"] != "2000-01-01T00:01:00Z" || info.GetMetadata()["day"] != "1999-12-31" {
			t.Errorf("metadata %v", info.GetMetadata())
		}
		_, err = run(func(r *pb.RunReconciliationRequest) { r.Gateway = "gateways/nobody" })
		d.refused(err, pb.ErrorReason_ERROR_REASON_GATEWAY_NOT_FOUND)
		_, err = run(func(r *pb.RunReconciliationRequest) { r.Gateway = "gateways/halyk-main" })
		d.refused(err, pb.ErrorReason_ERROR_REASON_NO_STATEMENT_SOURCE)
		_, err = run(func(r *pb.RunReconciliationRequest) { r.Day, r.Reason, r.RequestId = "1. May", "x", "1" })
		if got := strings.Join(fields(err), " "); got != "day reason request_id" {
			t.Errorf("fields %q", got)
		}
		tried, err := run(func(r *pb.RunReconciliationRequest) { r.ValidateOnly, r.RequestId = true, "" })
		if err != nil || tried.GetName() != "" || tried.GetDay() != "1999-12-30" || tried.GetGateway() != "gateways/kaspi-main" {
			t.Errorf("tried: %s, %v", tried, err)
		}
		id := newID()
		first, err := run(func(r *pb.RunReconciliationRequest) { r.RequestId = id })
		d.must(err)
		again, err := run(func(r *pb.RunReconciliationRequest) { r.RequestId = strings.ToUpper(id) })
		if err != nil || again.GetName() != first.GetName() {
			t.Errorf("the same call again: %s, %v", again, err)
		}
		_, err = run(func(r *pb.RunReconciliationRequest) { r.RequestId, r.Day = id, "1999-12-29" })
		d.refused(err, pb.ErrorReason_ERROR_REASON_REQUEST_ID_REUSED)
		_, err = d.finance.RunReconciliation(context.Background(), &pb.RunReconciliationRequest{Gateway: "gateways/kaspi-main", Reason: "a test", RequestId: newID()})
		d.must(err) // the default operator of a server that requires none
	})
}

func TestAPersonEndsARun(t *testing.T) {
	behind(t, func(d *door) { // nobody works, so that the run waits
		time.Sleep(2 * time.Minute)
		r, err := d.finance.RunReconciliation(as(operatorKey, "aida"), &pb.RunReconciliationRequest{Gateway: "gateways/kaspi-main", Reason: "a test", RequestId: newID()})
		d.must(err)
		ended, err := d.finance.CancelReconciliation(as(operatorKey, "bolat"), &pb.CancelReconciliationRequest{Name: r.GetName(), Reason: "the wrong day"})
		if err != nil || ended.GetState() != pb.Reconciliation_STATE_CANCELED || !strings.Contains(ended.GetError(), "operator:bolat: the wrong day") || ended.GetEndTime() == nil {
			t.Errorf("ended: %s, %v", ended, err)
		}
		_, err = d.finance.CancelReconciliation(as(operatorKey, "bolat"), &pb.CancelReconciliationRequest{Name: r.GetName(), Reason: "the wrong day"})
		if info := d.refused(err, pb.ErrorReason_ERROR_REASON_RECONCILIATION_ENDED); info.GetMetadata()["state"] != "CANCELED" {
			t.Errorf("metadata %v", info.GetMetadata())
		}
		nobody := reconciliationName(uuid.NewString())
		_, err = d.finance.GetReconciliation(as(operatorKey, "aida"), &pb.GetReconciliationRequest{Name: nobody})
		d.refused(err, pb.ErrorReason_ERROR_REASON_NOT_FOUND)
		_, err = d.finance.CancelReconciliation(as(operatorKey, "aida"), &pb.CancelReconciliationRequest{Name: nobody, Reason: "the wrong day"})
		d.refused(err, pb.ErrorReason_ERROR_REASON_NOT_FOUND)
		_, err = d.finance.GetFinding(as(operatorKey, "aida"), &pb.GetFindingRequest{Name: "findings/" + journal.Finding{Kind: "unknown_to_us"}.ID()})
		d.refused(err, pb.ErrorReason_ERROR_REASON_NOT_FOUND)
	})
}

// backOffice is the one of a door. The bubble begins a minute before its business day ends.
func (d *door) backOffice() *office.Office {
	o, err := office.New(office.Options{Router: d.router, Journal: d.store, Books: map[string]office.Books{"kaspi-main": {Zone: time.FixedZone("shop", -60),
		Formats: map[string]statement.Format{"cabinet": {Separator: ";", Currency: "KZT", Zone: "UTC", Dates: []string{time.DateTime}, Columns: statement.Columns{Order: "order", Amount: "sum", At: "date"}}}}}})
	d.must(err)
	return o
}

// sends gives a file to the server in pieces, from an offset on.
func (d *door) sends(start *pb.ImportStatementRequest_Start, text string) (*pb.StatementImport, error) {
	d.t.Helper()
	stream, err := d.finance.ImportStatement(as(operatorKey, "aida"))
	d.must(err)
	_ = stream.Send(&pb.ImportStatementRequest{Piece: &pb.ImportStatementRequest_Start_{Start: start}})
	for rest := text[start.GetOffset():]; rest != ""; {
		n := min(10, len(rest))
		if stream.Send(&pb.ImportStatementRequest{Piece: &pb.ImportStatementRequest_Chunk{Chunk: []byte(rest[:n])}}) != nil {
			break // CloseAndRecv says why
		}
		rest = rest[n:]
	}
	return stream.CloseAndRecv()
}

func TestAFileIsSentInPiecesAndResumed(t *testing.T) {
	atDesk(t, func(d *door) {
		time.Sleep(2 * time.Minute)
		const text = "date;order;sum\n1999-12-31 23:00:00;stranger;7.00\n"
		sum := sha256.Sum256([]byte(text))
		start := func(change func(*pb.ImportStatementRequest_Start)) *pb.ImportStatementRequest_Start {
			s := &pb.ImportStatementRequest_Start{Gateway: "gateways/kaspi-main", Format: "cabinet", FromDay: "1999-12-31", ToDay: "1999-12-31", FileName: "export.csv",
				SizeBytes: int64(len(text)), Sha256: hex.EncodeToString(sum[:]), RequestId: newID(), Reason: "month end"}
			change(s)
			return s
		}
		one := start(func(*pb.ImportStatementRequest_Start) {})
		half, err := d.sends(one, text[:20])
		if err != nil || half.GetState() != pb.StatementImport_STATE_RECEIVING || half.GetReceivedBytes() != 20 {
			t.Fatalf("half a file: %s, %v", half, err)
		}
		_, err = d.sends(one, text)
		if info := d.refused(err, pb.ErrorReason_ERROR_REASON_IMPORT_OFFSET); info.GetMetadata()["received_bytes"] != "20" {
			t.Errorf("metadata %v", info.GetMetadata())
		}
		one.Offset = 20
		whole, err := d.sends(one, text)
		if err != nil || whole.GetState() != pb.StatementImport_STATE_READING || whole.GetActor() != "operator:aida" {
			t.Fatalf("the rest: %s, %v", whole, err)
		}
		time.Sleep(10 * time.Second)
		read, err := d.finance.GetStatementImport(as(operatorKey, "aida"), &pb.GetStatementImportRequest{Name: whole.GetName()})
		if err != nil || read.GetState() != pb.StatementImport_STATE_ACCEPTED || read.GetLines() != 1 || read.GetEndTime() == nil {
			t.Errorf("read: %s, %v", read, err)
		}
		found, err := d.finance.ListFindings(as(operatorKey, "aida"), &pb.ListFindingsRequest{Kind: "unknown_to_us"})
		if err != nil || len(found.GetFindings()) != 1 || found.GetFindings()[0].GetOrder() != "stranger" {
			t.Errorf("found %s, %v", found, err)
		}
		_, err = d.sends(start(func(s *pb.ImportStatementRequest_Start) { s.RequestId, s.Reason = one.GetRequestId(), "another" }), text)
		d.refused(err, pb.ErrorReason_ERROR_REASON_REQUEST_ID_REUSED)
		for field, change := range map[string]func(*pb.ImportStatementRequest_Start){
			"start.format": func(s *pb.ImportStatementRequest_Start) { s.Format = "else" }, "start.to_day": func(s *pb.ImportStatementRequest_Start) { s.ToDay = "1999-12-30" },
			"start.sha256": func(s *pb.ImportStatementRequest_Start) { s.Sha256 = "x" }, "start.size_bytes": func(s *pb.ImportStatementRequest_Start) { s.SizeBytes = 0 },
		} {
			_, err := d.sends(start(change), text)
			if got := fields(err); len(got) != 1 || got[0] != field {
				t.Errorf("%s: %v, %v", field, got, err)
			}
		}
		_, err = d.sends(start(func(s *pb.ImportStatementRequest_Start) { s.Gateway = "gateways/halyk-main" }), text)
		d.refused(err, pb.ErrorReason_ERROR_REASON_NO_STATEMENT_SOURCE)
		_, err = d.finance.GetStatementImport(as(operatorKey, "aida"), &pb.GetStatementImportRequest{Name: importName(newID())})
		d.refused(err, pb.ErrorReason_ERROR_REASON_NOT_FOUND)
	})
}

// half is a file of which its sender has sent half, and now sends nothing more.
func (d *door) half() (stream grpc.ClientStreamingClient[pb.ImportStatementRequest, pb.StatementImport], file string) {
	d.t.Helper()
	const text = "date;order;sum\n1999-12-31 23:00:00;stranger;7.00\n"
	sum := sha256.Sum256([]byte(text))
	stream, err := d.finance.ImportStatement(as(operatorKey, "aida"))
	d.must(err)
	file = newID()
	d.must(stream.Send(&pb.ImportStatementRequest{Piece: &pb.ImportStatementRequest_Start_{Start: &pb.ImportStatementRequest_Start{
		Gateway: "gateways/kaspi-main", Format: "cabinet", FromDay: "1999-12-31", ToDay: "1999-12-31", FileName: "export.csv",
		SizeBytes: int64(len(text)), Sha256: hex.EncodeToString(sum[:]), RequestId: file, Reason: "month end"}}}))
	d.must(stream.Send(&pb.ImportStatementRequest{Piece: &pb.ImportStatementRequest_Chunk{Chunk: []byte(text[:len(text)/2])}}))
	return stream, file
}

// Of people on call none waits for files whose senders fell asleep, and neither do other files
// for long.
func TestUploadsThatStallTakeNobodysSeat(t *testing.T) {
	atDesk(t, func(d *door) {
		time.Sleep(2 * time.Minute)
		half, file := d.half()
		synctest.Wait() // it has its seat before the others ask for one
		asleep := []grpc.ClientStreamingClient[pb.ImportStatementRequest, pb.StatementImport]{half}
		for range 40 {
			stream, err := d.finance.ImportStatement(as(operatorKey, "aida"))
			d.must(err)
			asleep = append(asleep, stream)
		}
		synctest.Wait()
		_, err := d.operations.CreateOverride(as(operatorKey, "aida"), drain())
		d.must(err)
		time.Sleep(slowAfter - time.Second)
		if n := len(d.server.seats[uploads]); n != cap(d.server.seats[uploads]) {
			t.Errorf("%d uploads are open: who is slow is cut off too early", n)
		}
		time.Sleep(2 * time.Second)
		if n := len(d.server.seats[uploads]); n != 0 {
			t.Errorf("%d uploads are open", n)
		}
		d.refused(asleep[0].RecvMsg(&pb.StatementImport{}), pb.ErrorReason_ERROR_REASON_RECONNECT)
		kept, err := d.finance.GetStatementImport(as(operatorKey, "aida"), &pb.GetStatementImportRequest{Name: importName(file)})
		if err != nil || kept.GetState() != pb.StatementImport_STATE_RECEIVING || kept.GetReceivedBytes() == 0 {
			t.Errorf("what came before is kept: %s, %v", kept, err)
		}
	})
}

func TestAnUploadDoesNotHoldUpTheDrain(t *testing.T) {
	atDesk(t, func(d *door) {
		time.Sleep(2 * time.Minute)
		stream, _ := d.half()
		synctest.Wait()
		began := time.Now()
		d.server.Drain()
		d.server.GRPC().GracefulStop()
		if took := time.Since(began); took > time.Second {
			t.Errorf("it took %s", took)
		}
		d.refused(stream.RecvMsg(&pb.StatementImport{}), pb.ErrorReason_ERROR_REASON_RECONNECT)
	})
}

func TestMoneyThatIsNobodysIsAdoptedByAnOperatorAndGivenBack(t *testing.T) {
	atDesk(t, func(d *door) {
		time.Sleep(2 * time.Minute)
		d.kaspi.books = []providers.StatementLine{
			{Kind: providers.LineCharge, Order: "stranger", External: "x-9", Verdict: providers.Approved, Amount: providers.Money{Minor: 70000, Currency: "KZT"}, At: time.Now().Add(-2 * time.Minute)},
			{Kind: providers.LineCharge, External: "x-10", Verdict: providers.Held, Amount: providers.Money{Minor: 70000, Currency: "KZT"}, At: time.Now().Add(-2 * time.Minute)},
		}
		d.kaspi.orders["stranger"] = &order{verdict: providers.Approved, captured: 70000}
		d.ordered()
		list, err := d.finance.ListFindings(as(operatorKey, "aida"), &pb.ListFindingsRequest{State: pb.Finding_STATE_OPEN, Kind: "unknown_to_us"})
		d.must(err)
		found := map[string]*pb.Finding{}
		for _, f := range list.GetFindings() {
			found[f.GetExternalId()] = f
		}
		stranger, hold := found["x-9"], found["x-10"]
		if stranger == nil || hold == nil {
			t.Fatalf("found %s", list)
		}
		adopt := func(change ...func(*pb.AdoptFindingRequest)) (*pb.Finding, error) {
			r := &pb.AdoptFindingRequest{Name: stranger.GetName(), OrderId: "4711", Refund: true, Reason: "the payer asked", Etag: stranger.GetEtag()}
			for _, c := range change {
				c(r)
			}
			return d.finance.AdoptFinding(as(operatorKey, "aida"), r)
		}
		_, err = adopt(func(r *pb.AdoptFindingRequest) { r.Name, r.Etag = hold.GetName(), hold.GetEtag() })
		if info := d.refused(err, pb.ErrorReason_ERROR_REASON_FINDING_NOT_ADOPTABLE); info.GetMetadata()["detail"] != "no money was taken under this name" {
			t.Errorf("metadata %v", info.GetMetadata())
		}
		_, err = adopt(func(r *pb.AdoptFindingRequest) { r.Etag = `"7"` })
		d.refused(err, pb.ErrorReason_ERROR_REASON_STALE_ETAG)
		_, err = adopt(func(r *pb.AdoptFindingRequest) { r.Reason = "" })
		d.refused(err, pb.ErrorReason_ERROR_REASON_INVALID_FIELD)

		sent := len(d.kaspi.charges())
		closed, err := adopt()
		d.must(err)
		if closed.GetState() != pb.Finding_STATE_CLOSED || closed.GetResolution() != pb.Finding_RESOLUTION_ADOPTED || closed.GetAdoptedPayment() == "" || closed.GetClosedBy() != "operator:aida" {
			t.Errorf("adopted: %s", closed)
		}
		time.Sleep(time.Minute)
		p := d.get(closed.GetAdoptedPayment())
		if p.GetOrderId() != "4711" || p.GetState() != pb.Payment_STATE_PAID || p.GetRefunded().GetMinorUnits() != 70000 || p.GetPaid().GetMinorUnits() != 70000 {
			t.Errorf("the payment: %s", p)
		}
		if back := d.kaspi.orders["stranger"].returns; back != 70000 || len(d.kaspi.charges()) != sent {
			t.Errorf("%d was given back, %d charges were sent", back, len(d.kaspi.charges())-sent)
		}
		again, err := adopt()
		if err != nil || !proto.Equal(again, closed) {
			t.Errorf("adopted again: %s, %v", again, err)
		}
		_, err = adopt(func(r *pb.AdoptFindingRequest) { r.Refund = false })
		if info := d.refused(err, pb.ErrorReason_ERROR_REASON_REQUEST_ID_REUSED); info.GetMetadata()["name"] != p.GetName() {
			t.Errorf("metadata %v", info.GetMetadata())
		}
	})
}
