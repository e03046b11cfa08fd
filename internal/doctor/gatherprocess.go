package doctor

import (
	"context"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/hachi-serve/hachi/internal/status"
	"github.com/hachi-serve/hachi/internal/transport/grpcserver"
)

const (
	roleNode        = "expert node"
	roleRouter      = "router"
	roleGateway     = "gateway"
	roleCoordinator = "coordinator"
)

// target is a process to ask.
type target struct {
	role, name, addr string
	dial             func() (*grpc.ClientConn, error)
}

// targets are the processes of a view.
func targets(v status.View) (out []target) {
	for _, n := range v.Nodes {
		out = append(out, target{roleNode, n.GetNodeId(), n.GetAddr(), func() (*grpc.ClientConn, error) { return v.DialNode(n) }})
	}
	for _, r := range v.Routers {
		out = append(out, target{roleRouter, r.GetRouterId(), r.GetGrpcAddr(), func() (*grpc.ClientConn, error) { return v.DialRouter(r) }})
	}
	for _, g := range v.Gateways {
		out = append(out, target{roleGateway, g.GetGatewayId(), g.GetGrpcAddr(), func() (*grpc.ClientConn, error) { return v.DialGateway(g) }})
	}
	for _, c := range v.Coordinators {
		out = append(out, target{roleCoordinator, c.GetCoordinatorId(), c.GetAddr(), func() (*grpc.ClientConn, error) { return v.DialCoordinator(c) }})
	}
	return out
}

// ask asks a process for its health, by which it also says its build and its time. The
// certificate is nil without one.
func (t target) ask(ctx context.Context) (ProcessFacts, *CertificateFacts) {
	out := ProcessFacts{Role: t.role, Name: t.name, Addr: t.addr}
	conn, err := t.dial()
	if err != nil {
		out.Err = err.Error()
		return out, nil
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	client := healthpb.NewHealthClient(conn)
	// The first call opens the connection; only the second one measures.
	if _, err := client.Check(ctx, &healthpb.HealthCheckRequest{}); err != nil {
		out.Err = grpcstatus.Convert(err).Message()
		return out, nil
	}
	var header metadata.MD
	var from peer.Peer
	begin := time.Now()
	health, err := client.Check(ctx, &healthpb.HealthCheckRequest{}, grpc.Header(&header), grpc.Peer(&from))
	out.RoundTrip = time.Since(begin)
	if err != nil {
		out.Err = grpcstatus.Convert(err).Message()
		return out, nil
	}
	out.Serving = health.GetStatus() == healthpb.HealthCheckResponse_SERVING
	out.Version = first(header.Get(grpcserver.VersionHeader))
	if nanos, err := strconv.ParseInt(first(header.Get(grpcserver.ClockHeader)), 10, 64); err == nil {
		out.HasClock, out.Offset = true, time.Unix(0, nanos).Sub(begin.Add(out.RoundTrip/2))
	}
	return out, certificateOf(t, from)
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// certificateOf is the certificate that a process showed.
func certificateOf(t target, from peer.Peer) *CertificateFacts {
	info, ok := from.AuthInfo.(credentials.TLSInfo)
	if !ok || len(info.State.PeerCertificates) == 0 {
		return nil
	}
	leaf := info.State.PeerCertificates[0]
	return &CertificateFacts{Where: t.role + " " + t.name, From: leaf.NotBefore, Until: leaf.NotAfter}
}
