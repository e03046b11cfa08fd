package role

import (
	"slices"
	"testing"
)

// TestListenersForClientsThatOtherMachinesReachNeedKeysAndTLS, unless the
// configuration says that it is meant.
func TestListenersForClientsThatOtherMachinesReachNeedKeysAndTLS(t *testing.T) {
	all := AccessConfig{APIKeys: "keys", HTTPCertificates: "certs"}
	certified := SecurityConfig{Certificates: "certs"}
	for _, tt := range []struct {
		name                string
		listen, grpc, admin string
		access              AccessConfig
		by                  SecurityConfig
		want                []string
	}{
		{"loopback", "127.0.0.1:1", "[::1]:2", "localhost:3", AccessConfig{}, SecurityConfig{}, nil},
		{"HTTP, nothing", "0.0.0.0:1", "127.0.0.1:2", "", AccessConfig{}, SecurityConfig{}, []string{"listen", "listen"}},
		{"HTTP, keys only", ":1", "127.0.0.1:2", "", AccessConfig{APIKeys: "keys"}, SecurityConfig{}, []string{"listen"}},
		{"HTTP, TLS only", "[::]:1", "127.0.0.1:2", "", AccessConfig{HTTPCertificates: "certs"}, SecurityConfig{}, []string{"listen"}},
		{"HTTP, both", "10.0.0.1:1", "127.0.0.1:2", "", all, SecurityConfig{}, nil},
		{"HTTP, meant", "10.0.0.1:1", "10.0.0.1:2", "10.0.0.1:3", AccessConfig{}, SecurityConfig{Insecure: true}, nil},
		{"gRPC, certificates only", "127.0.0.1:1", "10.0.0.1:2", "", AccessConfig{}, certified, []string{"grpc"}},
		{"gRPC, keys only", "127.0.0.1:1", "10.0.0.1:2", "", all, SecurityConfig{}, []string{"grpc"}},
		{"gRPC, both", "127.0.0.1:1", "10.0.0.1:2", "", all, certified, nil},
		{"admin, keys only", "127.0.0.1:1", "127.0.0.1:2", "10.0.0.1:3", AccessConfig{AdminConfig: AdminConfig{AdminKeys: "keys"}}, SecurityConfig{}, []string{"security.adminListen"}},
		{"admin, certificates", "127.0.0.1:1", "127.0.0.1:2", "10.0.0.1:3", AccessConfig{}, certified, nil},
		{"a host with a port", "127.0.0.1:1", "127.0.0.1:2", "", AccessConfig{AllowedHosts: []string{"chat.example", "chat.example:443"}}, SecurityConfig{}, []string{"security.allowedHosts"}},
	} {
		c := DefaultRouter()
		c.ID, c.Dir, c.Listen, c.GRPC = "r", "model", tt.listen, tt.grpc
		c.Security = RouterSecurity{tt.by, tt.access}
		c.Security.AdminListen = tt.admin
		if got := faultFields(c.Validate()); !slices.Equal(got, tt.want) {
			t.Errorf("%s: faults of %v, want %v", tt.name, got, tt.want)
		}
		co := DefaultCoordinator()
		co.ID, co.Security.SecurityConfig, co.Security.AdminListen = "c", tt.by, tt.admin
		if got := faultFields(co.Validate()); slices.Contains(got, "security.adminListen") != slices.Contains(tt.want, "security.adminListen") {
			t.Errorf("%s: faults of the coordinator %v", tt.name, got)
		}
	}
}
