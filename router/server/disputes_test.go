package server

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/router"
)

// dispute is the plainest request about a payment.
func dispute(p *pb.Payment, change ...func(*pb.Dispute)) *pb.RecordDisputeRequest {
	d := &pb.Dispute{Payment: p.GetName(), Kind: pb.Dispute_KIND_CHARGEBACK, CaseNumber: "81"}
	for _, c := range change {
		c(d)
	}
	return &pb.RecordDisputeRequest{Dispute: d, RequestId: newID()}
}

// disputed records a dispute that must be taken.
func (d *door) disputed(r *pb.RecordDisputeRequest) *pb.Dispute {
	d.t.Helper()
	out, err := d.disputes.RecordDispute(as(operatorKey, "aida"), r)
	d.must(err)
	return out
}

func (d *door) paid() *pb.Payment {
	d.t.Helper()
	p := d.create(qr())
	d.pay(p)
	return d.get(p.GetName())
}

func TestADisputeIsRecordedAnsweredAndClosedAndMovesNothing(t *testing.T) {
	behind(t, func(d *door) {
		p := d.paid()
		time.Sleep(time.Minute) // whatever follows the notice is over
		p = d.get(p.GetName())
		now := time.Now().Truncate(time.Microsecond)
		raised := now.Add(-time.Hour)
		r := dispute(p, func(w *pb.Dispute) {
			w.OpenTime, w.Detail = timestamppb.New(raised), "тауар жеткізілмеді"
		})
		got := d.disputed(r)
		want := &pb.Dispute{Name: "disputes/" + r.GetRequestId(), Payment: p.GetName(), Attempt: p.GetAttempts()[0].GetName(), Gateway: "gateways/kaspi-main", Kind: pb.Dispute_KIND_CHARGEBACK,
			State: pb.Dispute_STATE_OPEN, CaseNumber: "81", Amount: &pb.Money{MinorUnits: 150000, CurrencyCode: "KZT"}, Detail: "тауар жеткізілмеді", OpenTime: timestamppb.New(raised),
			AnswerDueTime: timestamppb.New(raised.Add(24 * time.Hour)), Etag: `"1"`, Actor: "operator:aida", CreateTime: timestamppb.New(now), UpdateTime: timestamppb.New(now)}
		if !proto.Equal(got, want) {
			t.Errorf("recorded %s, want %s", got, want)
		}
		taken, err := d.disputes.UpdateDispute(as(operatorKey, "bolat"), &pb.UpdateDisputeRequest{Dispute: &pb.Dispute{Name: got.GetName(), Etag: got.GetEtag(), Owner: "bolat", Note: "asked the courier"}})
		if err != nil || taken.GetOwner() != "bolat" || taken.GetNote() != "asked the courier" || taken.GetCaseNumber() != "81" {
			t.Errorf("taken: %s, %v", taken, err)
		}
		_, err = d.disputes.AnswerDispute(as(operatorKey, "bolat"), &pb.AnswerDisputeRequest{Name: got.GetName(), Answer: "delivered", Etag: got.GetEtag()})
		d.refused(err, pb.ErrorReason_ERROR_REASON_STALE_ETAG)
		for field, at := range map[string]time.Time{"in the future": time.Now().Add(time.Second), "before the dispute": raised.Add(-time.Second)} {
			_, err = d.disputes.AnswerDispute(as(operatorKey, "bolat"), &pb.AnswerDisputeRequest{Name: got.GetName(), Answer: "delivered", Etag: taken.GetEtag(), AnswerTime: timestamppb.New(at)})
			if fields := fields(err); len(fields) != 1 || fields[0] != "answer_time" || !strings.Contains(err.Error(), field) {
				t.Errorf("%s: %v", field, err)
			}
		}
		answered, err := d.disputes.AnswerDispute(as(operatorKey, "bolat"), &pb.AnswerDisputeRequest{Name: got.GetName(), Answer: "delivered", Etag: taken.GetEtag(), AnswerTime: timestamppb.New(raised.Add(time.Minute))})
		if err != nil || answered.GetState() != pb.Dispute_STATE_ANSWERED || answered.GetAnswer() != "delivered" || answered.GetAnsweredBy() != "operator:bolat" || !answered.GetAnswerTime().AsTime().Equal(raised.Add(time.Minute)) {
			t.Errorf("answered: %s, %v", answered, err)
		}
		_, err = d.disputes.AnswerDispute(as(operatorKey, "dana"), &pb.AnswerDisputeRequest{Name: got.GetName(), Answer: "delivered", Etag: answered.GetEtag()})
		if info := d.refused(err, pb.ErrorReason_ERROR_REASON_DISPUTE_ANSWERED); info.GetMetadata()["answered_by"] != "operator:bolat" {
			t.Errorf("metadata %v", info.GetMetadata())
		}
		closed, err := d.disputes.CloseDispute(as(operatorKey, "dana"), &pb.CloseDisputeRequest{Name: got.GetName(), Outcome: pb.Dispute_OUTCOME_LOST, Reason: "the bank says so", Etag: answered.GetEtag()})
		if err != nil || closed.GetState() != pb.Dispute_STATE_CLOSED || closed.GetOutcome() != pb.Dispute_OUTCOME_LOST || closed.GetClosedBy() != "operator:dana" || closed.GetCloseReason() != "the bank says so" || closed.GetCloseTime() == nil {
			t.Errorf("closed: %s, %v", closed, err)
		}
		_, err = d.disputes.CloseDispute(as(operatorKey, "dana"), &pb.CloseDisputeRequest{Name: got.GetName(), Outcome: pb.Dispute_OUTCOME_WON, Reason: "once more", Etag: closed.GetEtag()})
		d.refused(err, pb.ErrorReason_ERROR_REASON_DISPUTE_CLOSED)
		_, err = d.disputes.AnswerDispute(as(operatorKey, "dana"), &pb.AnswerDisputeRequest{Name: got.GetName(), Answer: "delivered", Etag: closed.GetEtag()})
		d.refused(err, pb.ErrorReason_ERROR_REASON_DISPUTE_CLOSED)
		read, err := d.disputes.GetDispute(as(operatorKey, "dana"), &pb.GetDisputeRequest{Name: got.GetName()})
		if err != nil || !proto.Equal(read, closed) {
			t.Errorf("read again: %s, %v", read, err)
		}
		again, err := d.disputes.RecordDispute(as(operatorKey, "aida"), r)
		if err != nil || !proto.Equal(again, closed) {
			t.Errorf("the first call again: %s, %v", again, err)
		}
		if now := d.get(p.GetName()); !proto.Equal(now, p) {
			t.Errorf("the payment changed: %s", now)
		}
		noted, err := d.disputes.UpdateDispute(as(operatorKey, "bolat"), &pb.UpdateDisputeRequest{Dispute: &pb.Dispute{Name: got.GetName(), Etag: closed.GetEtag()}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"note"}}})
		if err != nil || noted.GetNote() != "" || noted.GetOwner() != "bolat" {
			t.Errorf("the note taken away: %s, %v", noted, err)
		}
	})
}

func TestADisputeThatCannotBeIsRefusedWithTheWayOut(t *testing.T) {
	behind(t, func(d *door) {
		p, open := d.paid(), d.create(qr())
		record := func(r *pb.RecordDisputeRequest) error {
			_, err := d.disputes.RecordDispute(as(operatorKey, "aida"), r)
			return err
		}
		first := dispute(p)
		d.disputed(first)
		if info := d.refused(record(dispute(p)), pb.ErrorReason_ERROR_REASON_DISPUTE_EXISTS); info.GetMetadata()["name"] != "disputes/"+first.GetRequestId() {
			t.Errorf("metadata %v", info.GetMetadata())
		}
		other := dispute(p, func(w *pb.Dispute) { w.CaseNumber = "82" })
		other.RequestId = strings.ToUpper(first.GetRequestId())
		if info := d.refused(record(other), pb.ErrorReason_ERROR_REASON_REQUEST_ID_REUSED); info.GetMetadata()["name"] != "disputes/"+first.GetRequestId() {
			t.Errorf("metadata %v", info.GetMetadata())
		}
		if info := d.refused(record(dispute(open, func(w *pb.Dispute) { w.CaseNumber = "" })), pb.ErrorReason_ERROR_REASON_NOTHING_TAKEN); info.GetMetadata()["name"] != open.GetName() || info.GetMetadata()["state"] != "AWAITING_PAYER" {
			t.Errorf("metadata %v", info.GetMetadata())
		}
		// The bank may know of money that we do not: then the attempt is named.
		named := d.disputed(dispute(open, func(w *pb.Dispute) { w.CaseNumber, w.Attempt = "", open.GetAttempts()[0].GetName() }))
		if named.GetAmount().GetMinorUnits() != 150000 {
			t.Errorf("about an attempt that took nothing: %s", named)
		}
		d.refused(record(dispute(p, func(w *pb.Dispute) { w.Payment = paymentName(newID()) })), pb.ErrorReason_ERROR_REASON_NOT_FOUND)
		d.refused(record(dispute(p, func(w *pb.Dispute) { w.Attempt = p.GetName() + "/attempts/2" })), pb.ErrorReason_ERROR_REASON_NOT_FOUND)
		money := func(minor int64, currency string) *pb.Money {
			return &pb.Money{MinorUnits: minor, CurrencyCode: currency}
		}
		for field, r := range map[string]*pb.RecordDisputeRequest{
			"dispute.amount.minor_units":                  dispute(p, func(w *pb.Dispute) { w.Amount = money(150001, "KZT") }),
			"dispute.amount.currency_code":                dispute(p, func(w *pb.Dispute) { w.Amount = money(1, "USD") }),
			"dispute.open_time":                           dispute(p, func(w *pb.Dispute) { w.OpenTime = timestamppb.New(time.Now().Add(time.Second)) }),
			"dispute.kind":                                dispute(p, func(w *pb.Dispute) { w.Kind = 0 }),
			"dispute.attempt":                             dispute(p, func(w *pb.Dispute) { w.Attempt = open.GetAttempts()[0].GetName() }),
			"dispute.payment":                             {Dispute: &pb.Dispute{Payment: "x", Kind: pb.Dispute_KIND_CLAIM}, RequestId: newID()},
			"dispute.detail":                              dispute(p, func(w *pb.Dispute) { w.Detail = strings.Repeat("қ", 1001) }),
			"dispute.case_number":                         dispute(p, func(w *pb.Dispute) { w.CaseNumber = strings.Repeat("1", 65) }),
			"dispute.note":                                dispute(p, func(w *pb.Dispute) { w.Note = "card 4111 1111 1111 1111" }),
			"dispute":                                     {RequestId: newID()},
			"request_id":                                  {Dispute: first.GetDispute()},
			"dispute.amount.minor_units dispute.owner":    dispute(p, func(w *pb.Dispute) { w.Amount, w.Owner = money(0, "KZT"), strings.Repeat("a", 65) }),
			"dispute.amount.currency_code dispute.detail": dispute(p, func(w *pb.Dispute) { w.Amount, w.Detail = money(1, "XXX"), strings.Repeat("a", 1001) }),
		} {
			if got := strings.Join(fields(record(r)), " "); got != field {
				t.Errorf("fields %q, want %q", got, field)
			}
		}
		none := disputeName(newID())
		_, err := d.disputes.GetDispute(as(operatorKey, "aida"), &pb.GetDisputeRequest{Name: none})
		d.refused(err, pb.ErrorReason_ERROR_REASON_NOT_FOUND)
		_, err = d.disputes.CloseDispute(as(operatorKey, "aida"), &pb.CloseDisputeRequest{Name: none, Outcome: pb.Dispute_OUTCOME_WON, Reason: "a test", Etag: `"1"`})
		d.refused(err, pb.ErrorReason_ERROR_REASON_NOT_FOUND)
		_, err = d.disputes.CloseDispute(as(operatorKey, "aida"), &pb.CloseDisputeRequest{Name: "disputes/x", Reason: "x"})
		if got := strings.Join(fields(err), " "); got != "name outcome reason etag" {
			t.Errorf("fields %q", got)
		}
		_, err = d.disputes.UpdateDispute(as(operatorKey, "aida"), &pb.UpdateDisputeRequest{Dispute: &pb.Dispute{Name: none, Etag: `"1"`}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"amount"}}})
		if got := strings.Join(fields(err), " "); got != "update_mask.paths[0]" {
			t.Errorf("fields %q", got)
		}
		_, err = d.disputes.UpdateDispute(as(operatorKey, "aida"), &pb.UpdateDisputeRequest{Dispute: &pb.Dispute{Name: named.GetName(), Etag: named.GetEtag(), CaseNumber: "81"}})
		d.refused(err, pb.ErrorReason_ERROR_REASON_DISPUTE_EXISTS)
	})
}

func TestOnlyOperatorsSeeDisputes(t *testing.T) {
	behind(t, func(d *door) {
		_, err := d.disputes.ListDisputes(context.Background(), &pb.ListDisputesRequest{})
		d.refused(err, pb.ErrorReason_ERROR_REASON_PERMISSION_DENIED)
		if _, err := d.disputes.ListDisputes(as(operatorKey, "aida"), &pb.ListDisputesRequest{}); err != nil {
			t.Error(err)
		}
	}, func(o *Options, _ *router.Options) { o.RequireOperator = true })
}

func TestDisputesComeInPagesAndTheOverdueAlone(t *testing.T) {
	behind(t, func(d *door) {
		p := d.paid()
		listed := time.Now().Add(3 * time.Minute)
		for i, raised := range []time.Time{listed.Add(-25 * time.Hour), listed.Add(time.Second - 24*time.Hour), listed.Add(-time.Hour)} {
			d.disputed(dispute(p, func(w *pb.Dispute) { w.CaseNumber, w.OpenTime = fmt.Sprint(i), timestamppb.New(raised) }))
			time.Sleep(time.Minute)
		}
		list := func(r *pb.ListDisputesRequest) (cases string) {
			r.PageSize = 2
			for {
				page, err := d.disputes.ListDisputes(as(operatorKey, "aida"), r)
				d.must(err)
				for _, found := range page.GetDisputes() {
					cases += found.GetCaseNumber()
				}
				if r.PageToken = page.GetNextPageToken(); r.PageToken == "" {
					return cases
				}
			}
		}
		for want, r := range map[string]*pb.ListDisputesRequest{
			"210": {Payment: p.GetName(), Gateway: "gateways/kaspi-main", State: pb.Dispute_STATE_OPEN},
			"0":   {OverdueOnly: true}, // the second is due in a second
			"":    {Gateway: "gateways/halyk-main"},
			"2":   {CreateTimeAfter: timestamppb.New(time.Now().Add(-90 * time.Second))},
			"10":  {CreateTimeBefore: timestamppb.New(time.Now().Add(-90 * time.Second))},
		} {
			if got := list(r); got != want {
				t.Errorf("%v: %q, want %q", r, got, want)
			}
		}
		_, err := d.disputes.ListDisputes(as(operatorKey, "aida"), &pb.ListDisputesRequest{PageSize: -1, Payment: "x", Gateway: "x", State: 9})
		if got := strings.Join(fields(err), " "); got != "page_size payment gateway state" {
			t.Errorf("fields %q", got)
		}
	})
}

// evidence reads an archive's files, and its bytes.
func (d *door) evidence(name string) (map[string]string, []byte) {
	d.t.Helper()
	stream, err := d.disputes.StreamDisputeEvidence(as(operatorKey, "aida"), &pb.StreamDisputeEvidenceRequest{Name: name})
	d.must(err)
	first, err := stream.Recv()
	d.must(err)
	if head := first.GetHead(); head.GetDispute().GetName() != name || head.GetFileName() != "dispute-"+name[len("disputes/"):]+".zip" {
		d.t.Errorf("head %v", first)
	}
	var archive []byte
	for {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		d.must(err)
		archive = append(archive, part.GetChunk()...)
	}
	r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	d.must(err)
	files := map[string]string{}
	for _, f := range r.File {
		in, err := f.Open()
		d.must(err)
		text, err := io.ReadAll(in)
		d.must(err)
		files[f.Name] = string(text)
	}
	return files, archive
}

func TestEvidenceTellsWhatTheBooksKnowAndNoPerson(t *testing.T) {
	behind(t, func(d *door) {
		p := d.create(qr(func(r *pb.CreatePaymentRequest) {
			r.Payer = &pb.Payer{Phone: "+77015550199", Email: "canary@example.kz", DisplayName: "Канарейка", IpAddress: "192.0.2.199"}
			r.OrderId, r.Description = "4711", "Қазақ кітабы"
		}))
		d.pay(p)
		time.Sleep(time.Minute)
		got := d.disputed(dispute(p, func(w *pb.Dispute) { w.Owner, w.Note = "bolat", "we think the payer is right" }))
		files, archive := d.evidence(got.GetName())
		for name, texts := range map[string][]string{
			"README.txt":    {"chargeback 81 at kaspi-main", p.GetName()[len("payments/"):], "1500.00 KZT of 1500.00 KZT taken", "order          4711"},
			"timeline.txt":  {"caller unnamed: asked for 1500.00 KZT by qr", "approved", "raised the chargeback 81 over 1500.00 KZT", "operator aida", "UTC"},
			"timeline.csv":  {";payment;caller unnamed;;asked for 1500.00 KZT by qr", ";dispute;operator aida;1;recorded the dispute"},
			"payment.json":  {`"name": "` + p.GetName() + `"`, `"state": "STATE_PAID"`, `"order_id": "4711"`, "Қазақ кітабы"},
			"notices.csv":   {";kaspi-main;"},
			"statement.csv": {"day;time_local"},
			"manifest.txt":  {"  README.txt\n", "  statement.csv\n"},
		} {
			for _, text := range texts {
				if !strings.Contains(files[name], text) {
					t.Errorf("%s lacks %q:\n%s", name, text, files[name])
				}
			}
		}
		for name, text := range files {
			for _, secret := range []string{"77015550199", "canary@example.kz", "Канарейка", "192.0.2.199", "tok-", "bolat", "the payer is right"} {
				if strings.Contains(text, secret) {
					t.Errorf("%s tells %s", name, secret)
				}
			}
		}
		time.Sleep(10 * time.Second)
		if _, again := d.evidence(got.GetName()); !bytes.Equal(archive, again) {
			t.Error("later the same books give other bytes")
		}
		stream, err := d.disputes.StreamDisputeEvidence(as(operatorKey, "aida"), &pb.StreamDisputeEvidenceRequest{Name: disputeName(newID())})
		d.must(err)
		_, err = stream.Recv()
		d.refused(err, pb.ErrorReason_ERROR_REASON_NOT_FOUND)
	})
}
