package doctor

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/hachi-serve/hachi/internal/status"
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
	health, err := status.AskHealth(ctx, conn)
	if err != nil {
		out.Err = grpcstatus.Convert(err).Message()
		return out, nil
	}
	out.Serving, out.Version, out.Clock = health.Serving, health.Version, health.Clock
	if t.role == roleRouter {
		if p, err := status.AskProcess(ctx, conn, 0); err == nil { // an older one does not say
			out.Weights, out.KV = int64(p.Weights), int64(p.KV)
		}
	}
	return out, certificateOf(t, health.From)
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
