package identity

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/hachi-serve/hachi/internal/episode"
)

// Rule says who may call a method.
type Rule struct {
	Roles []Role
	// Keyed are roles that hand on what an operator asks of them. The key of the operator
	// decides, if the guard has a way to ask for it.
	Keyed []Role
	// Clients lets callers without a certificate pass, on a listener that they can
	// reach: their API keys decide.
	Clients bool
}

// OperatorsOnly reports whether a rule keeps every other caller out.
func (r Rule) OperatorsOnly() bool {
	return !r.Clients && slices.Equal(r.Roles, []Role{Operator})
}

// Methods are the rules of every RPC, by its full name. A method that is not here
// is refused.
func Methods() map[string]Rule {
	member := Rule{Roles: []Role{Router, Expert, Coordinator, Gateway, Operator}}
	operator := Rule{Roles: []Role{Operator}, Keyed: []Role{Router, Gateway}}
	return map[string]Rule{
		"/hachi.v1.ExpertService/Exchange":           {Roles: []Role{Router}},
		"/hachi.v1.WeightsService/StatFile":          {Roles: []Role{Expert, Operator}},
		"/hachi.v1.WeightsService/ReadFile":          {Roles: []Role{Expert, Operator}},
		"/hachi.v1.CoordinatorService/GetStatus":     member,
		"/hachi.v1.CoordinatorService/GetPlacement":  member,
		"/hachi.v1.CoordinatorService/PlanPlacement": operator,
		"/hachi.v1.CoordinatorService/DrainNode":     operator,
		"/hachi.v1.ProcessService/GetProcess":        {Roles: []Role{Router, Gateway, Operator}},
		"/hachi.v1.ProcessService/CancelRequest":     operator,
		"/hachi.v1.InferenceService/Generate":        {Roles: []Role{Gateway, Operator}, Clients: true},
		"/hachi.v1.InferenceService/GenerateTokens":  {Roles: []Role{Gateway, Operator}},
		"/grpc.health.v1.Health/Check":               {Roles: member.Roles, Clients: true},
		"/grpc.health.v1.Health/List":                {Roles: member.Roles, Clients: true},
		"/grpc.health.v1.Health/Watch":               {Roles: member.Roles, Clients: true},
	}
}

// Routes are the rules of the coordinator's HTTP API, by the pattern of
// http.ServeMux.
func Routes() map[string]Rule {
	operator := Rule{Roles: []Role{Operator}}
	return map[string]Rule{
		"GET /v1/status":                {Roles: []Role{Router, Expert, Coordinator, Gateway, Operator}},
		"PUT /v1/nodes/{node}/drain":    operator,
		"DELETE /v1/nodes/{node}/drain": operator,
	}
}

// Guard refuses callers by rules. It logs each caller that it refuses once per
// method.
type Guard struct {
	rules map[string]Rule
	calls *episode.Log // those that are refused: a caller and a method
	keyed func(context.Context) error
}

// Keyed lets callers of the Keyed roles pass whose call carries the key of an operator:
// the error of ask refuses one. Without it they are refused.
func (g *Guard) Keyed(ask func(context.Context) error) *Guard {
	g.keyed = ask
	return g
}

// NewGuard makes a guard by rules. A nil logger is silent.
func NewGuard(rules map[string]Rule, logger *slog.Logger) *Guard {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return &Guard{rules: rules, calls: episode.New(logger, slog.LevelWarn, "caller may not call this method", "", "call", episode.State)}
}

// check is the error that refuses a caller; nil lets it pass.
func (g *Guard) check(caller ID, certified bool, method string) error {
	rule, known := g.rules[method]
	switch {
	case certified && slices.Contains(rule.Roles, caller.Role):
		return nil
	case !certified && rule.Clients:
		return nil
	case !certified:
		return status.Error(codes.Unauthenticated, "a certificate of the cluster is required")
	}
	g.calls.Failed(caller.String() + " " + method)
	if !known {
		return status.Error(codes.PermissionDenied, "the method is not known here")
	}
	return status.Error(codes.PermissionDenied, fmt.Sprintf("the certificate is of %v, expected one of the roles %q", caller, rule.Roles))
}

// admit is check for a call that may carry the key of an operator.
func (g *Guard) admit(ctx context.Context, caller ID, certified bool, method string) error {
	if certified && g.keyed != nil && slices.Contains(g.rules[method].Keyed, caller.Role) {
		return g.keyed(ctx)
	}
	return g.check(caller, certified, method)
}

// Options guard a gRPC server.
func (g *Guard) Options() []grpc.ServerOption {
	check := func(ctx context.Context, method string) error {
		caller, ok := Peer(ctx)
		return g.admit(ctx, caller, ok, method)
	}
	return []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(func(ctx context.Context, in any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
			if err := check(ctx, info.FullMethod); err != nil {
				return nil, err
			}
			return handle(ctx, in)
		}),
		grpc.ChainStreamInterceptor(func(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
			if err := check(stream.Context(), info.FullMethod); err != nil {
				return err
			}
			return handle(srv, stream)
		}),
	}
}

// Handler guards the routes of a mux. refuse writes the answer to a caller that is
// refused, whose error has a gRPC status.
func (g *Guard) Handler(mux *http.ServeMux, refuse func(http.ResponseWriter, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, pattern := mux.Handler(r)
		caller, ok := PeerOf(r.TLS)
		if err := g.check(caller, ok, pattern); err != nil {
			refuse(w, err)
			return
		}
		mux.ServeHTTP(w, r)
	})
}
