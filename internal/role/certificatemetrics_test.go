package role

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hachi-serve/hachi/internal/identity"
	"github.com/hachi-serve/hachi/internal/metric"
)

// TestACertificateHasItsTimes, by what it is for; a process in plaintext has none.
func TestACertificateHasItsTimes(t *testing.T) {
	dir, now := t.TempDir(), time.Now().Truncate(time.Second)
	authority, err := identity.NewAuthority("c", now.Add(-time.Hour), 100*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	own, err := authority.Pair()
	if err != nil {
		t.Fatal(err)
	}
	for name, life := range map[string]time.Duration{forCluster: time.Hour, forEtcd: 2 * time.Hour, forHTTP: 3 * time.Hour} {
		pair, err := authority.Issue(identity.Request{ID: identity.ID{Cluster: "c", Role: identity.Router, Name: "router"}, From: now, Life: life})
		if err == nil {
			err = identity.Write(filepath.Join(dir, name), own.Certificate, pair)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	log := slog.New(slog.DiscardHandler)
	times := func(s SecurityConfig, http string) map[string]time.Duration {
		t.Helper()
		by, err := openSecurity(s, ClusterConfig{Cluster: "c", ID: "router", Logger: log}, identity.Router)
		if err != nil {
			t.Fatal(err)
		}
		defer by.close()
		who, err := openAccess(AccessConfig{HTTPCertificates: http}, log)
		if err != nil {
			t.Fatal(err)
		}
		defer who.close()
		registry := prometheus.NewRegistry()
		registry.MustRegister(by.certificates(who))
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]time.Duration{}
		for _, f := range families {
			for _, m := range f.GetMetric() {
				at := time.Unix(int64(m.GetGauge().GetValue()), 0)
				if what := m.GetLabel()[0].GetValue(); f.GetName() == metric.CertificateEnd.Name {
					out[what] += at.Sub(now)
				} else if at.After(now) {
					t.Errorf("the certificate for %s begins at %v", what, at)
				}
			}
		}
		return out
	}
	certified := SecurityConfig{Certificates: filepath.Join(dir, forCluster), Insecure: true}
	for _, tt := range []struct {
		name string
		by   SecurityConfig
		http string
		want string
	}{
		{"one for all", certified, "", "map[cluster:1h0m0s]"},
		{"etcd of another operator", SecurityConfig{Certificates: certified.Certificates, EtcdCertificates: filepath.Join(dir, forEtcd), Insecure: true}, "", "map[cluster:1h0m0s etcd:2h0m0s]"},
		{"for clients too", certified, filepath.Join(dir, forHTTP), "map[cluster:1h0m0s http:3h0m0s]"},
		{"plaintext", SecurityConfig{}, "", "map[]"},
	} {
		if got := fmt.Sprint(times(tt.by, tt.http)); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}
