package app_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"

	"google.golang.org/grpc/test/bufconn"

	"github.com/payrouter/payrouter/cmd/internal/app"
)

// Calls may take all the time that a drain has. A notice that comes in the last moment is kept and
// answered all the same, and one that hangs is no failure of the process: it was not acknowledged.
func TestNoticesHaveTimeToEndWhenCallsHaveTakenAllOfIt(t *testing.T) {
	for name, hangs := range map[string]bool{"one that ends": false, "one that hangs": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := bufconn.Listen(1 << 10)
				began, draining := make(chan struct{}), make(chan struct{})
				door := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					close(began)
					<-draining
					if hangs {
						<-r.Context().Done()
					}
				})}
				door.RegisterOnShutdown(func() { close(draining) })
				go func() { _ = door.Serve(l) }()
				sender := &http.Client{Transport: &http.Transport{DisableKeepAlives: true,
					DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return l.DialContext(ctx) }}}
				answered := make(chan error)
				go func() {
					r, err := sender.Post("http://payrouter/webhooks/kaspi-main/paid", "text/plain", nil)
					if err == nil {
						_, err = io.Copy(io.Discard, r.Body)
						r.Body.Close()
					}
					answered <- err
				}()
				<-began
				over, cancel := context.WithCancel(context.Background())
				cancel()
				closed := make(chan error)
				go func() { closed <- app.CloseDoors(over, door) }()
				if err := <-answered; (err != nil) != hangs {
					t.Errorf("its sender heard: %v", err)
				}
				if err := <-closed; err != nil {
					t.Errorf("the process would end with %v", err)
				}
			})
		})
	}
}
