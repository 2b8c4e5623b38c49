package server

import (
	"sync"

	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	protobuf "google.golang.org/protobuf/proto"
)

const (
	// maxMessage is how large a request may be. The largest honest one is about 5 KiB.
	maxMessage = 64 << 10
	// maxRead is how much grpc reads at all. What is larger still gets grpc's own
	// RESOURCE_EXHAUSTED, which carries no ErrorInfo.
	maxRead = 4 << 20
)

// unread holds the faults of requests that could not be read, from the codec to the
// interceptors. grpc answers a request that it cannot decode by itself, without an
// ErrorInfo, a log line or a count; so the codec never fails, and leaves the message
// empty and a note about it here.
type unread struct{ notes sync.Map }

// take returns the note about a request, once.
func (u *unread) take(request any) (*fault, bool) {
	note, ok := u.notes.LoadAndDelete(request)
	if !ok {
		return nil, false
	}
	f, ok := note.(*fault)
	return f, ok
}

// codec is protobuf's, but for requests that cannot be read.
type codec struct {
	encoding.CodecV2
	unread *unread
}

func newCodec(u *unread) codec { return codec{encoding.GetCodecV2(proto.Name), u} }

// Unmarshal decodes a request into v, or notes why not.
func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	if data.Len() > maxMessage {
		c.unread.notes.Store(v, messageTooLarge())
		return nil
	}
	if err := c.CodecV2.Unmarshal(data, v); err != nil {
		if m, ok := v.(protobuf.Message); ok {
			protobuf.Reset(m)
		}
		c.unread.notes.Store(v, unreadable())
	}
	return nil
}
