// Package simulation is the proof: the whole house in one [testing/synctest] bubble, once
// for every seed (SAFETY section 8).
//
//	clients, payers, an operator
//	     │ gRPC over memory              ┌──────────────┐
//	     ▼                               │ database     │ one SQLite, faults in its sessions
//	process a ─ process b ─ process c ───┤              │
//	     │ HTTP over memory   ▲ webhooks └──────────────┘
//	     ▼                    │
//	the simulated bank, with a ledger ── checks I7, I8, I9 and I11 when a request arrives
//
// A process is the real server, router, health board, journal and adapters. Killing one
// makes every later use of its database sessions and connections fail; a kill may fall
// just before or just after any effect: a commit, or a request to a gateway.
//
// # One seed, one history
//
// A seed first draws its gateways, three or four of all that there are, then which kinds of
// faults exist at all, then when they happen. The clock is the bubble's, random bytes come
// from the seed, and every use of the database or the network takes a time drawn from what
// it is about, so that no two things happen at one instant. Every run is written down as a
// trace; the same seed gives the same trace.
//
// # Shared commits
//
// Payments share a commit when they come while another is under way. Half of the seeds have a
// disk that takes time for a commit, and rushes, in which callers come to one process within
// milliseconds. What they share is refused, is lost, loses its answer or comes late; a
// statement of one of them is refused, alone or with the whole transaction; their process is
// killed or stopped. This is drawn from numbers of its own: the other seeds know nothing of it.
//
// # What is checked
//
// After every commit: I3 to I5, I7, L2 on the events. On arrival at the gateways: I7, I8,
// I9, I11. At rest, once faults are over: the ledgers, the events and what the clients
// were told agree (I1, I2, I6, I10, I12, I13, L1). Then every notice that was ever
// delivered is delivered again, and nothing may change.
//
// # Running it
//
//	make sim SEEDS=2000        # as many seeds from 1 on, on all cores
//	make sim SEED=1234         # one of them, with its story
//	make sim-bugs              # known mistakes, each of which must be found
//
// The package holds tests only: nothing of it is in a program that is shipped.
package simulation
