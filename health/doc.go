// Package health answers one question: may we send there? It keeps a breaker per
// gateway and operation, read-only probes, a ramp back after an outage, and the
// orders of operators. It knows no payments and no providers.
//
//	closed ──(faults, slowness)──► open ──(wait, then 3 good probes)──► half-open
//	  ▲                             ▲                                      │
//	  └── 5, 20, 50, 100 % ramp ◄───┼──────────── 3 good charges ──────────┤
//	                                └──────────────── a fault ─────────────┘
//
// Only charges and offers are ever refused. Look-ups, captures, refunds and voids
// are metered and always admitted: what is already sent must be resolved.
//
// A refusal costs nothing, so it may be quick; whether a payment that was already
// sent may move to another gateway is never decided here (FAILOVER section 1).
package health
