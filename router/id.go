package router

import (
	"time"

	"github.com/google/uuid"
)

// newID is a UUID of version 7: ids made later sort later, by the millisecond. The
// library's own also keeps the order within one, by a clock of the whole process that no
// virtual time can turn back; nothing here needs that.
func newID() string {
	id := uuid.New()
	millis := time.Now().UnixMilli()
	for i := range 6 {
		id[i] = byte(millis >> (40 - 8*i))
	}
	id[6] = id[6]&0x0f | 0x70
	return id.String()
}
