// Package app wires payrouter together: configuration, logs, metrics, books,
// gateways, health, router and doors, by hand and in that order. A main is a few
// lines around it, and tests start the real thing in-process.
//
//	Load ─► Config ─► New ─► App.Run(ctx) ─► drained
//
// The list of providers is one readable table: see provider.go.
package app
