// Package readiness answers a bank's checklist: facts go in, requirements come out, each
// with what was found, what is asked for, and what stands behind it.
//
//	questions to the books ─┐
//	the configuration ──────┼──► Facts ──► Judge ──► Items: met, not met, no evidence
//	what people recorded ───┘
//
// It asks nobody and reads no clock: whoever gathers the facts also brings the words of the
// question that each one answers, so that nothing in the report has to be believed. A
// requirement without a fact is without evidence; it is never met by silence.
//
// The checklist is Kaspi's, as its section in PRODUCT lists it. Numbers that the bank asks for
// stand in items.go and nowhere else.
package readiness
