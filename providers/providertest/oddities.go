package providertest

import (
	"fmt"
	"strconv"
	"strings"
)

// redirects send the caller elsewhere. None is followed.
func redirects() []blow {
	var all []blow
	for _, status := range []int{301, 302, 303, 307, 308} {
		all = append(all, blow{sentence: "a redirect by " + strconv.Itoa(status), reasons: garbled, strike: func(s *stroke) {
			s.say(fmt.Sprintf("HTTP/1.1 %d Elsewhere\r\nLocation: http://%s/\r\nContent-Length: 0\r\n\r\n", status, s.elsewhere))
		}})
	}
	return all
}

// framed is a blow that says the true answer in a frame of its own. % stands for the
// true headers and @ for the true body.
func framed(sentence, frame string) blow {
	return blow{sentence: sentence, strike: func(s *stroke) {
		a := s.truth()
		s.say(strings.NewReplacer("%", a.head(), "@", string(a.body), "#", strconv.Itoa(len(a.body)), "$", fmt.Sprintf("%x", len(a.body))).Replace(frame))
	}}
}

// believable is a frame that a reader may also find nothing wrong with.
func believable(sentence, frame string) blow {
	b := framed(sentence, frame)
	b.truthful = true
	return b
}

// frames are answers that are not HTTP as it should be.
var frames = []blow{
	framed("HTTP/0.9", "@"),
	framed("no version", "200 OK\r\nContent-Length: #\r\n\r\n@"),
	framed("a status in letters", "HTTP/1.1 2OO OK\r\nContent-Length: #\r\n\r\n@"),
	framed("a status of two digits", "HTTP/1.1 20 OK\r\nContent-Length: #\r\n\r\n@"),
	framed("a status of four digits", "HTTP/1.1 2000 OK\r\nContent-Length: #\r\n\r\n@"),
	framed("a negative status", "HTTP/1.1 -200 OK\r\nContent-Length: #\r\n\r\n@"),
	framed("a status below 100", "HTTP/1.1 099 Low\r\nContent-Length: #\r\n\r\n@"),
	framed("a status above 599", "HTTP/1.1 999 High\r\nContent-Length: #\r\n\r\n@"),
	framed("204 with a body", "HTTP/1.1 204 No Content\r\nContent-Length: #\r\n\r\n@"),
	framed("304 with a body", "HTTP/1.1 304 Not Modified\r\nContent-Length: #\r\n\r\n@"),
	framed("102 and nothing more", "HTTP/1.1 102 Processing\r\nContent-Length: #\r\n\r\n@"),
	{sentence: "another protocol on the same connection, and silence", reasons: garbled, strike: func(s *stroke) {
		s.truth()
		s.say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		s.silence()
	}},
	framed("two lengths", "%Content-Length: #\r\nContent-Length: 1\r\n\r\n@"),
	framed("two lengths in one line", "%Content-Length: #, 1\r\n\r\n@"),
	framed("a negative length", "%Content-Length: -1\r\n\r\n@"),
	framed("a length with a sign", "%Content-Length: +#\r\n\r\n@"),
	framed("a length beyond all numbers", "%Content-Length: 99999999999999999999\r\n\r\n@"),
	framed("a length in hexadecimal digits", "%Content-Length: 0x#\r\n\r\n@"),
	framed("an encoding that nobody knows", "%Transfer-Encoding: xchunked\r\n\r\n$\r\n@\r\n0\r\n\r\n"),
	framed("two encodings", "%Transfer-Encoding: gzip, chunked\r\n\r\n$\r\n@\r\n0\r\n\r\n"),
	framed("chunked twice", "%Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n$\r\n@\r\n0\r\n\r\n"),
	framed("a chunk beyond all numbers", "%Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n@\r\n0\r\n\r\n"),
	framed("a negative chunk", "%Transfer-Encoding: chunked\r\n\r\n-$\r\n@\r\n0\r\n\r\n"),
	framed("a chunk longer than it says", "%Transfer-Encoding: chunked\r\n\r\n$\r\n@ @\r\n0\r\n\r\n"),
	framed("a header without a colon", "%No colon here\r\nContent-Length: #\r\n\r\n@"),
	framed("a header name with a NUL byte", "%X-\x00: yes\r\nContent-Length: #\r\n\r\n@"),
	framed("a first header that goes on from nothing", "HTTP/1.1 200 OK\r\n Content-Length: #\r\n\r\n@"),
	framed("compressed, it says", "%Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x08"),
	// Written badly, and still understood by any reader that is generous.
	believable("205 with a body", "HTTP/1.1 205 Reset Content\r\nContent-Length: #\r\n\r\n@"),
	believable("206 with a body", "HTTP/1.1 206 Partial Content\r\nContent-Length: #\r\n\r\n@"),
	believable("another version", "HTTP/9.9 200 OK\r\nContent-Length: #\r\n\r\n@"),
	believable("a space before the colon", "%Content-Length : #\r\n\r\n@"),
	believable("the same length twice", "%Content-Length: #\r\nContent-Length: #\r\n\r\n@"),
	believable("a length and chunks", "%Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n$\r\n@\r\n0\r\n\r\n"),
	believable("garbage after the answer", "%Content-Length: #\r\n\r\n@garbage"),
	believable("two answers at once", "%Content-Length: #\r\n\r\n@%Content-Length: #\r\n\r\n@"),
	believable("an answer, then a refusal", "%Content-Length: #\r\n\r\n@HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
	believable("no length at all", "%\r\n@"),
	believable("lines that end without a carriage return", "%Content-Length: #\n\n@"),
	believable("a NUL byte in a header", "%X-Odd: a\x00b\r\nContent-Length: #\r\n\r\n@"),
	believable("a header over two lines", "%X-Odd: a\r\n b\r\nContent-Length: #\r\n\r\n@"),
	believable("interim answers before the true one", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n%Content-Length: #\r\n\r\n@"),
	believable("half of the length", "%Content-Length: 1\r\n\r\n@"), // where nothing need be said, one byte of it is as good
	believable("a length of nothing", "%Content-Length: 0\r\n\r\n@"),
	believable("HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\n@"),
	believable("the order to close", "%Connection: close\r\nContent-Length: #\r\n\r\n@"),
	believable("a trailer", "%Transfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n$\r\n@\r\n0\r\nX-T: 1\r\n\r\n"),
}

// echoes throw what was asked back from places where a client might quote it.
var echoes = []blow{
	echo("as the whole answer", "@"),
	echo("as the version", "@/1.1 200 OK\r\n\r\n"),
	echo("as the status", "HTTP/1.1 @ OK\r\n\r\n"),
	echo("as the reason", "HTTP/1.1 409 @\r\nContent-Length: 0\r\n\r\n"),
	echo("as a header", "HTTP/1.1 200 OK\r\n@\r\n\r\n"),
	echo("as a length", "HTTP/1.1 200 OK\r\nContent-Length: @\r\n\r\n"),
	echo("as an encoding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: @\r\n\r\n"),
	echo("as a chunk's length", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n@\r\n"),
	echo("as a trailer", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n@\r\n\r\n"),
	echo("as the way elsewhere", "HTTP/1.1 302 Found\r\nLocation: @\r\nContent-Length: 0\r\n\r\n"),
	echo("as an error", "HTTP/1.1 500 Error\r\n\r\n@"),
	echo("as a refusal", "HTTP/1.1 400 Bad Request\r\n\r\n@"),
}

// echo gives the request's body back. Nothing of it may be kept.
func echo(where, frame string) blow {
	return blow{sentence: "the question " + where, strike: func(s *stroke) {
		question := string(s.body)
		if question == "" {
			question = "nothing was asked"
		}
		s.say(strings.ReplaceAll(frame, "@", question))
	}}
}
