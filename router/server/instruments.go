package server

import (
	"context"
	"errors"

	"google.golang.org/protobuf/types/known/emptypb"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/journal"
)

// ListInstruments reads the saved instruments of one customer, newest first. The
// cursor is the last instrument's id: ids are ordered by time.
func (s payments) ListInstruments(ctx context.Context, r *pb.ListInstrumentsRequest) (*pb.ListInstrumentsResponse, error) {
	cursor, err := s.cursorOf(ctx, r)
	if err != nil {
		return nil, err
	}
	size := pageSize(r.GetPageSize())
	found, err := s.router.Journal.NewestInstruments(ctx, identityOf(ctx).tenant, r.GetCustomerId(), cursor, size+1)
	if err != nil {
		return nil, s.refusal(ctx, err, about{})
	}
	page := &pb.ListInstrumentsResponse{}
	for i, instrument := range found {
		if i == size {
			page.NextPageToken = s.pageToken(ctx, r, found[i-1].ID)
			break
		}
		page.Instruments = append(page.Instruments, instrumentOut(instrument))
	}
	return page, nil
}

// GetInstrument reads a saved instrument.
func (s payments) GetInstrument(ctx context.Context, r *pb.GetInstrumentRequest) (*pb.Instrument, error) {
	id, _ := parseInstrument(r.GetName())
	found, err := s.router.Journal.Instrument(ctx, identityOf(ctx).tenant, id)
	if err != nil {
		return nil, s.refusal(ctx, unknownInstrument(err), about{name: r.GetName()})
	}
	return instrumentOut(found), nil
}

// DeleteInstrument forgets a saved instrument and its token.
func (s payments) DeleteInstrument(ctx context.Context, r *pb.DeleteInstrumentRequest) (*emptypb.Empty, error) {
	id, _ := parseInstrument(r.GetName())
	if err := s.router.DeleteInstrument(ctx, identityOf(ctx).tenant, id); err != nil {
		return nil, s.refusal(ctx, unknownInstrument(err), about{name: r.GetName()})
	}
	return &emptypb.Empty{}, nil
}

func unknownInstrument(err error) error {
	if errors.Is(err, journal.ErrNotFound) {
		return router.ErrUnknownInstrument
	}
	return err
}

// instrumentOut shows an instrument without its token, which never leaves the house.
// The books keep one token an instrument.
func instrumentOut(i journal.Instrument) *pb.Instrument {
	return &pb.Instrument{
		Name:       instrumentName(i.ID),
		CustomerId: i.Customer,
		Mask:       i.Token.Mask,
		Brand:      i.Token.Brand,
		Tokens:     []*pb.Instrument_Token{{Gateway: gatewayName(i.Gateway), CreateTime: instant(i.Created)}},
		CreateTime: instant(i.Created),
	}
}
