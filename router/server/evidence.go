package server

import (
	"bufio"
	"bytes"
	"context"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/evidence"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// mostRows is how many rows of one kind an archive takes: findings, notices, and lines of one
// attempt. An honest payment has a few dozen; what has more says so in its README.
const mostRows = 1000

// StreamDisputeEvidence tells all that the books know of a disputed payment.
func (s disputes) StreamDisputeEvidence(r *pb.StreamDisputeEvidenceRequest, stream grpc.ServerStreamingServer[pb.StreamDisputeEvidenceResponse]) error {
	ctx := stream.Context()
	d, err := s.dispute(ctx, r.GetName())
	if err != nil {
		return err
	}
	bundle, err := s.bundle(ctx, d)
	if err != nil {
		return s.refusal(ctx, err, about{name: r.GetName()})
	}
	f := newFeed(ctx, s.options.WatchFor, nil, stream.Send)
	defer f.stop()
	head := &pb.StreamDisputeEvidenceResponse_Head{Dispute: disputeOut(d), FileName: "dispute-" + d.ID + ".zip"}
	if err := f.send(&pb.StreamDisputeEvidenceResponse{Part: &pb.StreamDisputeEvidenceResponse_Head_{Head: head}}); err != nil {
		return err
	}
	out := bufio.NewWriterSize(chunks{f}, mostChunk)
	if err := evidence.Write(out, bundle); err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return err
	}
	return f.finish()
}

// chunks sends what is written to it in pieces.
type chunks struct {
	feed *feed[pb.StreamDisputeEvidenceResponse]
}

// Write sends a copy: the message leaves later, and the writer takes its buffer back.
func (c chunks) Write(p []byte) (int, error) {
	for piece := range slices.Chunk(p, mostChunk) {
		if err := c.feed.send(&pb.StreamDisputeEvidenceResponse{Part: &pb.StreamDisputeEvidenceResponse_Chunk{Chunk: bytes.Clone(piece)}}); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// bundle reads what there is.
func (s disputes) bundle(ctx context.Context, d journal.Dispute) (evidence.Bundle, error) {
	b := evidence.Bundle{Zone: s.zoneOf(d.Gateway)}
	story, err := s.router.Explain(ctx, d.Tenant, d.Payment)
	if err != nil {
		return b, err
	}
	p := story.Payment
	b.Dispute, b.Payment, b.Proofs = contestedOut(d, p), p, story.Evidence
	for _, e := range story.Events {
		text, attempt := router.Describe(e)
		b.Facts = append(b.Facts, evidence.Fact{Seq: e.Seq, At: e.At, Who: e.Actor, What: text, Attempt: attempt})
	}
	// What happens next, and what the payer should do, are of the moment and no evidence.
	view := s.view(ctx, p)
	view.Action, view.Resolution = nil, nil
	if b.JSON, err = (protojson.MarshalOptions{UseProtoNames: true, EmitDefaultValues: true}).Marshal(view); err != nil {
		return b, err
	}
	findings, err := s.router.Journal.Findings(ctx, journal.FindingFilter{Payment: p.ID}, journal.Cursor{}, mostRows+1)
	if err != nil {
		return b, err
	}
	findings = cut(&b, "the findings", findings)
	for _, f := range slices.Backward(findings) { // they are listed newest first
		b.Findings = append(b.Findings, evidence.Finding{At: f.At, Kind: f.Kind, Detail: f.Detail, Attempt: f.Attempt, State: string(f.State),
			FromStatement: f.Source == journal.OfStatement, Ours: f.Ours, Theirs: f.Theirs, Closed: f.Closed, ClosedBy: f.ClosedBy, Reason: f.CloseReason})
	}
	notices, err := s.router.Journal.NoticesOf(ctx, p.ID, mostRows+1)
	if err != nil {
		return b, err
	}
	for _, n := range cut(&b, "notices.csv", notices) {
		b.Notices = append(b.Notices, evidence.Notice{ID: n.ID, Gateway: n.Gateway, At: n.Received, Verdict: n.State, SHA256: n.SHA256})
	}
	return b, s.lines(ctx, &b)
}

// lines reads what the gateways' own books say of the payment's attempts.
func (s disputes) lines(ctx context.Context, b *evidence.Bundle) error {
	for _, a := range b.Payment.Attempts {
		lines, err := s.router.Journal.LinesOf(ctx, a.Gateway, []string{journal.GroupOf(b.Payment.ID, a.N)}, mostRows+1)
		if err != nil {
			return err
		}
		for _, l := range cut(b, "statement.csv", lines) {
			b.Lines = append(b.Lines, evidence.Line{StatementLine: l.StatementLine, Gateway: a.Gateway, Attempt: a.N, Day: l.Day})
		}
	}
	return nil
}

// cut leaves the first rows of a table, and notes it where there are more.
func cut[R any](b *evidence.Bundle, table string, rows []R) []R {
	if len(rows) <= mostRows {
		return rows
	}
	b.Cut = append(b.Cut, table)
	return rows[:mostRows]
}

// contestedOut is a dispute as the archive tells it: without its owner and their notes.
func contestedOut(d journal.Dispute, p payment.Payment) evidence.Dispute {
	out := evidence.Dispute{ID: d.ID, Case: d.Case, Kind: string(d.Kind), State: string(d.State), Outcome: string(d.Outcome), Gateway: d.Gateway, Attempt: d.Attempt,
		Amount: d.Amount, Detail: d.Detail, Opened: d.Opened, Due: d.Due(), Answer: d.Answer, AnsweredBy: d.AnsweredBy, Answered: d.Answered, RecordedBy: d.RecordedBy,
		ClosedBy: d.ClosedBy, CloseCause: d.CloseReason, Created: d.Created, Updated: d.Updated, Closed: d.Closed}
	if d.Attempt <= len(p.Attempts) {
		out.Taken = providers.Money{Minor: tookOf(p.Attempts[d.Attempt-1]), Currency: p.Amount.Currency}
	}
	return out
}

// zoneOf is where a gateway's business days begin and end.
func (s *Server) zoneOf(gateway string) *time.Location {
	if s.options.Office != nil {
		if books, ok := s.options.Office.Books[gateway]; ok && books.Zone != nil {
			return books.Zone
		}
	}
	return time.UTC
}
