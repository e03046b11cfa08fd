package harness

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/hachi-serve/hachi/internal/cluster/etcd"
	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/freeport"
	"github.com/hachi-serve/hachi/internal/identity"
	"github.com/hachi-serve/hachi/internal/role"
	"github.com/hachi-serve/hachi/internal/status"
)

// ByHandConfig says how a cluster ByHand differs from one expert node with
// certificates everywhere and no API keys.
type ByHandConfig struct {
	Nodes         int
	PlaintextEtcd bool   // anybody writes into etcd
	APIKeys       string // file; "" asks clients for none
	LogLevel      string // "" is the program's own
	// NodeFlags are more flags of the expert nodes.
	NodeFlags []string
	// HTTPS serves the HTTP API with the certificate of the router, and adds an admin
	// API at Admin.
	HTTPS bool
}

// ByHand is a cluster whose processes were started one by one, as on several
// machines, with the certificates of `hachi certs`. Each expert is on every node.
type ByHand struct {
	Dir       identity.Directory // of the certificates
	URL       string             // of the HTTP API
	Endpoint  string             // of etcd
	Admin     string             // address of the router's admin API
	Processes map[string]*Process
	config    ByHandConfig
	etcd      etcd.Config
	server    *etcd.Server
}

// ByHand starts a cluster and returns when every expert is on every node. The
// cluster runs until the test ends.
func (p *Program) ByHand(t *testing.T, config ByHandConfig) *ByHand {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "certs")
	c := &ByHand{
		Dir: identity.Directory(dir), Processes: map[string]*Process{}, config: config,
		etcd: etcd.Config{Dir: filepath.Join(t.TempDir(), "etcd"), ClientAddr: freeport.Address(t)},
	}
	p.Output(t, "certs", "init", "--dir", dir)
	p.Output(t, "certs", "issue", "--dir", dir, "etcd", "etcd-0", "--host", "127.0.0.1")
	p.Output(t, "certs", "issue", "--dir", dir, "operator", "alice")
	if !config.PlaintextEtcd {
		c.etcd.Certificates = c.Certificates(identity.Etcd, "etcd-0")
	}
	c.StartEtcd(t)
	t.Cleanup(func() { c.server.Close() })
	listen := freeport.Address(t)
	c.URL = "http://" + listen
	c.start(t, p, "coordinator", identity.Coordinator, "coordinator-0", "--expect-nodes", fmt.Sprint(config.Nodes), "--replicas", fmt.Sprint(config.Nodes), "--listen", "127.0.0.1:0")
	for i := range config.Nodes {
		c.start(t, p, "expertnode", identity.Expert, fmt.Sprint("expert-", i), append([]string{"--model", p.Model, "--listen", "127.0.0.1:0"}, config.NodeFlags...)...)
	}
	router := []string{"--model", p.Model, "--listen", listen, "--grpc", "127.0.0.1:0", "--kv-cache-memory", "64Mi"}
	if config.HTTPS {
		c.URL, c.Admin = "https://"+listen, freeport.Address(t)
		router = append(router, "--http-certificates", c.Certificates(identity.Router, "router-0"), "--admin-listen", c.Admin)
	}
	if config.APIKeys != "" {
		router = append(router, "--api-keys", config.APIKeys)
	}
	c.start(t, p, "router", identity.Router, "router-0", router...)
	eventually.True(t, "every node and the router are in place", func() bool {
		v := c.View(t)
		return v.Placement != nil && len(v.Placement.Nodes()) == config.Nodes && len(v.Routers) == 1 && v.Routers[0].GetAckedEpoch() == uint64(v.Placement.Epoch())
	})
	return c
}

// start issues the certificate of a process and starts the process.
func (c *ByHand) start(t *testing.T, p *Program, command string, as identity.Role, name string, more ...string) {
	t.Helper()
	p.Output(t, "certs", "issue", "--dir", string(c.Dir), string(as), name)
	args := append([]string{command, "--id", name, "--certificates", c.Certificates(as, name), "--gossip-keys", c.GossipKeys()}, c.Etcd()...)
	if c.config.LogLevel != "" {
		args = append(args, "--log-level", c.config.LogLevel)
	}
	c.Processes[name] = p.Start(t, append(args, more...)...)
}

// Certificates is the directory of the certificate of a process.
func (c *ByHand) Certificates(as identity.Role, name string) string {
	return filepath.Join(string(c.Dir), string(as), name)
}

// GossipKeys is the file with the keys of the gossip.
func (c *ByHand) GossipKeys() string { return filepath.Join(string(c.Dir), "gossip.keys") }

// Etcd are the flags by which a command finds etcd.
func (c *ByHand) Etcd() []string {
	flags := []string{"--etcd", c.Endpoint}
	if c.config.PlaintextEtcd {
		flags = append(flags, "--etcd-certificates", role.PlaintextEtcd)
	}
	return flags
}

// StartEtcd starts etcd, again with its data if it ran before: it reads its list of
// authorities at its start only.
func (c *ByHand) StartEtcd(t *testing.T) {
	t.Helper()
	if c.server != nil {
		c.server.Close()
	}
	server, err := etcd.Start(t.Context(), c.etcd)
	if err != nil {
		t.Fatal(err)
	}
	c.server, c.Endpoint = server, server.Endpoints()[0]
}

// StopEtcd stops etcd, which keeps its data.
func (c *ByHand) StopEtcd() { c.server.Close() }

// Operator is the certificate of an operator.
func (c *ByHand) Operator(t *testing.T) *identity.Source {
	t.Helper()
	by, err := identity.Open(c.Certificates(identity.Operator, "alice"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return by
}

// Where is the cluster, as an operator reads it.
func (c *ByHand) Where(t *testing.T) status.Where {
	t.Helper()
	where := status.Where{Etcd: []string{c.Endpoint}, Cluster: registry.DefaultCluster, By: c.Operator(t)}
	if !c.config.PlaintextEtcd {
		where.EtcdBy = where.By
	}
	return where
}

// View reads the records of the cluster.
func (c *ByHand) View(t *testing.T) status.View {
	t.Helper()
	view, err := status.ReadView(t.Context(), c.Where(t))
	if err != nil {
		t.Fatal(err)
	}
	return view
}
