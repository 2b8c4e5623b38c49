// Package server is the door of the house: the gRPC services Payments, Operations,
// Finance, Disputes, Compliance and Audit, the webhooks of gateways, and the page that Prometheus and
// orchestrators ask. It is the only room that knows protobuf and inbound HTTP.
//
//	gRPC ──► read ──► metrics ─► log ─► recover ─► who calls ─► shape ──► a seat? ──► handler
//	         64 KiB                               identity    validate  overload      │
//	                                                                                 ▼
//	HTTP ──► /webhooks/{gateway}/… ──────────────────────────────────► a seat? ─► router.Router
//	HTTP ──► /metrics /healthz /readyz /
//
// Four files hold the rules that everything here obeys:
//
//   - validate.go and its neighbours: what is malformed stops at the door, with all
//     its mistakes named at once. Nothing of it is stored, sent or logged, a card
//     number least of all.
//   - errors.go: the one place that chooses gRPC codes. Only our own trouble and
//     refused wishes are errors; a decline and "we do not know yet" are answers.
//   - enums.go: the tables between our words and the contract's, both complete.
//   - overload.go: how much of each kind of work is done at once. What is more is
//     refused before anything is stored or sent, with a delay after which to come
//     again; no kind crowds out another, and nothing queues without a bound.
//
// A call's deadline is a budget for the answer and never for the payment: shortly
// before it ends the caller hears how the payment stands in the books, and the
// payment goes on.
//
// What a person changes is recorded before it is done, and what came of it afterwards: see
// audit.go. No record, no act.
//
// Who calls is asserted by metadata and believed (see identity.go) until mutual TLS
// comes: until then the gRPC port belongs on loopback or behind something that
// authenticates.
package server
