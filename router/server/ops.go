package server

import (
	"errors"
	"html/template"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/payrouter/payrouter/router"
)

// Ops serves what Prometheus and orchestrators ask: /metrics, /healthz (the process
// lives), /readyz (new calls may come), and a page with links to them.
func (s *Server) Ops() http.Handler {
	mux := http.NewServeMux()
	if s.options.Registry != nil {
		mux.Handle("GET /metrics", promhttp.HandlerFor(s.options.Registry, promhttp.HandlerOpts{
			Registry: s.options.Registry, Timeout: 10 * time.Second, MaxRequestsInFlight: 4,
			// Exemplars travel in OpenMetrics alone. It writes some labels otherwise (le="1.0" for
			// le="1"), which older Prometheus takes for other series: only who asked for traces
			// gets it.
			EnableOpenMetrics: s.options.Stats != nil,
			// One broken collector must not hide the rest of the house.
			ErrorHandling: promhttp.ContinueOnError}))
	}
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "alive") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := s.ready(r.Context()); err != nil {
			word := "the store does not answer"
			switch {
			case s.isDraining():
				word = "draining"
			case errors.Is(err, router.ErrMistimed):
				word = "our clock and the database's differ, or could not be compared"
			}
			plain(w, http.StatusServiceUnavailable, word)
			return
		}
		plain(w, http.StatusOK, "ready")
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = opsPage.Execute(w, s.options.Version)
	})
	return mux
}

func plain(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write([]byte(text + "\n"))
}

var opsPage = template.Must(template.New("ops").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>payrouter</title></head>
<body><h1>payrouter {{.}}</h1>
<ul>
<li><a href="/metrics">/metrics</a>: for Prometheus</li>
<li><a href="/healthz">/healthz</a>: whether the process lives</li>
<li><a href="/readyz">/readyz</a>: whether new calls may come: the store answers, the clock is right, and the process is not going down</li>
</ul>
<p>Gateways, payments and overrides are shown by payctl.</p>
</body></html>
`))
