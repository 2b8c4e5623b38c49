package server

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"
)

// pingLimit is how long the store may take to show that it is there.
const pingLimit = 2 * time.Second

var errDraining = errors.New("draining")

// ready says why no new call should come here, or nil: the store is away, the process is
// going down, or its clock is wrong, which another's may not be. Gateways that are down do
// not count; that is what routing is for.
func (s *Server) ready(ctx context.Context) error {
	if s.isDraining() {
		return errDraining
	}
	if err := s.router.Mistimed(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, pingLimit)
	defer cancel()
	return s.router.Journal.Ping(ctx)
}

// serving is grpc.health.v1. Its state is asked for and not pushed: it follows the
// store at every check.
type serving struct {
	grpc_health_v1.UnimplementedHealthServer
	server *Server
}

// All services stand and fall together, with the store.
var servedNames = map[string]bool{"": true, pb.Payments_ServiceDesc.ServiceName: true, pb.Operations_ServiceDesc.ServiceName: true}

func (h *serving) status(ctx context.Context) grpc_health_v1.HealthCheckResponse_ServingStatus {
	if h.server.ready(ctx) != nil {
		return grpc_health_v1.HealthCheckResponse_NOT_SERVING
	}
	return grpc_health_v1.HealthCheckResponse_SERVING
}

// Check answers for one service, the empty name standing for the whole server.
func (h *serving) Check(ctx context.Context, r *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
	if !servedNames[r.GetService()] {
		return nil, status.Error(codes.NotFound, "unknown service")
	}
	return &grpc_health_v1.HealthCheckResponse{Status: h.status(ctx)}, nil
}

// List answers for all services.
func (h *serving) List(ctx context.Context, _ *grpc_health_v1.HealthListRequest) (*grpc_health_v1.HealthListResponse, error) {
	now := h.status(ctx)
	all := map[string]*grpc_health_v1.HealthCheckResponse{}
	for name := range servedNames {
		all[name] = &grpc_health_v1.HealthCheckResponse{Status: now}
	}
	return &grpc_health_v1.HealthListResponse{Statuses: all}, nil
}

// Watch tells each change of state, and ends when the server goes down.
func (h *serving) Watch(r *grpc_health_v1.HealthCheckRequest, stream grpc.ServerStreamingServer[grpc_health_v1.HealthCheckResponse]) error {
	ctx := stream.Context()
	for last := grpc_health_v1.HealthCheckResponse_ServingStatus(-1); ; {
		draining := h.server.isDraining() // asked before the state, so that nobody leaves without that of a server that goes down
		now := grpc_health_v1.HealthCheckResponse_SERVICE_UNKNOWN
		if servedNames[r.GetService()] {
			now = h.status(ctx)
		}
		if now != last {
			if err := stream.Send(&grpc_health_v1.HealthCheckResponse{Status: now}); err != nil {
				return err
			}
			last = now
		}
		if draining {
			return reconnect("the server is going down")
		}
		select {
		case <-ctx.Done():
			return callerGone(ctx.Err())
		case <-h.server.draining:
		case <-time.After(pollEvery):
		}
	}
}
