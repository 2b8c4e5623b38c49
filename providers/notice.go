package providers

// Notice is one inbound request as it arrived: raw, stored before it is read.
type Notice struct {
	Method string              // HTTP method
	Path   string              // what follows /webhooks/{gateway}, without a leading slash
	Query  string              // raw query
	Header map[string][]string // canonical header names
	Body   []byte              // raw bytes; signatures are over these
	Source string              // IP address of the peer, from the socket or from our own proxy
}

// HeardKind says what kind of thing was heard.
type HeardKind uint8

// The kinds. The zero value changes nothing.
const (
	Noise    HeardKind = iota // not for us, not readable, or not authentic: stored, counted, nothing changes
	Hint                      // unsigned or not enough: wakes a look-up
	Fact                      // authentic: Result applies
	Question                  // the gateway asks before it charges: we may still veto
	Debit                     // the payer has been debited; refusing now orders the bank to give it back
)

// String returns the lower-case name.
func (k HeardKind) String() string {
	return [...]string{"noise", "hint", "fact", "question", "debit"}[k]
}

// Heard is what an adapter understood of a Notice.
type Heard struct {
	Kind   HeardKind
	Ref    Ref    // Order or External tells which attempt; Planned, where told, is its own to the millisecond
	Result Result // what a Fact or Debit says
	Key    string // the gateway's own key of this delivery, for "the same answer again"; empty: none
	Forged bool   // Noise because authenticity failed
	Err    error  // why it is Noise; for logs
	Detail any    // the adapter's own notes for Answer
}

// Ruling is what the router made of a Heard.
type Ruling struct {
	Kind   RulingKind
	Amount Money  // Payable: what is owed
	ID     string // our name for the payment, for answers that carry one
	Text   string // a short text for the payer
}

// RulingKind is the kind of a Ruling.
type RulingKind uint8

// The rulings. The zero value makes the sender try again.
const (
	TryLater    RulingKind = iota // our store is down: not acknowledged
	Accepted                      // stored and understood
	Unmatched                     // authentic, but no such reference here: stored and shown
	Rejected                      // not authentic or unreadable: stored, refused
	Payable                       // Question: yes, Amount is owed; Debit: credited
	Gone                          // Question or Debit: canceled, expired or moved to another gateway
	AlreadyPaid                   // Question or Debit: paid already
	Busy                          // Question or Debit: being decided, ask again
)

// Reply is the HTTP answer to a Notice.
type Reply struct {
	Status      int
	ContentType string
	Body        []byte
}
