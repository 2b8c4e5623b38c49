package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
)

// process is the service under measurement, seen from outside.
type process struct {
	greeting
	client  payrouterv1.PaymentsClient
	ready   time.Duration // from its start until it served; its books had their schema already
	started usage

	command *exec.Cmd
	in      io.WriteCloser
	answers *json.Decoder
	errs    bytes.Buffer // read only when the process has ended
	conn    *grpc.ClientConn
}

// stopWithin is longer than the service lets calls in flight finish.
const stopWithin = 40 * time.Second

// startProcess starts this program again with orders, and waits until it serves. With an error
// nothing is left running.
func startProcess(ctx context.Context, orders serviceOrders) (p *process, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(orders)
	if err != nil {
		return nil, err
	}
	p = &process{command: exec.CommandContext(ctx, self, "bench", "serve")}
	p.command.Stderr = &p.errs
	if p.in, err = p.command.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.answers = json.NewDecoder(out)
	began := time.Now()
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.stop())
		}
	}()
	if _, err = p.in.Write(append(text, '\n')); err != nil {
		return p, err
	}
	if err = p.answers.Decode(&p.greeting); err != nil {
		return p, fmt.Errorf("the service does not greet: %w", err)
	}
	if p.Error != "" {
		return p, errors.New(p.Error)
	}
	p.ready = time.Since(began)
	if p.conn, err = grpc.NewClient(p.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials())); err != nil {
		return p, err
	}
	p.client = payrouterv1.NewPaymentsClient(p.conn)
	p.started, err = p.usage()
	return p, err
}

// usage asks the process what it has taken so far.
func (p *process) usage() (u usage, err error) {
	if _, err := io.WriteString(p.in, "usage\n"); err != nil {
		return u, err
	}
	err = p.answers.Decode(&u)
	return u, err
}

// measure completes a sample with what the process took since it served, the warm-up included.
func (p *process) measure(s *sample) error {
	now, err := p.usage()
	s.ready = p.ready
	s.service = usage{CPU: now.CPU - p.started.CPU, Objects: now.Objects - p.started.Objects, Bytes: now.Bytes - p.started.Bytes, RSS: now.RSS, Peak: now.Peak}
	return err
}

// kill ends the process as a power cut does, and waits until it is gone.
func (p *process) kill() {
	_ = p.conn.Close()
	_ = p.command.Process.Kill()
	_ = p.command.Wait()
	_ = p.in.Close()
	p.command = nil
}

// stop ends the process and waits for it. Only the first call does anything.
func (p *process) stop() error {
	if p.command == nil {
		return nil
	}
	if p.conn != nil {
		_ = p.conn.Close()
	}
	_ = p.in.Close()
	overdue := time.AfterFunc(stopWithin, func() { _ = p.command.Process.Kill() })
	err := p.command.Wait()
	overdue.Stop()
	p.command = nil
	if err != nil {
		err = fmt.Errorf("the service ended with %w: %s", err, bytes.TrimSpace(p.errs.Bytes()))
	}
	return err
}
