// Package server is the door of the house: the gRPC services Payments, Operations,
// Finance, Disputes, Compliance and Audit, the webhooks of gateways, and the page that Prometheus and
// orchestrators ask. It is the only room that knows protobuf and inbound HTTP.
//
//	gRPC ──► TLS ──► read ──► metrics ─► log ─► recover ─► who calls ─► shape ──► a seat? ──► handler
//	     handshake   64 KiB                                may it?     validate   overload      │
//	                                                       rights                               │
//	                                                       limits                               ▼
//	HTTP ──► /webhooks/{gateway}/… ─────────────────────────────────────────────► a seat? ─► router.Router
//	HTTP ──► /metrics /healthz /readyz /
//
// Five files hold the rules that everything here obeys:
//
//   - validate.go and its neighbours: what is malformed stops at the door, with all
//     its mistakes named at once. Nothing of it is stored, sent or logged, a card
//     number least of all.
//   - errors.go: the one place that chooses gRPC codes. Only our own trouble and
//     refused wishes are errors; a decline and "we do not know yet" are answers.
//   - enums.go: the tables between our words and the contract's, both complete.
//   - rights.go: who may call what, one table. What is not in it is refused.
//   - overload.go: how much of each kind of work is done at once. What is more is
//     refused before anything is stored or sent, with a delay after which to come
//     again; no kind crowds out another, and nothing queues without a bound. Beside it
//     limits.go: how much of it one caller may ask for, and one address without a name.
//
// A call's deadline is a budget for the answer and never for the payment: shortly
// before it ends the caller hears how the payment stands in the books, and the
// payment goes on.
//
// What a person changes is recorded before it is done, and what came of it afterwards: see
// audit.go. No record, no act.
//
// Who calls is proved by Options.Gate: by the certificate of the connection, or by the
// token of the call, at each call anew. The name that is proved stands in the books, as
// caller:NAME or operator:NAME; what metadata says besides may choose among one's own
// tenants, and may contradict nothing. Whoever is nobody, or has none of the roles that
// rights.go asks for, is refused before a field of the request is looked at, with one
// line in the log, as long as they are not too many, and nothing anywhere else. A stream
// ends when its caller is taken away, or loses the role; the end of a certificate or a
// token does not end it before WatchFor does.
//
// Without a Gate metadata is believed, and everybody has all roles who names a person:
// then the gRPC port belongs on loopback.
package server
