package sim

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
)

// Control is the bank's own control surface: /ledger, /faults, /statements, /payers, /notices, /healthz, what the faces add, and an index at /.
func (b *Bank) Control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", b.index)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /ledger", func(w http.ResponseWriter, r *http.Request) {
		face := r.URL.Query().Get("face")
		if face != "" && b.face(face) == nil {
			badRequest(w, fmt.Errorf("face %q is unknown; there are %q", face, b.Faces()))
			return
		}
		writeJSON(w, http.StatusOK, b.Ledger().Of(face))
	})

	mux.HandleFunc("GET /faults", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, b.Faults()) })
	mux.HandleFunc("POST /faults", adding(b.AddFault, func(f *Fault, id string) { f.ID = id }))
	mux.HandleFunc("DELETE /faults", clearing(b.ClearFaults))
	mux.HandleFunc("DELETE /faults/{id}", removing(b.RemoveFault))

	mux.HandleFunc("GET /statements", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, b.Tampers()) })
	mux.HandleFunc("POST /statements", adding(b.AddTamper, func(t *Tamper, id string) { t.ID = id }))
	mux.HandleFunc("DELETE /statements", clearing(b.ClearTampers))
	mux.HandleFunc("DELETE /statements/{id}", removing(b.RemoveTamper))

	mux.HandleFunc("GET /payers", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, b.Payers()) })
	mux.HandleFunc("POST /payers", adding(b.AddPayer, func(p *PayerRule, id string) { p.ID = id }))
	mux.HandleFunc("DELETE /payers", clearing(b.ClearPayers))
	mux.HandleFunc("DELETE /payers/{id}", removing(b.RemovePayer))
	mux.HandleFunc("POST /payers/act", func(w http.ResponseWriter, r *http.Request) {
		var a struct {
			Face      string `json:"face"`
			ID        string `json:"id"`
			Reference string `json:"reference"`
			Act       string `json:"act"`
		}
		if err := readJSON(r, &a); err != nil {
			badRequest(w, err)
			return
		}
		if (a.ID == "") == (a.Reference == "") {
			badRequest(w, fmt.Errorf("give either id (the bank's) or reference (the merchant's)"))
			return
		}
		if err := b.Act(a.Face, a.ID+a.Reference, a.Act); err != nil {
			badRequest(w, err)
			return
		}
		writeJSON(w, http.StatusOK, map[string]bool{"done": true})
	})

	mux.HandleFunc("GET /notices", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]any{"rules": b.Notices(), "deliveries": b.Deliveries()})
	})
	mux.HandleFunc("POST /notices", adding(b.AddNotice, func(n *NoticeRule, id string) { n.ID = id }))
	mux.HandleFunc("DELETE /notices", clearing(b.ClearNotices))
	mux.HandleFunc("DELETE /notices/{id}", removing(b.RemoveNotice))

	for _, f := range b.faces {
		for pattern, h := range f.routes() {
			mux.HandleFunc(pattern, h)
		}
	}
	return mux
}

func (b *Bank) index(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintf(w, indexText, b.Faces(), faultOps(), FaultKinds(), TamperKinds())
	for _, f := range b.faces {
		for _, pattern := range slices.Sorted(maps.Keys(f.routes())) {
			fmt.Fprintln(w, pattern)
		}
	}
}

const indexText = `One simulated bank. Its ledger is the truth; everything else may lie when told to.

faces       %q
ops         %q
faults      %q
statements  %q

GET    /ledger?face=kaspi        what really happened: entries, objects, violations, arrivals
GET    /faults                   rules in force
POST   /faults                   {"face":"kaspi","op":"create","kind":"act-drop","times":1}
                                 also: delay "2s", after 3, status 503, code "-999", match "<reference>", broken_promise true
DELETE /faults/{id}, /faults     one rule, or all: healthy again
GET    /statements               rules in force
POST   /statements               {"face":"halyk","kind":"omit","match":"<reference>","times":1}: a row is shown wrongly in lists and registries
                                 also: amount_minor 100, currency "USD", word "FROZEN", by "24h"
DELETE /statements/{id}, /statements
GET    /payers                   what payers do with newly shown offers
POST   /payers                   {"face":"kaspi","behaviour":"pay|never|decline|late|twice","after":"3s","times":0,"match":""}
DELETE /payers/{id}, /payers
POST   /payers/act               {"face":"kaspi","reference":"pay_1","act":"scan|confirm|pay|decline|pay-late|pay-again"}
GET    /notices                  rules and the log of deliveries
POST   /notices                  {"face":"kaspi","mode":"lost|double|before-answer|reordered|late|forged","delay":"10s","times":1,"match":""}
DELETE /notices/{id}, /notices
GET    /healthz

Example: Kaspi takes the money and never answers, once:
  curl -d '{"face":"kaspi","op":"create","kind":"act-hang","times":1}' http://HERE/faults
Example: Kaspi is down for a minute:
  curl -d '{"face":"kaspi","kind":"refuse","delay":"1m"}' http://HERE/faults

Example: Halyk's list of operations shows every fee a tenge too high:
  curl -d '{"face":"halyk","kind":"fee","amount_minor":100}' http://HERE/statements

Of the faces:
`

func adding[T any](add func(T) (string, error), name func(*T, string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var rule T
		if err := readJSON(r, &rule); err != nil {
			badRequest(w, err)
			return
		}
		id, err := add(rule)
		if err != nil {
			badRequest(w, err)
			return
		}
		name(&rule, id)
		writeJSON(w, http.StatusCreated, rule)
	}
}

func clearing(all func()) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		all()
		w.WriteHeader(http.StatusNoContent)
	}
}

func removing(one func(string) bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !one(r.PathValue("id")) {
			writeJSON(w, http.StatusNotFound, map[string]string{"error": "no rule has the id " + r.PathValue("id")})
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}
}

// readJSON reads exactly one JSON value with known fields only, so that a misspelt field is heard of.
func readJSON(r *http.Request, into any) error {
	d := json.NewDecoder(io.LimitReader(r.Body, maxRequest))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("bad JSON: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("bad JSON: more than one value")
	}
	return nil
}

func badRequest(w http.ResponseWriter, err error) {
	writeJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	_ = e.Encode(v)
}
