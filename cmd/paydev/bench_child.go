package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime/metrics"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/payrouter/payrouter/cmd/internal/app"
	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
	"github.com/payrouter/payrouter/providers"
)

// The service under measurement is a process of its own, so that what it spends is not mixed
// with what callers and gateways spend: this program again, as paydev bench serve, which is
// for the benchmark alone. It reads its orders as one line of JSON, answers with a greeting
// once it serves, then answers every further line with its usage, and ends with its input.

// serviceOrders say what to serve.
type serviceOrders struct {
	Books         string        `json:"books"`
	Gateways      []gatewayAt   `json:"gateways"` // in the order in which they are preferred
	MaxConcurrent int           `json:"max_concurrent"`
	Timeout       time.Duration `json:"timeout"`      // of charges and look-ups; 0: the adapter's own
	GroupCommit   int           `json:"group_commit"` // payments that may share one commit; 0: the service's default
	Log           string        `json:"log"`
	NoRamp        bool          `json:"no_ramp"` // a gateway that was drained comes back at once, and may be drained again
	Profile       string        `json:"profile"` // between the first question for usage and the next; none when empty
	// Echo makes it a bare gRPC server that answers every payment with these bytes.
	Echo []byte `json:"echo"`
}

// gatewayAt is a quick gateway and where it listens.
type gatewayAt struct {
	Name string `json:"name"`
	URL  string `json:"url"`
}

// greeting says where it serves, or why not.
type greeting struct {
	GRPC     string `json:"grpc"`
	Webhooks string `json:"webhooks"`
	Error    string `json:"error"`
}

// usage is what a process has taken so far. Zero is unknown.
type usage struct {
	CPU     time.Duration `json:"cpu"`
	Objects uint64        `json:"objects"` // allocated on the heap
	Bytes   uint64        `json:"bytes"`   // allocated on the heap
	RSS     int64         `json:"rss"`     // bytes of memory now
	Peak    int64         `json:"peak"`    // the most that it was
}

// config is one tenant with these gateways, and the defaults for all the rest.
func (o serviceOrders) config() app.Config {
	tenant := app.Tenant{}
	var gateways []app.Gateway
	for i, g := range o.Gateways {
		settings := quickConfig(g.URL)
		settings.Timeouts.Charge, settings.Timeouts.Status = o.Timeout, o.Timeout
		tenant.Rules = append(tenant.Rules, app.Rule{Gateway: g.Name, Priority: i + 1})
		gateways = append(gateways, app.Gateway{Name: g.Name, Provider: "wayforpay", MaxConcurrent: max(o.MaxConcurrent, 64),
			Account: app.Account{Settings: app.Settings{WayForPay: &settings}}})
	}
	var health app.Health
	if o.NoRamp {
		health.Ramp = []int{100}
	}
	return app.Config{
		Health:   health,
		GRPC:     app.GRPC{Address: "127.0.0.1:0", DefaultTenant: "shop", CallsPerSecond: 1 << 20}, // all callers are one
		Webhooks: app.Webhooks{Address: "127.0.0.1:0"},
		Ops:      app.Ops{Address: "127.0.0.1:0"},
		Store:    o.store(),
		Log:      app.Log{Level: "info", Format: "json"},
		Keys:     app.Keys{Body: providers.NewSecret("only good for measuring things")},
		Tenants:  map[string]app.Tenant{"shop": tenant},
		Gateways: gateways,
	}
}

// store is where the books are, and how commits are shared.
func (o serviceOrders) store() app.Store {
	return app.Store{URL: providers.NewSecret(o.Books), GroupCommit: o.GroupCommit}
}

// benchServe is the command paydev bench serve.
func benchServe(ctx context.Context, in io.Reader, out, errs io.Writer) int {
	lines := bufio.NewReader(in)
	say := json.NewEncoder(out)
	var orders serviceOrders
	line, err := lines.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &orders)
	}
	if err != nil {
		fmt.Fprintln(errs, "paydev bench serve: it is for the benchmark alone:", err)
		return 2
	}
	at, stop, err := orders.serve(ctx)
	if err != nil {
		_ = say.Encode(greeting{Error: err.Error()})
		return 1
	}
	defer stop()
	finish := func() {}
	profile := orders.Profile
	for err = say.Encode(at); err == nil; err = say.Encode(used()) {
		if _, err = lines.ReadBytes('\n'); err != nil {
			break
		}
		finish()
		if finish, err = startProfile(profile); err != nil {
			break
		}
		profile = ""
	}
	finish()
	if err != nil && !errors.Is(err, io.EOF) {
		fmt.Fprintln(errs, "paydev bench serve:", err)
		return 1
	}
	return 0
}

// serve starts what was ordered.
func (o serviceOrders) serve(ctx context.Context) (greeting, func(), error) {
	if len(o.Echo) > 0 {
		return serveEcho(ctx, o.Echo)
	}
	file, err := os.OpenFile(o.Log, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return greeting{}, nil, err
	}
	config := o.config()
	log, err := app.NewLog(config.Log, file)
	if err != nil {
		return greeting{}, nil, errors.Join(err, file.Close())
	}
	service, err := app.New(ctx, config, app.Options{Version: version, Log: log})
	if err != nil {
		return greeting{}, nil, errors.Join(err, file.Close())
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := service.Run(running); err != nil {
			log.Error("the service ended", "error", err.Error())
		}
	}()
	return greeting{GRPC: service.GRPCAddr(), Webhooks: service.WebhooksAddr()}, func() { cancel(); <-done; _ = file.Close() }, nil
}

// echo answers every payment with the same one.
type echo struct {
	payrouterv1.UnimplementedPaymentsServer
	answer *payrouterv1.Payment
}

func (e *echo) CreatePayment(context.Context, *payrouterv1.CreatePaymentRequest) (*payrouterv1.Payment, error) {
	return e.answer, nil
}

func serveEcho(ctx context.Context, payment []byte) (greeting, func(), error) {
	answer := &payrouterv1.Payment{}
	if err := proto.Unmarshal(payment, answer); err != nil {
		return greeting{}, nil, err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return greeting{}, nil, err
	}
	server := grpc.NewServer()
	payrouterv1.RegisterPaymentsServer(server, &echo{answer: answer})
	go func() { _ = server.Serve(listener) }()
	return greeting{GRPC: listener.Addr().String()}, server.Stop, nil
}

// used is what this process has taken so far.
func used() usage {
	samples := []metrics.Sample{{Name: "/gc/heap/allocs:objects"}, {Name: "/gc/heap/tiny/allocs:objects"}, {Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(samples)
	u := usage{CPU: cpuTime(), Objects: samples[0].Value.Uint64() + samples[1].Value.Uint64(), Bytes: samples[2].Value.Uint64()}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return u // not Linux
	}
	for line := range strings.Lines(string(status)) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		kilobytes, err := strconv.ParseInt(fields[1], 10, 64)
		switch {
		case err != nil:
		case fields[0] == "VmRSS:":
			u.RSS = kilobytes << 10
		case fields[0] == "VmHWM:":
			u.Peak = kilobytes << 10
		}
	}
	return u
}
