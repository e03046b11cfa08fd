package role

import (
	"crypto/tls"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/api/accesstest"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/identity"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// shown is what a caller shows of itself; no TLS is a caller in plaintext.
type shown struct {
	name  string
	tls   *tls.Config
	role  identity.Role // "" is no certificate
	valid bool
}

// callers are those with every certificate that there is.
func (g *guarded) callers() []shown {
	others, err := identity.NewAuthority("c", time.Now().Add(-time.Hour), 3*time.Hour)
	if err != nil {
		g.Fatal(err)
	}
	foreign, err := identity.NewAuthority("other", time.Now().Add(-time.Hour), 3*time.Hour)
	if err != nil {
		g.Fatal(err)
	}
	all := []shown{
		{"in plaintext", nil, "", false},
		{"without a certificate", &tls.Config{InsecureSkipVerify: true}, "", true},
		{"an operator of another authority", g.showing(g.issue(others, identity.Operator, time.Hour)), identity.Operator, false},
		{"an operator of another cluster", g.showing(g.issue(foreign, identity.Operator, time.Hour)), identity.Operator, false},
		{"an operator whose certificate has expired", g.showing(g.issue(g.ours, identity.Operator, -time.Minute)), identity.Operator, false},
		{"an operator of an authority that was rotated away", g.showing(g.issue(g.old, identity.Operator, time.Hour)), identity.Operator, false},
	}
	for _, role := range []identity.Role{identity.Router, identity.Expert, identity.Coordinator, identity.Gateway, identity.Operator, identity.Etcd} {
		all = append(all, shown{string(role), g.showing(g.issue(g.ours, role, time.Hour)), role, true})
	}
	return all
}

// rotate replaces the keys of clients, and takes the old authority away from both
// processes while they serve.
func (g *guarded) rotate() {
	g.Helper()
	_, after := accesstest.Clients()
	g.writeKeys("clients", after)
	g.certify(g.ours)
	old := g.showing(g.issue(g.old, identity.Operator, time.Hour))
	health := accesstest.RPCs("")["/grpc.health.v1.Health/Check"]
	for _, d := range []door{g.router, g.gateway} {
		eventually.True(g.T, "the keys and the authority are replaced", func() bool {
			models := accesstest.Server{Addr: d.http, TLS: &tls.Config{InsecureSkipVerify: true}}.Ask(g.T, "GET", "/v1/models", "", accesstest.Right())
			return models.Status == 200 && accesstest.Server{Addr: d.grpc, TLS: old}.Call(g.T, "/grpc.health.v1.Health/Check", health, accesstest.Credential{}) == ""
		})
	}
}

// TestOnlyTheRightCallersPassAtEveryListener walks every route and RPC of a router and of
// a gateway, at their listeners for HTTP, gRPC and admins, with every certificate and every
// key, after both were rotated.
func TestOnlyTheRightCallersPassAtEveryListener(t *testing.T) {
	before, _ := accesstest.Clients()
	g := newGuarded(t, before)
	g.rotate()
	rpcs, adminRoutes := accesstest.RPCs(guardedFingerprint), accesstest.AdminRoutes()
	maps.Copy(rpcs, accesstest.ProcessRPCs())
	maps.Copy(adminRoutes, accesstest.ConsoleRoutes())
	ran := func() int { return len(g.engine.Calls()) }
	for name, d := range map[string]door{"router": g.router, "gateway": g.gateway} {
		t.Run(name+", HTTP", func(t *testing.T) {
			s := accesstest.Server{Addr: d.http, TLS: &tls.Config{InsecureSkipVerify: true}, Ran: ran, Spellings: accesstest.Brief()}
			accesstest.Walk(t, s, d.routes, accesstest.ClientRoutes(), accesstest.Some("none", "wrong", "rotated away", "expired", "right", "an admin's"))
		})
		for _, c := range g.callers() {
			s, by := accesstest.Server{TLS: c.tls, Ran: ran, Spellings: accesstest.Brief()}, accesstest.Some("none", "rotated away", "right", "an admin's")
			switch {
			case !c.valid:
				s.Spellings, by = []string{"plain"}, by[2:]
			case c.role != "" && c.role != identity.Operator:
				s.Spellings = []string{"plain"}
			}
			t.Run(name+", gRPC, "+c.name, func(t *testing.T) {
				s.Addr = d.grpc
				accesstest.WalkRPCs(t, s, d.services, rpcs, by, c.calls)
			})
			t.Run(name+", admin, "+c.name, func(t *testing.T) {
				s.Addr = d.admin
				accesstest.Walk(t, s, d.adminRoutes, adminRoutes, c.admins(by))
			})
		}
	}
}

// calls is the status of a method of the listener for gRPC.
func (c shown) calls(method string, by accesstest.Credential) string {
	may := map[string][]identity.Role{
		hachiv1.InferenceService_Generate_FullMethodName:       {"", identity.Gateway, identity.Operator},
		hachiv1.InferenceService_GenerateTokens_FullMethodName: {identity.Gateway, identity.Operator},
		hachiv1.ProcessService_GetProcess_FullMethodName:       {identity.Router, identity.Gateway, identity.Operator},
		hachiv1.ProcessService_CancelRequest_FullMethodName:    {identity.Operator},
	}
	handsOn := method == hachiv1.ProcessService_CancelRequest_FullMethodName && (c.role == identity.Router || c.role == identity.Gateway)
	if handsOn && by.Gives == httpapi.AdminAccess { // an operator's key
		may[method] = append(may[method], c.role)
	}
	roles, listed := may[method]
	if !listed { // the health service
		roles = []identity.Role{"", identity.Router, identity.Expert, identity.Coordinator, identity.Gateway, identity.Operator}
	}
	switch {
	case !c.valid:
		return ""
	case !slices.Contains(roles, c.role) && c.role == "":
		return accesstest.Unauthenticated
	case !slices.Contains(roles, c.role):
		return accesstest.PermissionDenied
	case method == hachiv1.ProcessService_CancelRequest_FullMethodName:
		return accesstest.NotFound
	case method == hachiv1.InferenceService_Generate_FullMethodName && by.Gives != httpapi.ClientAccess:
		return accesstest.Unauthenticated
	}
	return accesstest.OK
}

// admins are the credentials at the listener for admins: the certificate of an operator
// needs no key.
func (c shown) admins(by []accesstest.Credential) []accesstest.Credential {
	all := slices.Clone(by)
	for i := range all {
		switch {
		case !c.valid:
			all[i].Gives = accesstest.NoAnswer
		case c.role == identity.Operator:
			all[i].Gives = httpapi.AdminAccess
		}
	}
	return all
}
