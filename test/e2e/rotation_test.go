//go:build !race

// Bits are compared under load, which takes minutes under the race detector.

package e2e

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/peer"

	"github.com/hachi-serve/hachi/internal/cluster/gossip"
	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/identity"
	"github.com/hachi-serve/hachi/internal/status"
	"github.com/hachi-serve/hachi/test/e2e/internal/harness"
)

// listeners are the gRPC listeners of a cluster for its own processes, by the
// identity that answers there.
func listeners(t *testing.T, c *harness.ByHand) map[identity.ID]string {
	t.Helper()
	var view status.View
	eventually.True(t, "every process is registered", func() bool {
		view = c.View(t)
		return len(view.Nodes)+len(view.Routers)+len(view.Coordinators) == len(c.Processes)
	})
	out := map[identity.ID]string{}
	for _, n := range view.Nodes {
		out[identity.ID{Cluster: registry.DefaultCluster, Role: identity.Expert, Name: n.GetNodeId()}] = n.GetAddr()
	}
	for _, r := range view.Routers {
		out[identity.ID{Cluster: registry.DefaultCluster, Role: identity.Router, Name: r.GetRouterId()}] = r.GetGrpcAddr()
	}
	for _, r := range view.Coordinators {
		out[identity.ID{Cluster: registry.DefaultCluster, Role: identity.Coordinator, Name: r.GetCoordinatorId()}] = r.GetAddr()
	}
	return out
}

// shown calls a process with a certificate and returns the certificate that the
// process shows; nil if either end refuses the other.
func shown(t *testing.T, by *identity.Source, id identity.ID, addr string) *x509.Certificate {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+addr, grpc.WithTransportCredentials(credentials.NewTLS(by.ClientTLS(id.Role, id.Name))))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var p peer.Peer
	if _, err := grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{}, grpc.Peer(&p)); err != nil {
		return nil
	}
	return p.AuthInfo.(credentials.TLSInfo).State.PeerCertificates[0]
}

// newest is the authority that issues certificates in a directory.
func newest(t *testing.T, dir identity.Directory) *x509.Certificate {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(string(dir), identity.AuthoritiesFile))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(raw)
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// sound reports whether one authority vouches for every record of a cluster.
func sound(t *testing.T, c *harness.ByHand, authority *x509.Certificate) bool {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "certs")
	if err := os.CopyFS(dir, os.DirFS(c.Certificates(identity.Operator, "bob"))); err != nil {
		t.Fatal(err)
	}
	only := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authority.Raw})
	if err := os.WriteFile(filepath.Join(dir, identity.AuthoritiesFile), only, 0o600); err != nil {
		t.Fatal(err)
	}
	where := c.Where(t)
	where.By = open(t, dir)
	v, err := status.ReadView(t.Context(), where)
	return err == nil && len(v.Damaged) == 0 && v.Placement != nil && len(v.Nodes)+len(v.Routers)+len(v.Coordinators) == len(c.Processes)
}

// rotateAuthority replaces the authority of a running cluster, and every certificate,
// as docs/security.md says.
func rotateAuthority(t *testing.T, c *harness.ByHand) {
	t.Helper()
	old, dir := c.Operator(t), string(c.Dir)
	each := func(what string, fits func(id identity.ID, addr string) bool) {
		t.Helper()
		for id, addr := range listeners(t, c) {
			eventually.True(t, id.String()+" "+what, func() bool { return fits(id, addr) })
		}
	}
	hachi.Output(t, "certs", "init", "--rotate", "--dir", dir)
	hachi.Output(t, "certs", "issue", "--dir", dir, "operator", "bob")
	bob := open(t, c.Certificates(identity.Operator, "bob"))
	each("trusts the new authority", func(id identity.ID, addr string) bool { return shown(t, bob, id, addr) != nil })
	c.StartEtcd(t) // etcd reads its authorities at its start
	hachi.Output(t, "certs", "renew", "--all", "--dir", dir)
	authority := newest(t, c.Dir)
	each("has a certificate of the new authority", func(id identity.ID, addr string) bool {
		own := shown(t, bob, id, addr)
		return own != nil && own.CheckSignatureFrom(authority) == nil
	})
	eventually.True(t, "every record is signed again", func() bool { return sound(t, c, authority) })
	hachi.Output(t, "certs", "renew", "--forget", "--dir", dir)
	c.StartEtcd(t)
	each("trusts the old authority no more", func(id identity.ID, addr string) bool { return shown(t, old, id, addr) == nil })
	each("trusts the new one", func(id identity.ID, addr string) bool { return shown(t, bob, id, addr) != nil })
}

// rotateGossip replaces the key of the gossip as docs/security.md says, and returns
// the old key and the new one.
func rotateGossip(t *testing.T, c *harness.ByHand) (before, after []byte) {
	t.Helper()
	before, err := os.ReadFile(c.GossipKeys())
	if err != nil {
		t.Fatal(err)
	}
	after = []byte(identity.NewGossipKey() + "\n")
	for _, keys := range [][]byte{bytes.Join([][]byte{before, after}, nil), bytes.Join([][]byte{after, before}, nil), after} {
		read := map[string]int{}
		count := func(name string) int {
			return lines(t, c.Processes[name], "files are read again", c.GossipKeys())
		}
		for name := range c.Processes {
			read[name] = count(name)
		}
		if err := identity.WriteFile(c.GossipKeys(), keys); err != nil {
			t.Fatal(err)
		}
		for name := range c.Processes {
			eventually.True(t, name+" reads the keys of the gossip", func() bool { return count(name) > read[name] })
		}
	}
	return before, after
}

// hears reports whether a member with a key meets every process of a cluster.
func hears(t *testing.T, c *harness.ByHand, key []byte) bool {
	t.Helper()
	keys, err := gossip.ParseKeys(key)
	if err != nil {
		t.Fatal(err)
	}
	var seeds []string
	for _, n := range c.View(t).Nodes {
		seeds = append(seeds, n.GetGossipAddr())
	}
	heard := make(chan string, 100)
	m, err := gossip.Start(gossip.Config{
		Name: "probe", Role: "probe", Label: registry.DefaultCluster, Bind: "127.0.0.1:0", Keys: keys,
		Seeds: func(context.Context) []string { return seeds }, OnChange: func(change gossip.Change) { heard <- change.Name },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := m.Leave(); err != nil {
			t.Error(err)
		}
	}()
	met := map[string]bool{}
	for timeout := time.After(5 * time.Second); len(met) < len(c.Processes); {
		select {
		case name := <-heard:
			met[name] = true
		case <-timeout:
			return false
		}
	}
	return true
}

// TestEverySecretIsReplacedUnderStreams: the authority, all certificates, the key of
// the gossip and an API key of a running cluster are replaced under 32 streams. None
// fails, each has the bytes of an undisturbed run, and what was replaced opens nothing.
func TestEverySecretIsReplacedUnderStreams(t *testing.T) {
	harness.Slow(t)
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys.yaml")
	oldKey, oldEntry := newKey(t, "alice")
	key, entry := newKey(t, "alice-2")
	writeKeys(t, path, oldEntry)
	cluster := hachi.ByHand(t, harness.ByHandConfig{Nodes: 2, APIKeys: path, LogLevel: "info"})
	before := cluster.View(t)
	var current atomic.Pointer[string]
	current.Store(&oldKey)
	ask := func(key string) int {
		t.Helper()
		_, err := harness.Caller{URL: cluster.URL, Key: func() string { return key }}.Stream(t.Context(), "a", 0, 1)
		var refused harness.Refused
		if err != nil && !errors.As(err, &refused) {
			t.Fatal(err)
		}
		return int(refused)
	}
	harness.Caller{URL: cluster.URL, Key: func() string { return *current.Load() }}.Streams(t, 32, func() {
		rotateAuthority(t, cluster)
		before, after := rotateGossip(t, cluster)
		if hears(t, cluster, before) || !hears(t, cluster, after) {
			t.Error("the old key of the gossip is heard, or the new one is not")
		}
		writeKeys(t, path, oldEntry, entry)
		eventually.True(t, "the new API key is served", func() bool { return ask(key) == 0 })
		current.Store(&key)
		writeKeys(t, path, entry)
		eventually.True(t, "the old API key is refused", func() bool { return ask(oldKey) == http.StatusUnauthorized })
	})
	after := cluster.View(t)
	if len(after.Damaged) > 0 || after.Placement == nil || after.Placement.Epoch() != before.Placement.Epoch() || len(after.Nodes) != 2 || len(after.Coordinators) != 1 {
		t.Errorf("damaged are %v; %d nodes, %d coordinators, placement %v", after.Damaged, len(after.Nodes), len(after.Coordinators), after.Placement)
	}
}
