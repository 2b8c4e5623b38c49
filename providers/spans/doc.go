// Package spans is what a trace of OpenTelemetry may say of the house: which spans there
// are, and every attribute that they may have. See docs/traces.md.
//
//	payrouter.v1.Payments/CreatePayment    the call            router/server
//	  store open                           one transaction     router/journal
//	  attempt                              at one gateway      router
//	    store advance                        its plan
//	    POST                                 the gateway       providers/internal/exchange
//	    store advance                        its outcome
//
// A span says names of ours (payment, gateway, operation, verdict), numbers, and the
// gateway's host. It has no way to say more: there is no method that takes an amount, an
// order, a payer, an address with its path, a body, a header or the text of an error, and
// no other package of the house writes attributes.
//
// Off means free. A span is made below one that is recorded, or at a root where a Tracer
// was given; everywhere else the context comes back as it is, with a Span that does
// nothing, and nothing is allocated.
//
// Nothing is ever put on the wire to a gateway: a trace ends at its door.
package spans
