package audit

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"time"
)

// Phase is where in an act a record was made.
type Phase string

// The phases.
const (
	Asked Phase = "asked" // before the act: it may have begun
	Ended Phase = "ended" // after it, with its outcome
	Note  Phase = "note"  // of what happened without a person's asking
)

// What is recorded besides the methods of the API, which stand under their full names.
const (
	OverrideWarned  = "override warned"  // it ends within minutes
	OverrideExpired = "override expired" // it ended by itself
	Retention       = "retention"        // what outlived its term was removed by hand
	LostWindow      = "lost window"      // all gateways were held until people have compared
)

// Sum is a SHA-256. The zero sum stands before the first record.
type Sum [sha256.Size]byte

// String writes a sum in hexadecimal.
func (s Sum) String() string { return hex.EncodeToString(s[:]) }

// ParseSum reads what String wrote, and nothing else.
func ParseSum(text string) (s Sum, ok bool) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != len(s) {
		return s, false
	}
	copy(s[:], raw)
	return s, s.String() == text
}

// Record is one link of the chain. No personal data stands in it in clear.
type Record struct {
	Number  int64     // from 1, without gaps
	Time    time.Time // when it was made, to the microsecond
	Actor   string    // "operator:aida", or "router"
	Roles   string    // that gave the right, with commas; empty where nobody had to prove who they are
	Tenant  string    // of the call, where it had one
	Act     string    // a method's full name, or one of the words above
	Subject string    // the resource that it is about, as the API names it
	Reason  string    // the person's own words
	Phase   Phase
	Asked   int64  // of what ended: the number of its asked record; else 0
	Outcome string // of what ended: the gRPC code, and the reason of a refusal; else empty
	Request string // a keyed digest of what was asked for, in hexadecimal

	Previous Sum // of the record before
	Sum      Sum // of all the above
}

// version is the first thing that is summed: another way of writing records down gets
// another number.
const version = 1

// Linked is a record as it follows the one with a sum.
func (r Record) Linked(previous Sum) Record {
	r.Previous = previous
	r.Sum = r.sum()
	return r
}

// sum is over the version, the previous sum and every field. Numbers have eight bytes, and
// each text stands behind its length, so that no two records are written alike.
func (r Record) sum() Sum {
	text := []byte{version}
	text = append(text, r.Previous[:]...)
	for _, n := range []int64{r.Number, r.Time.UnixMicro(), r.Asked} {
		text = binary.BigEndian.AppendUint64(text, uint64(n)) //nolint:gosec // two's complement is as good as any
	}
	for _, field := range []string{r.Actor, r.Roles, r.Tenant, r.Act, r.Subject, r.Reason, string(r.Phase), r.Outcome, r.Request} {
		text = binary.BigEndian.AppendUint64(text, uint64(len(field)))
		text = append(text, field...)
	}
	return sha256.Sum256(text)
}
