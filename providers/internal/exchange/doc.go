// Package exchange makes one HTTP exchange with a gateway and judges how far it
// got. It is the only place that sends.
//
//	outcome    what is proved                           a charge then is
//	Sent       a connection was obtained; all is open   Unknown   (the zero value)
//	NotSent    no connection was ever obtained          Unserved, NOT_SENT
//	Answered   a whole answer within the limits came    whatever the adapter reads in it
//
// The point of no return is the moment the transport hands a connection to the
// request (httptrace.GotConn). Before it nothing can have left; after it every
// failure is doubt.
//
// Go's transport repeats a request by itself when a kept-alive connection drops,
// if it believes that to be safe. Here it must never believe so: requests that
// move money use a connection of their own, have no GetBody and carry no
// Idempotency-Key header. (A look-up without a body may still be repeated on another
// connection; it moves nothing.) Redirects are answers, not orders.
//
// A kept-alive connection is used again only when everything that came on it has been
// looked at: one answer too many closes it, and never answers the next caller. Errors
// after sending say nothing in the gateway's words, which may name a payer. One thing
// cannot be kept from here: net/http writes an answer too many, whole, to the standard
// logger of package log. A program that keeps that logger's output must drop it.
package exchange
