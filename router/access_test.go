package router

import (
	"log/slog"
	"testing"

	"google.golang.org/grpc"

	"github.com/hachi-serve/hachi/internal/api/accesstest"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/api/server"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// TestOnlyTheRightKeyCalls walks every method of the gRPC server, without certificates,
// by every spelling of its path, with every credential.
func TestOnlyTheRightKeyCalls(t *testing.T) {
	gate := accesstest.Gate()
	s := accesstest.Server{}
	var services map[string]grpc.ServiceInfo
	b := start(t, func(c *Config) {
		c.API.Gate, s.Addr = gate, c.GRPC.Addr().String()
		d := *c
		d.Logger = slog.New(slog.DiscardHandler)
		services = server.New(d.Config, func() bool { return true }).Services()
	})
	b.saying("hello")
	s.Ran = func() int { return len(b.engine.Calls()) }
	accesstest.WalkRPCs(t, s, services, accesstest.RPCs(""), accesstest.Credentials(), func(method string, c accesstest.Credential) string {
		needs := httpapi.OpenAccess
		switch method {
		case hachiv1.InferenceService_Generate_FullMethodName:
			needs = httpapi.ClientAccess
		case hachiv1.InferenceService_GenerateTokens_FullMethodName:
			needs = httpapi.AdminAccess
		}
		switch {
		case needs == httpapi.OpenAccess || c.Gives == needs:
			return accesstest.OK
		case needs == httpapi.AdminAccess && (c.Gives == httpapi.ClientAccess || c.Name == "expired"): // a client's
			return accesstest.PermissionDenied
		}
		return accesstest.Unauthenticated
	})
	for _, u := range gate.Clients.Usage() {
		if u.Client == "client" && (u.Requests != 2 || u.Running != 0 || u.PromptTokens == 0 || u.CompletionTokens == 0) {
			t.Errorf("usage %+v", u)
		}
	}
}
