package role

import (
	"context"
	"log/slog"
	"net/http"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/api/keys"
	"github.com/hachi-serve/hachi/internal/api/openai"
	"github.com/hachi-serve/hachi/internal/identity"
)

// plaintextAPI serves a coordinator's HTTP API without certificates: what changes the
// cluster asks for an admin's key if there are any, and on loopback no page of
// another site may call.
func plaintextAPI(api http.Handler, gate *keys.Gate, local bool, log *slog.Logger) http.Handler {
	return httpapi.Handler(
		httpapi.Config{Service: completion.Service{Logger: log}, Gate: gate, Local: local},
		httpapi.API{Shape: openai.Shape, Access: httpapi.OpenAccess, Routes: map[string]httpapi.Methods{"/v1/status": {http.MethodGet: api.ServeHTTP}}},
		httpapi.API{Access: httpapi.AdminAccess, Routes: map[string]httpapi.Methods{
			"/v1/nodes/": {http.MethodPut: api.ServeHTTP, http.MethodDelete: api.ServeHTTP},
		}},
	)
}

// plaintextRules ask for an admin's key, if there are any, in the metadata of the
// RPCs of a coordinator that operators call.
func plaintextRules(gate *keys.Gate) []grpc.ServerOption {
	rules := identity.Methods()
	return []grpc.ServerOption{grpc.ChainUnaryInterceptor(func(ctx context.Context, in any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
		if !rules[info.FullMethod].OperatorsOnly() {
			return handle(ctx, in)
		}
		caller, err := gate.EnterAdmin(keys.Credential(func(name string) []string { return metadata.ValueFromIncomingContext(ctx, name) }))
		if err != nil {
			return nil, grpcstatus.Error(codes.Unauthenticated, err.Error())
		}
		defer caller.Leave()
		return handle(ctx, in)
	})}
}
