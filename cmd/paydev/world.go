package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/payrouter/payrouter/cmd/internal/app"
	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/halyk"
	"github.com/payrouter/payrouter/providers/kaspi"
	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/providers/wayforpay"
)

// addresses are where the world can be reached.
type addresses struct {
	grpc, webhooks, ops, bank string
	data                      string
}

// scanWindow is how long a payer may take to scan a QR here. Kaspi gives 180 s; a
// story that must show one die cannot wait for that.
const scanWindow = 12 * time.Second

// world is a simulated bank on real sockets and the real service beside it.
type world struct {
	bank     *sim.Bank
	server   *sim.Server
	client   payrouterv1.PaymentsClient
	operator payrouterv1.OperationsClient
	grpcAddr string
	opsAddr  string
	data     string

	failed  chan error // what ended the service, if it ends by itself
	closers []func()
}

// stop ends everything, the youngest first.
func (w *world) stop() {
	for i := len(w.closers) - 1; i >= 0; i-- {
		w.closers[i]()
	}
	w.closers = nil
}

// start brings the world up. Nothing is left running when it returns an error.
func start(ctx context.Context, a addresses) (w *world, err error) {
	w = &world{failed: make(chan error, 1), data: a.data}
	defer func() {
		if err != nil {
			w.stop()
		}
	}()
	if w.data == "" {
		if w.data, err = os.MkdirTemp("", "paydev"); err != nil {
			return w, err
		}
		w.closers = append(w.closers, func() { _ = os.RemoveAll(w.data) })
	} else if err = os.MkdirAll(w.data, 0o700); err != nil {
		return w, err
	}
	public := "http://" + a.webhooks
	w.bank = sim.New(sim.Options{Seed: uint64(time.Now().UnixNano()), TimeScale: 0.1},
		sim.Kaspi(sim.KaspiOptions{ScanWindow: scanWindow, ConfirmWindow: 3 * time.Second, PollInterval: time.Second,
			NotifyURL: public + "/webhooks/kaspi-main", BillerURL: public + "/webhooks/kaspi-main/biller", LateSuccess: true}),
		sim.Halyk(sim.HalykOptions{}),
		sim.WayForPay(sim.WayForPayOptions{Currencies: []string{"KZT", "UAH"}}))
	w.closers = append(w.closers, w.bank.Close)
	w.server, err = sim.Serve(w.bank, sim.ServerOptions{Control: sim.Listen{Addr: a.bank},
		Faces: map[string]sim.Listen{"kaspi": {Addr: "127.0.0.1:0"}, "halyk": {Addr: "127.0.0.1:0"}, "wayforpay": {Addr: "127.0.0.1:0"}}})
	if err != nil {
		return w, err
	}
	w.closers = append(w.closers, w.server.Close)

	logFile, err := os.OpenFile(filepath.Join(w.data, "payrouter.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return w, err
	}
	w.closers = append(w.closers, func() { _ = logFile.Close() })
	return w, w.serve(ctx, w.config(a), logFile)
}

// config is the service's configuration, with waits short enough to watch.
func (w *world) config(a addresses) app.Config {
	at := func(face string) string { return "http://" + w.server.Addr(face) }
	return app.Config{
		GRPC:     app.GRPC{Address: a.grpc, DefaultTenant: "shop"},
		Webhooks: app.Webhooks{Address: a.webhooks},
		Ops:      app.Ops{Address: a.ops},
		Store:    app.Store{URL: providers.NewSecret("sqlite:" + filepath.Join(w.data, "books.db"))},
		Log:      app.Log{Level: "info", Format: "text"},
		Keys:     app.Keys{Body: providers.NewSecret("only good for trying things")},
		Terms: app.Terms{PollEvery: 100 * time.Millisecond,
			Ladder: []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second}},
		Health: app.Health{ProbeEvery: time.Second, ProbeFast: 250 * time.Millisecond, OpenFor: time.Second, RampStep: time.Second, MaxOpenings: 20},
		Tenants: map[string]app.Tenant{"shop": {Rules: []app.Rule{
			{Gateway: "kaspi-main", Priority: 1}, {Gateway: "halyk-main", Priority: 2}, {Gateway: "wayforpay-main", Priority: 3}}}},
		Gateways: []app.Gateway{
			{Name: "kaspi-main", Provider: "kaspi", Account: app.Account{Settings: app.Settings{Kaspi: &kaspi.Config{BaseURL: at("kaspi") + "/r3/v01", OrganizationBIN: sim.KaspiDefaultBIN,
				DeviceToken: providers.NewSecret(sim.KaspiDefaultDevice), NoticeSources: []string{"127.0.0.1"}, ConfirmWindow: 3 * time.Second, OfferLife: scanWindow + 3*time.Second,
				Margin: time.Second, Biller: kaspi.Biller{Service: "Qazaq Books"}}}}},
			{Name: "halyk-main", Provider: "halyk", Account: app.Account{Settings: app.Settings{Halyk: &halyk.Config{TokenURL: at("halyk") + "/oauth2/token", APIURL: at("halyk"),
				ScriptURL: at("halyk") + "/payform/payment-api.js", ClientID: sim.HalykDefaultClient, ClientSecret: providers.NewSecret(sim.HalykDefaultSecret),
				TerminalID: sim.HalykDefaultTerminal, ShopID: "shop", QR: true, NoticeKey: providers.NewSecret("only good for trying things")}}}},
			{Name: "wayforpay-main", Provider: "wayforpay", Account: app.Account{Settings: app.Settings{WayForPay: &wayforpay.Config{APIBaseURL: at("wayforpay"), MerchantAccount: "test_merch_n1",
				MerchantSecret: providers.NewSecret("flk3409refn54t54t*FNJRET"), MerchantDomain: "shop.example.kz", Currencies: []string{"KZT", "UAH"}}}}},
		},
	}
}

// serve runs the service in this process until the world stops.
func (w *world) serve(ctx context.Context, c app.Config, logTo io.Writer) error {
	log, err := app.NewLog(c.Log, logTo)
	if err != nil {
		return err
	}
	service, err := app.New(ctx, c, app.Options{Version: version, Log: log})
	if err != nil {
		return err
	}
	w.grpcAddr, w.opsAddr = service.GRPCAddr(), service.OpsAddr()
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := service.Run(running); err != nil {
			w.failed <- err
		}
	}()
	w.closers = append(w.closers, func() { cancel(); <-done })
	conn, err := grpc.NewClient(w.grpcAddr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	w.closers = append(w.closers, func() { _ = conn.Close() })
	w.client, w.operator = payrouterv1.NewPaymentsClient(conn), payrouterv1.NewOperationsClient(conn)
	return nil
}
