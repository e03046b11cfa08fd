package grpcapi

import (
	"context"
	"slices"

	"google.golang.org/grpc"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"

	"github.com/hachi-serve/hachi/internal/api/keys"
	"github.com/hachi-serve/hachi/internal/identity"
)

// open are the methods that need no API key: those of the health service, as
// /healthz and /readyz need none. Every other method of the server needs one.
var open = map[string]bool{
	healthpb.Health_Check_FullMethodName: true,
	healthpb.Health_List_FullMethodName:  true,
	healthpb.Health_Watch_FullMethodName: true,
}

// rules say which methods are for members of the cluster only.
var rules = identity.Methods()

// Guard makes a server ask for the API keys of a gate, in the metadata of each call. A
// method that is not for clients takes the certificate of a role that may call it, which
// the listener has verified, or, where there are no certificates, an admin's key.
func Guard(gate *keys.Gate) []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(func(ctx context.Context, in any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
			ctx, leave, err := enter(ctx, gate, info.FullMethod)
			if err != nil {
				return nil, err
			}
			defer leave()
			return handle(ctx, in)
		}),
		grpc.ChainStreamInterceptor(func(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
			ctx, leave, err := enter(stream.Context(), gate, info.FullMethod)
			if err != nil {
				return err
			}
			defer leave()
			return handle(srv, &guardedStream{stream, ctx})
		}),
	}
}

// enter lets a call in. Its context carries the caller. leave must be called.
func enter(ctx context.Context, gate *keys.Gate, method string) (_ context.Context, leave func(), err error) {
	if open[method] {
		return ctx, func() {}, nil
	}
	check := gate.Enter
	if rule, known := rules[method]; known && !rule.Clients {
		if id, ok := identity.Peer(ctx); ok && slices.Contains(rule.Roles, id.Role) {
			return ctx, func() {}, nil
		}
		check = gate.EnterAdmin
	}
	caller, err := check(keys.Credential(func(name string) []string { return metadata.ValueFromIncomingContext(ctx, name) }))
	if err != nil {
		return nil, nil, toStatus(err)
	}
	return keys.NewContext(ctx, caller), caller.Leave, nil
}

// guardedStream is a call with the context of its caller.
type guardedStream struct {
	grpc.ServerStream
	ctx context.Context
}

// Context implements grpc.ServerStream.
func (s *guardedStream) Context() context.Context { return s.ctx }
