package server

import (
	"errors"
	"io"
	"strings"

	"google.golang.org/grpc"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/office"
)

// mostChunk is the largest piece of a file, well below what the server reads at once.
const mostChunk = 48 << 10

// ImportStatement takes a file in pieces.
func (s finance) ImportStatement(stream grpc.ClientStreamingServer[pb.ImportStatementRequest, pb.StatementImport]) error {
	ctx := stream.Context()
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	start := first.GetStart()
	if start == nil {
		return wrongPiece("start", "comes first")
	}
	if s.options.Office == nil {
		return noStatementSource(start.GetGateway(), office.ErrNoBooks)
	}
	gateway, _ := parseGateway(start.GetGateway())
	file := office.File{ID: strings.ToLower(start.GetRequestId()), Gateway: gateway, Format: start.GetFormat(), Name: start.GetFileName(), SHA256: start.GetSha256(),
		Size: start.GetSizeBytes(), FromDay: start.GetFromDay(), ToDay: start.GetToDay(), ValidateOnly: start.GetValidateOnly(),
		Actor: identityOf(ctx).asOperator(), Reason: start.GetReason()}
	i, err := s.options.Office.Import(ctx, file)
	if err != nil {
		return s.notImported(stream, start, err)
	}
	if !sameFile(i, file) {
		return requestIDReused(importName(i.ID))
	}
	if start.GetOffset() != i.Received {
		return importOffset(i)
	}
	for at := i.Received; ; at = i.Received {
		next, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return stream.SendAndClose(importOut(i))
		}
		if err != nil {
			return err // what came before is kept
		}
		if next.GetStart() != nil {
			return wrongPiece("start", "comes once")
		}
		if i, err = s.options.Office.Receive(ctx, i.ID, at, next.GetChunk()); errors.Is(err, journal.ErrOffset) {
			return importOffset(i)
		}
		if err != nil {
			return s.refusal(ctx, err, about{name: importName(file.ID)})
		}
	}
}

// notImported says why a file is not taken.
func (s finance) notImported(stream grpc.ServerStream, start *pb.ImportStatementRequest_Start, err error) error {
	early := asType[*office.EarlyError](err)
	switch {
	case early != nil:
		return dayNotOver(early)
	case errors.Is(err, office.ErrNoBooks):
		return noStatementSource(start.GetGateway(), err)
	case errors.Is(err, office.ErrUnknownFormat):
		return wrongPiece("start.format", "is no format of this gateway in the configuration (gateways[].books.formats)")
	case errors.Is(err, office.ErrManyDays):
		return wrongPiece("start.to_day", "is before from_day, or more than a year after it")
	case errors.Is(err, office.ErrFileTooLarge):
		return wrongPiece("start.size_bytes", "is not 1 byte to 1 GiB")
	}
	return s.refusal(stream.Context(), err, about{name: start.GetGateway()})
}

func wrongPiece(field, description string) *fault {
	v := &violations{}
	v.wrong(field, description)
	return v.fault()
}

// sameFile compares what was announced with what stands under its id.
func sameFile(i journal.Import, f office.File) bool {
	return i.Gateway == f.Gateway && i.Format == f.Format && i.SHA256 == f.SHA256 && i.Size == f.Size && i.FromDay == f.FromDay && i.ToDay == f.ToDay &&
		i.ValidateOnly == f.ValidateOnly && i.Reason == f.Reason
}

func importOut(i journal.Import) *pb.StatementImport {
	return &pb.StatementImport{
		Name: importName(i.ID), Gateway: gatewayName(i.Gateway), Format: i.Format, FileName: i.FileName, FromDay: i.FromDay, ToDay: i.ToDay,
		State: importStatesOut[i.State], ReceivedBytes: i.Received, SizeBytes: i.Size, Lines: i.Lines,
		RefusedRow: i.RefusedRow, RefusedColumn: i.RefusedColumn, RefusedWhy: i.RefusedWhy, Actor: i.Actor, Reason: i.Reason,
		CreateTime: instant(i.Created), UpdateTime: instant(i.Updated), EndTime: instant(i.Ended),
	}
}
