package sim

import (
	"bytes"
	"net/http"
	"strconv"
	"time"
)

// hugeBody is how much FaultHuge sends: more than any client should ever read.
const hugeBody = 200 << 20

const maintenancePage = "<!DOCTYPE html><html><head><title>Maintenance</title></head><body><h1>We will be back soon</h1></body></html>\n"

// answer writes rep as the fault allows. It reports whether the merchant got a whole and true answer.
// Broken connections leave by panicking with http.ErrAbortHandler.
func (g *gate) answer(w http.ResponseWriter, c *call, fault Fault, rep reply) bool {
	ctx := c.r.Context()
	switch fault.Kind {
	case FaultHang, FaultActHang:
		select {
		case <-ctx.Done():
		case <-g.b.ctx.Done():
		}
		panic(http.ErrAbortHandler)
	case FaultDrop, FaultActDrop, FaultActLate:
		panic(http.ErrAbortHandler)
	case FaultHTTPError, FaultActHTTPError:
		status := fault.Status
		if status == 0 {
			status = http.StatusServiceUnavailable
		}
		http.Error(w, http.StatusText(status), status)
		return false
	case FaultHTML:
		send(w, reply{contentType: "text/html; charset=utf-8", body: []byte(maintenancePage)})
		return false
	case FaultRedirect:
		w.Header().Set("Location", "http://elsewhere.invalid"+c.r.URL.RequestURI())
		w.WriteHeader(http.StatusTemporaryRedirect)
		return false
	case FaultTruncate:
		head(w, rep)
		_, _ = w.Write(rep.body[:len(rep.body)/2])
		flush(w)
		panic(http.ErrAbortHandler)
	case FaultHuge:
		g.flood(w, c, rep)
		return false
	case FaultSlow:
		if !g.b.pause(ctx, orDefault(fault.Delay, 30*time.Second)) {
			panic(http.ErrAbortHandler)
		}
	case FaultTrickle:
		return g.trickle(w, c, fault, rep)
	}
	if rep.cut {
		panic(http.ErrAbortHandler)
	}
	send(w, rep)
	return c.twist == ""
}

// trickle sends the body byte by byte.
func (g *gate) trickle(w http.ResponseWriter, c *call, fault Fault, rep reply) bool {
	head(w, rep)
	for i := range rep.body {
		if _, err := w.Write(rep.body[i : i+1]); err != nil {
			return false
		}
		flush(w)
		if !g.b.pause(c.r.Context(), orDefault(fault.Delay, 100*time.Millisecond)) {
			panic(http.ErrAbortHandler)
		}
	}
	return true
}

// flood begins the true answer's type and never comes to its end.
func (g *gate) flood(w http.ResponseWriter, c *call, rep reply) {
	w.Header().Set("Content-Type", contentType(rep))
	_, _ = w.Write([]byte(`{"padding":"`))
	chunk := bytes.Repeat([]byte("x"), 64<<10)
	for sent := 0; sent < hugeBody; sent += len(chunk) {
		if c.r.Context().Err() != nil || g.b.ctx.Err() != nil {
			panic(http.ErrAbortHandler)
		}
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
	_, _ = w.Write([]byte(`"}`))
}

func send(w http.ResponseWriter, rep reply) {
	head(w, rep)
	_, _ = w.Write(rep.body)
}

func head(w http.ResponseWriter, rep reply) {
	w.Header().Set("Content-Type", contentType(rep))
	w.Header().Set("Content-Length", strconv.Itoa(len(rep.body)))
	w.WriteHeader(max(rep.status, http.StatusOK))
}

func contentType(rep reply) string {
	if rep.contentType != "" {
		return rep.contentType
	}
	return "application/json; charset=utf-8"
}

func flush(w http.ResponseWriter) {
	_ = http.NewResponseController(w).Flush()
}
