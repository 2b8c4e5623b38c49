package providertest

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// blow is one way in which a peer turns on its caller.
type blow struct {
	sentence string
	// early blows fall on a connection as soon as it is made; the others on a request that
	// was read to its last byte.
	early  bool
	strike func(*stroke)
	// reasons are those that Unknown may have; nil is any.
	reasons []providers.Reason
	// truthful: what comes may also be read as the true answer, and then believed.
	truthful bool
	// unsent: nothing can have left, and that is proved.
	unsent bool
	// undecided: nothing has left, but that need not be provable.
	undecided bool
	// stalls: only the caller's own clock ends it.
	stalls bool
}

// stallPause is between two bytes of a peer that is slow on purpose.
const stallPause = 20 * time.Millisecond

// breaks are connections that end before the answer did.
var breaks = []blow{
	// Whether connecting itself fails is the kernel's to say.
	{sentence: "a reset before anything is read", early: true, reasons: cut, undecided: true, strike: (*stroke).reset},
	{sentence: "a connection closed before anything is read", early: true, reasons: cut, strike: func(*stroke) {}},
	{sentence: "a reset in the middle of the request", early: true, reasons: cut, strike: func(s *stroke) {
		_, _ = io.ReadFull(s.conn, make([]byte, 24))
		s.reset()
	}},
	{sentence: "a connection closed in the middle of the request", early: true, reasons: cut, strike: func(s *stroke) {
		_, _ = io.ReadFull(s.conn, make([]byte, 24))
	}},
	{sentence: "somebody else's protocol", early: true, reasons: cut, strike: func(s *stroke) {
		s.say("220 smtp.example ready\r\n")
	}},
	{sentence: "an answer before the question", early: true, strike: func(s *stroke) {
		s.say("HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\n{}")
		_, _ = io.ReadFull(s.conn, make([]byte, 24))
	}},
	{sentence: "a reset after the whole request", reasons: cut, strike: (*stroke).reset},
	{sentence: "a reset after the bank acted", reasons: cut, strike: func(s *stroke) { s.truth(); s.reset() }},
	{sentence: "a connection closed after the whole request", reasons: cut, strike: func(*stroke) {}},
	{sentence: "a connection closed after the bank acted", reasons: cut, strike: func(s *stroke) { s.truth() }},
	{sentence: "a reset in the middle of the headers", reasons: cut, strike: func(s *stroke) {
		s.say(s.truth().head())
		s.reset()
	}},
	{sentence: "a reset in the middle of the body", reasons: cut, strike: func(s *stroke) {
		a := s.truth()
		s.say(fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", a.head(), len(a.body)+1, a.body))
		s.reset()
	}},
	{sentence: "a body cut before its last byte", reasons: cut, strike: func(s *stroke) {
		a := s.truth()
		s.say(fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", a.head(), len(a.body)+1, a.body))
	}},
	{sentence: "a chunked body without its last chunk", reasons: cut, strike: func(s *stroke) {
		a := s.truth()
		s.say(fmt.Sprintf("%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", a.head(), len(a.body)+1, append(a.body, ' ')))
	}},
}

// stalls are peers that nothing but the caller's own clock can end.
var stalls = []blow{
	{sentence: "a peer that accepts and never reads", early: true, stalls: true, reasons: silent, strike: func(s *stroke) { s.silence() }},
	{sentence: "an answer that never begins", stalls: true, reasons: silent, strike: (*stroke).silence},
	{sentence: "an answer that never begins after the bank acted", stalls: true, reasons: silent, strike: func(s *stroke) { s.truth(); s.silence() }},
	{sentence: "headers byte by byte", stalls: true, reasons: silent, strike: func(s *stroke) {
		s.drip(s.truth().head() + strings.Repeat("X-Slow: yes\r\n", 1<<10))
	}},
	{sentence: "a body byte by byte", stalls: true, reasons: silent, strike: func(s *stroke) {
		a := s.truth()
		s.say(fmt.Sprintf("%sContent-Length: %d\r\n\r\n", a.head(), len(a.body)+1<<16))
		s.drip(string(a.body) + strings.Repeat(" ", 1<<16))
	}},
	{sentence: "a chunked body byte by byte", stalls: true, reasons: silent, strike: func(s *stroke) {
		s.say(s.truth().head() + "Transfer-Encoding: chunked\r\n\r\n")
		for s.say("1\r\n \r\n") {
			time.Sleep(stallPause)
		}
	}},
	{sentence: "a body that ends only with the connection, which stays open", stalls: true, reasons: silent, strike: func(s *stroke) {
		a := s.truth()
		s.say(a.head() + "\r\n" + string(a.body))
		s.silence()
	}},
	{sentence: "a whole body that promised one byte more", stalls: true, reasons: silent, strike: func(s *stroke) {
		a := s.truth()
		s.say(fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", a.head(), len(a.body)+1, a.body))
		s.silence()
	}},
	{sentence: "interim answers one by one for ever", stalls: true, reasons: silent, strike: func(s *stroke) {
		s.truth()
		for s.say("HTTP/1.1 100 Continue\r\n\r\n") {
			time.Sleep(stallPause)
		}
	}},
}

// drip says a text byte by byte.
func (s *stroke) drip(text string) {
	for i := range len(text) {
		if !s.say(text[i : i+1]) {
			return
		}
		time.Sleep(stallPause)
	}
}

// flood is what a flooding peer sends: more than anybody should read.
const flood = 200 << 20

var padding = bytes.Repeat([]byte(" "), 64<<10)

// pour repeats a text until so much was sent or nobody reads any more.
func (s *stroke) pour(text []byte, much int) {
	for sent := 0; sent < much; sent += len(text) {
		if _, err := s.conn.Write(text); err != nil {
			return
		}
	}
}

// floods are answers without measure.
var floods = []blow{
	{sentence: "200 MB with their length", reasons: garbled, strike: func(s *stroke) {
		a := s.truth()
		s.say(fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", a.head(), len(a.body)+flood, a.body))
		s.pour(padding, flood)
	}},
	{sentence: "200 MB in chunks", reasons: garbled, strike: func(s *stroke) {
		a := s.truth()
		s.say(fmt.Sprintf("%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", a.head(), len(a.body), a.body))
		s.pour(fmt.Appendf(nil, "%x\r\n%s\r\n", len(padding), padding), flood)
	}},
	{sentence: "200 MB until the connection ends", reasons: garbled, strike: func(s *stroke) {
		a := s.truth()
		s.say(a.head() + "\r\n" + string(a.body))
		s.pour(padding, flood)
	}},
	{sentence: "200 MB in chunks of one byte with long extensions", reasons: append(cut, garbled...), strike: func(s *stroke) {
		s.say(s.truth().head() + "Transfer-Encoding: chunked\r\n\r\n")
		s.pour(bytes.Repeat([]byte("1;"+strings.Repeat("x", 1000)+"\r\n \r\n"), 64), flood)
	}},
	{sentence: "an endless trailer", reasons: cut, strike: func(s *stroke) {
		a := s.truth()
		s.say(fmt.Sprintf("%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n", a.head(), len(a.body), a.body))
		s.pour(bytes.Repeat([]byte("X-More: yes\r\n"), 1<<10), flood)
	}},
	{sentence: "a megabyte of headers", reasons: cut, strike: func(s *stroke) {
		a := s.truth()
		s.say(a.head())
		s.pour(bytes.Repeat([]byte("X-More: yes\r\n"), 1<<10), 1<<20)
		s.say(fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(a.body), a.body))
	}},
	{sentence: "one header without end", reasons: cut, strike: func(s *stroke) {
		s.say(s.truth().head() + "X-More: ")
		s.pour(padding, flood)
	}},
	{sentence: "a status line without end", reasons: cut, strike: func(s *stroke) {
		s.truth()
		s.say("HTTP/1.1 200 ")
		s.pour(padding, flood)
	}},
	{sentence: "interim answers as fast as they go", reasons: cut, strike: func(s *stroke) {
		s.truth()
		s.pour(bytes.Repeat([]byte("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"), 256), flood)
	}},
	{sentence: "a compressed body that swells to 200 MB", reasons: garbled, strike: func(s *stroke) {
		a := s.truth()
		a.body = bomb()
		s.say(a.head() + "Content-Encoding: gzip\r\n")
		s.say(fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(a.body), a.body))
	}},
}

// bomb is 200 MB of spaces, compressed.
var bomb = sync.OnceValue(func() []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed) // the level is one of the package's own
	for range flood / len(padding) {
		_, _ = w.Write(padding)
	}
	_ = w.Close()
	return b.Bytes()
})
