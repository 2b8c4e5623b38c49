package server

import (
	"context"
	"crypto/hmac"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/payrouter/payrouter/router/journal"
)

const (
	defaultPage = 100
	largestPage = 1000
)

// Pages are keyset pages: a token says where the last page ended, so that rows that
// are added meanwhile move nothing. It is signed together with the tenant and the
// filter, so that it can be neither made up nor used with another one.

// pageSize reads the size a caller asks for.
func pageSize(asked int32) int {
	if asked == 0 {
		return defaultPage
	}
	return int(min(asked, largestPage))
}

const signatureBytes = 16

// pageToken signs the cursor for the request's filter.
func (s *Server) pageToken(ctx context.Context, request proto.Message, cursor string) string {
	return base64.RawURLEncoding.EncodeToString(append(s.pageMAC(ctx, request, cursor), cursor...))
}

// cursorOf reads a token back. The empty token is the first page.
func (s *Server) cursorOf(ctx context.Context, request interface {
	proto.Message
	GetPageToken() string
}) (string, error) {
	token := request.GetPageToken()
	if token == "" {
		return "", nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) < signatureBytes || !hmac.Equal(raw[:signatureBytes], s.pageMAC(ctx, request, string(raw[signatureBytes:]))) {
		return "", wrongPageToken()
	}
	return string(raw[signatureBytes:]), nil
}

func (s *Server) pageMAC(ctx context.Context, request proto.Message, cursor string) []byte {
	filter := proto.Clone(request)
	clearFields(filter, "page_token", "page_size")
	// In hexadecimal, for the cursor comes from the token: as bytes it could take over the
	// beginning of the signed filter, and one signature would serve two filters.
	return s.keyed("page", filter, identityOf(ctx).tenant, hex.EncodeToString([]byte(cursor)))[:signatureBytes]
}

func wrongPageToken() error {
	v := &violations{}
	v.wrong("page_token", "is not a token of this list with these filters")
	return v.fault()
}

// timeCursor writes a place in a list that is ordered by creation.
func timeCursor(created time.Time, id string) string {
	return strconv.FormatInt(created.UnixMicro(), 10) + " " + id
}

// timeCursorOf reads a token of a list that is ordered by creation back.
func (s *Server) timeCursorOf(ctx context.Context, request interface {
	proto.Message
	GetPageToken() string
}) (journal.Cursor, error) {
	text, err := s.cursorOf(ctx, request)
	if err != nil {
		return journal.Cursor{}, err
	}
	return readTimeCursor(text)
}

// readTimeCursor reads what timeCursor wrote; its signature was checked before.
func readTimeCursor(text string) (journal.Cursor, error) {
	if text == "" {
		return journal.Cursor{}, nil
	}
	micros, id, _ := strings.Cut(text, " ")
	us, err := strconv.ParseInt(micros, 10, 64)
	if err != nil {
		return journal.Cursor{}, wrongPageToken()
	}
	return journal.Cursor{Created: time.UnixMicro(us).UTC(), ID: id}, nil
}
