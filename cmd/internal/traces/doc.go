// Package traces sends spans to an OpenTelemetry collector, by OTLP over gRPC. What spans
// there are and may say is package spans' affair; here it is seen to that
//
//   - a payment never waits for a collector and never fails for one: spans stand in a queue
//     of bounded length, what does not fit or does not arrive is dropped and counted, and
//     nothing is sent twice;
//   - only what package spans lists leaves, whoever wrote it on a span: no other attribute,
//     no event, no text of an error, and nothing of a caller's tracestate;
//   - a caller may say that its trace is not to be kept, and not that it is: of what it keeps
//     we keep our own share, and the callers that keep everything cost us no more than others;
//   - the configuration is the file and nothing else. The environment variables of
//     OpenTelemetry (OTEL_…) are not read: a collector's address and the headers sent to it
//     are where data goes, and belong where the rest of that is written and checked.
//
// Of that last rule the libraries know three exceptions that change nothing that leaves:
// OTEL_SEMCONV_STABILITY_OPT_IN gives a call's attributes their old names beside the new,
// which are not on the list; OTEL_GO_X_… counts for a meter that there is none of; and what
// they cannot read of the rest they tell the standard logger, which the program discards.
package traces
