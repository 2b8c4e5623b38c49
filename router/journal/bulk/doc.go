// Package bulk fills empty books with as many payments as somebody wants to measure with:
// honest histories, event by event what the core decides, with every by-product that the
// journal would have written for them.
//
//	Plan ──► history ──► rows ──► COPY (PostgreSQL) or one transaction for each batch (SQLite)
//	                      │
//	                      └─ changes wait for their instant, so that the feed is in its order
//
// A payment is a pure function of its number, so that whoever measures can name any of them
// without asking the books. The journal itself takes a few hundred a second; this takes tens
// of thousands. It writes past the journal, so its test makes the same payments through the
// journal and compares every row of every table.
//
// It is for measuring and for tests. It never adds to books that have payments.
package bulk
