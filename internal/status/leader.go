package status

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/hachi-serve/hachi/internal/identity"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// askTimeout bounds one question to a coordinator.
const askTimeout = 5 * time.Second

// ErrNoLeader means that no coordinator leads: the placement is frozen, and
// serving continues with it.
var ErrNoLeader = errors.New("no coordinator leads")

// Leader is the address of the coordinator that leads.
func (v View) Leader() (string, error) {
	if len(v.Coordinators) == 0 {
		return "", ErrNoLeader
	}
	return v.Coordinators[0].GetAddr(), nil
}

// AskStatus asks the leader how it sees the cluster.
func (v View) AskStatus(ctx context.Context) (*hachiv1.GetStatusResponse, error) {
	addr, err := v.Leader()
	if err != nil {
		return nil, err
	}
	var out *hachiv1.GetStatusResponse
	err = ask(ctx, addr, v.by, func(ctx context.Context, c hachiv1.CoordinatorServiceClient) error {
		out, err = c.GetStatus(ctx, &hachiv1.GetStatusRequest{})
		return err
	})
	return out, err
}

// AskPlan asks the leader for a plan, which changes nothing.
func (v View) AskPlan(ctx context.Context, r *hachiv1.PlanPlacementRequest) (*hachiv1.PlanPlacementResponse, error) {
	addr, err := v.Leader()
	if err != nil {
		return nil, err
	}
	var out *hachiv1.PlanPlacementResponse
	err = ask(ctx, addr, v.by, func(ctx context.Context, c hachiv1.CoordinatorServiceClient) error {
		out, err = c.PlanPlacement(ctx, r)
		return err
	})
	return out, err
}

// DialRouter connects to the gRPC API of a router.
func (v View) DialRouter(r *hachiv1.RouterRecord) (*grpc.ClientConn, error) {
	return dial(r.GetGrpcAddr(), v.by, identity.Router, r.GetRouterId())
}

// DialGateway connects to the gRPC API of a gateway.
func (v View) DialGateway(g *hachiv1.GatewayRecord) (*grpc.ClientConn, error) {
	return dial(g.GetGrpcAddr(), v.by, identity.Gateway, g.GetGatewayId())
}

// DialNode connects to the gRPC API of an expert node.
func (v View) DialNode(n *hachiv1.NodeRecord) (*grpc.ClientConn, error) {
	return dial(n.GetAddr(), v.by, identity.Expert, n.GetNodeId())
}

// DialCoordinator connects to the gRPC API of a coordinator.
func (v View) DialCoordinator(c *hachiv1.CoordinatorRecord) (*grpc.ClientConn, error) {
	return dial(c.GetAddr(), v.by, identity.Coordinator, c.GetCoordinatorId())
}

// dial connects to a process, which must have a role and, unless it is empty, a
// name. A nil certificate is plaintext.
func dial(addr string, by *identity.Source, role identity.Role, name string) (*grpc.ClientConn, error) {
	secure := insecure.NewCredentials()
	if by != nil {
		secure = credentials.NewTLS(by.ClientTLS(role, name))
	}
	return grpc.NewClient("passthrough:///"+addr, grpc.WithTransportCredentials(secure))
}

// ask asks a coordinator at an address.
func ask(ctx context.Context, addr string, by *identity.Source, question func(context.Context, hachiv1.CoordinatorServiceClient) error) error {
	conn, err := dial(addr, by, identity.Coordinator, "")
	if err != nil {
		return fmt.Errorf("coordinator at %s: %w", addr, err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	if err := question(ctx, hachiv1.NewCoordinatorServiceClient(conn)); err != nil {
		return fmt.Errorf("coordinator at %s: %s", addr, status.Convert(err).Message())
	}
	return nil
}
