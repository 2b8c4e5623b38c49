package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
)

// until watches a payment, as a program would, until it has a state, and interrupts the
// watch then.
func until(w *world, name string, state payrouterv1.Payment_State) {
	w.Helper()
	ctx, interrupt := context.WithCancel(w.Context())
	in, out := io.Pipe()
	exit := make(chan int, 1)
	go func() {
		exit <- execute(ctx, []string{"--address", w.address, "payment", "watch", name, "-o", "json"}, out, io.Discard)
		_ = out.Close()
	}()
	defer func() {
		interrupt()
		_ = in.Close()
		<-exit
	}()
	for lines := bufio.NewScanner(in); lines.Scan(); {
		var message payrouterv1.WatchPaymentResponse
		w.must(protojson.Unmarshal(lines.Bytes(), &message))
		if message.GetPayment().GetState() == state {
			return
		}
	}
	w.Fatalf("%s ends without being %s", name, state)
}

// restless ends its streams after each message but the last, as the service does with
// old streams and when it goes down.
type restless struct {
	payrouterv1.UnimplementedPaymentsServer
	states []payrouterv1.Payment_State
	asked  []int64 // after_sequence of each call
}

func (s *restless) WatchPayment(r *payrouterv1.WatchPaymentRequest, stream grpc.ServerStreamingServer[payrouterv1.WatchPaymentResponse]) error {
	n := len(s.asked)
	s.asked = append(s.asked, r.GetAfterSequence())
	p := &payrouterv1.Payment{Name: r.GetName(), Sequence: int64(n + 1), State: s.states[n]}
	if err := stream.Send(&payrouterv1.WatchPaymentResponse{Payment: p}); err != nil || n == len(s.states)-1 {
		return err
	}
	return refusal(codes.Unavailable, "RECONNECT")
}

// serve runs a service made for one test, and tells where.
func serve(t *testing.T, register func(*grpc.Server)) (address string) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	register(server)
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return listener.Addr().String()
}

func TestAWatchGoesOnWhenTheServiceEndsTheStream(t *testing.T) {
	service := &restless{states: []payrouterv1.Payment_State{payrouterv1.Payment_STATE_PROCESSING, payrouterv1.Payment_STATE_PROCESSING,
		payrouterv1.Payment_STATE_PAID}}
	address := serve(t, func(s *grpc.Server) { payrouterv1.RegisterPaymentsServer(s, service) })
	r := payctl(t, "--address", address, "payment", "watch", "019ac000").done()
	if got := strings.Count(r.out, "\n"); got != 2 || !strings.Contains(r.out, "paid") {
		t.Errorf("want one line for processing and one for paid:\n%s", r.out)
	}
	if got := service.asked; len(got) != 3 || got[0] != 0 || got[1] != 1 || got[2] != 2 {
		t.Errorf("the streams were opened after %v, want 0, 1, 2", got)
	}
}

func TestAnInterruptedWatchIsSilent(t *testing.T) {
	w := newWorld(t)
	p := w.create("--amount", "5", "--method", "qr")
	ctx, interrupt := context.WithCancel(t.Context())
	in, out := io.Pipe()
	var errs strings.Builder
	exit := make(chan int, 1)
	go func() {
		exit <- execute(ctx, []string{"--address", w.address, "payment", "watch", p.GetName()}, out, &errs)
	}()
	if lines := bufio.NewScanner(in); !lines.Scan() || !strings.Contains(lines.Text(), "awaiting payer") {
		t.Errorf("the first line is %q", lines.Text())
	}
	interrupt()
	go func() { _, _ = io.Copy(io.Discard, in) }()
	if got := <-exit; got != exitInterrupted || errs.String() != "" {
		t.Errorf("exit status %d, standard error %q", got, errs.String())
	}
	_ = in.Close()
}
