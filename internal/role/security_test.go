package role

import (
	"errors"
	"slices"
	"testing"
)

// TestPlaintextThatOtherMachinesReachIsRefused, by the field of the listener, unless
// the configuration says that it is meant.
func TestPlaintextThatOtherMachinesReachIsRefused(t *testing.T) {
	certified := SecurityConfig{Certificates: "certs", GossipKeys: "keys"}
	for _, test := range []struct {
		listen, gossip string
		by             SecurityConfig
		want           []string
	}{
		{"127.0.0.1:1", "127.0.0.1:2", SecurityConfig{}, nil},
		{"[::1]:1", "localhost:2", SecurityConfig{}, nil},
		{"0.0.0.0:1", "10.0.0.1:2", SecurityConfig{}, []string{"cluster.gossip", "listen"}},
		{":1", "[::]:2", SecurityConfig{}, []string{"cluster.gossip", "listen"}},
		{"host.example:1", "127.0.0.1:2", SecurityConfig{}, []string{"listen"}},
		{"10.0.0.1:1", "10.0.0.1:2", SecurityConfig{Certificates: "certs"}, []string{"cluster.gossip"}},
		{"10.0.0.1:1", "10.0.0.1:2", certified, nil},
		{"10.0.0.1:1", "10.0.0.1:2", SecurityConfig{Insecure: true}, nil},
	} {
		c := DefaultCoordinator()
		c.ID, c.Listen, c.Advertise, c.Gossip, c.Security.SecurityConfig = "c", test.listen, "10.0.0.1:1", test.gossip, test.by
		if got := faultFields(c.Validate()); !slices.Equal(got, test.want) {
			t.Errorf("%+v: faults of %v", test, got)
		}
		n := DefaultExpertNode()
		n.ID, n.Dir, n.Listen, n.Advertise, n.Gossip, n.Security.SecurityConfig = "n", "model", test.listen, "10.0.0.1:1", test.gossip, test.by
		if got := faultFields(n.Validate()); !slices.Equal(got, test.want) {
			t.Errorf("%+v: faults of %v", test, got)
		}
		r := DefaultRouter()
		r.ID, r.Dir, r.GRPC, r.Gossip, r.Security.SecurityConfig, r.Security.APIKeys = "r", "model", test.listen, test.gossip, test.by, "keys"
		if got := faultFields(r.Validate()); slices.Contains(got, "grpc") != slices.Contains(test.want, "listen") {
			t.Errorf("%+v: faults of %v", test, got)
		}
	}
}

// TestNamesThatNoCertificateHoldsAreRefused, with certificates and in plaintext: a cluster
// keeps its names when it gets certificates.
func TestNamesThatNoCertificateHoldsAreRefused(t *testing.T) {
	for _, certificates := range []string{"", "certs"} {
		c := DefaultCoordinator()
		c.ID, c.Cluster, c.Security.Certificates = "日本", "a~b", certificates
		if got, want := faultFields(c.Validate()), []string{"cluster.id", "cluster.name"}; !slices.Equal(got, want) {
			t.Errorf("certificates %q: faults of %v, expected %v", certificates, got, want)
		}
	}
}

// faultFields are the fields with faults, sorted.
func faultFields(err error) (out []string) {
	var walk func(error)
	walk = func(err error) {
		var config *ConfigError
		if fault, ok := err.(*FieldError); ok {
			out = append(out, fault.Field)
		} else if many, ok := err.(interface{ Unwrap() []error }); ok {
			for _, one := range many.Unwrap() {
				walk(one)
			}
		} else if errors.As(err, &config) {
			walk(config.Err)
		}
	}
	walk(err)
	slices.Sort(out)
	return out
}
