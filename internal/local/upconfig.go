package local

import (
	"log/slog"
	"net"
	"time"

	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/numa"
	"github.com/hachi-serve/hachi/internal/role"
	"github.com/hachi-serve/hachi/internal/tracing"
)

// UpConfig describes a whole cluster on this machine. Its sections are those of
// the roles.
type UpConfig struct {
	Model role.ModelConfig `yaml:"model"` // with 0 threads, the processes share the cores
	Nodes int              `yaml:"nodes"` // expert-node processes
	// NUMA says whether expert nodes are bound to memory nodes of the machine, where it
	// has several: NUMAAuto or NUMAOff. Those that share cores are not bound.
	NUMA string `yaml:"numa"`
	// Routers are router processes. With more than one, a gateway serves in front of
	// them, and RouterTimeout is its serving.routerTimeout.
	Routers       int                  `yaml:"routers"`
	RouterTimeout time.Duration        `yaml:"routerTimeout"`
	Placement     role.PlacementConfig `yaml:"placement"`
	Serving       role.ServingConfig   `yaml:"serving"`
	Security      SecurityConfig       `yaml:"security"`
	Listen        string               `yaml:"listen"`  // HTTP listener, the only fixed port
	DataDir       string               `yaml:"dataDir"` // etcd's data, the children's configurations and logs, the run file
	Etcd          []string             `yaml:"etcd"`    // external; embedded when empty
	// Cluster is the name of the cluster in etcd. When empty, it is
	// registry.DefaultCluster in the embedded etcd, and in an external one a
	// random name that the data directory keeps, so that two clusters never meet.
	Cluster  string         `yaml:"cluster"`
	Restart  bool           `yaml:"restart"` // restart dead children
	TTL      time.Duration  `yaml:"leaseTTL"`
	Tracing  tracing.Config `yaml:"tracing"`
	LogLevel string         `yaml:"logLevel"`

	// Binary is the program that runs the roles, with BinaryEnv added to its
	// environment.
	Binary    string   `yaml:"-"`
	BinaryEnv []string `yaml:"-"`
	// Exec replaces the command line of a child, for example to run the child in
	// a network namespace or under a debugger; nil replaces none.
	Exec func(name string, argv []string) []string `yaml:"-"`
	// Gateway starts a gateway in front of one router too.
	Gateway bool `yaml:"-"`
	// Host is the address on which a child listens, except for the HTTP API; nil
	// is loopback for every child.
	Host   func(name string) string `yaml:"-"`
	Logger *slog.Logger             `yaml:"-"` // nil is silent
	// MaxFailures is how often in a row a child may end soon after its start before the
	// cluster counts as failed; 0 is no limit.
	MaxFailures int `yaml:"-"`
	// Events receives what happens; nil functions are not called.
	Events UpEvents `yaml:"-"`
}

// SecurityConfig says what a cluster on this machine protects. Its processes show
// certificates that `hachi up` makes for each run.
type SecurityConfig struct {
	// AccessConfig says who may call the router.
	role.AccessConfig `yaml:",inline"`
	// EtcdCertificates is a directory with ca.crt, tls.crt and tls.key for an
	// external etcd; "" is plaintext.
	EtcdCertificates string `yaml:"etcdCertificates"`
	// Plaintext makes no certificates.
	Plaintext bool `yaml:"plaintext"`
	// Insecure allows plaintext, and clients without keys, on listeners that other
	// machines reach.
	Insecure bool `yaml:"insecure"`
}

// check adds the faults of what clients and admins reach. Only the address that the
// configuration names may be another than loopback.
func (s SecurityConfig) check(f *role.Faults, listen string) {
	router := role.RouterSecurity{AccessConfig: s.AccessConfig}
	if router.Insecure = s.Insecure; !s.Plaintext {
		router.Certificates = "those that the start makes"
	}
	router.CheckAccess(f, role.ClusterConfig{}, listen, "127.0.0.1:0")
}

// UpEvents reports the life of a cluster. Functions may be called from any
// goroutine and must not block.
type UpEvents struct {
	// Progress reports how many of the experts that a placement needs are
	// resident.
	Progress func(nodes, resident, wanted int)
	// Child reports the end of a role's process.
	Child func(ChildEvent)
}

// DefaultUp is three nodes with one replica of each expert, on port 8080.
func DefaultUp() UpConfig {
	return UpConfig{
		Model:         role.DefaultModel(),
		Nodes:         3,
		NUMA:          NUMAAuto,
		Routers:       1,
		RouterTimeout: role.DefaultRouterTimeout,
		Placement:     role.DefaultPlacement(),
		Serving:       role.DefaultServing(),
		Listen:        "127.0.0.1:8080",
		Restart:       true,
		TTL:           registry.DefaultTTL,
		Tracing:       tracing.Default(),
		LogLevel:      "warn",
	}
}

// Values of UpConfig.NUMA.
const (
	NUMAAuto = "auto" // expert nodes are bound to memory nodes in turn
	NUMAOff  = "off"
)

// DefaultNodes is how many expert nodes `hachi up` starts on this machine if no number is
// given: as DefaultUp says, or one for each memory node if the machine has several.
func DefaultNodes() int {
	if memory, _, _ := numa.Here(); len(memory) > 1 {
		return len(memory)
	}
	return DefaultUp().Nodes
}

// gateway reports whether a gateway serves in front of the routers.
func (c UpConfig) gateway() bool { return c.Gateway || c.Routers > 1 }

// relay is the section serving of the gateway.
func (c UpConfig) relay() role.RelayConfig {
	out := role.DefaultRelay()
	out.APIConfig, out.RouterTimeout = c.Serving.APIConfig, c.RouterTimeout
	return out
}

// Validate reports everything wrong at once.
func (c UpConfig) Validate() error {
	var f role.Faults
	c.Model.Check(&f)
	f.Required("dataDir", c.DataDir)
	f.Min("nodes", c.Nodes, 1)
	if c.NUMA != NUMAAuto && c.NUMA != NUMAOff {
		f.Addf("numa", "%q: want %s or %s", c.NUMA, NUMAAuto, NUMAOff)
	}
	f.Min("routers", c.Routers, 1)
	c.relay().CheckTimeout(&f, "routerTimeout")
	c.Placement.Check(&f)
	if c.Placement.Replicas > c.Nodes && c.Nodes >= 1 {
		f.Addf("placement.replicas", "%d: more replicas than the %d nodes", c.Placement.Replicas, c.Nodes)
	}
	c.Serving.Check(&f)
	f.Address("listen", c.Listen)
	if _, port, err := net.SplitHostPort(c.Listen); err == nil && port == "0" {
		f.Addf("listen", "%q: want a fixed port, because clients must know it", c.Listen)
	}
	for _, e := range c.Etcd {
		f.Address("etcd", e)
	}
	if c.Cluster != "" {
		f.Name("cluster", c.Cluster)
	}
	c.Security.check(&f, c.Listen)
	role.CheckTracing(&f, c.Tracing)
	if c.Security.EtcdCertificates != "" && len(c.Etcd) == 0 {
		f.Addf("security.etcdCertificates", "%q: the embedded etcd has certificates of its own; give it with --etcd only", c.Security.EtcdCertificates)
	}
	f.LeaseTTL("leaseTTL", c.TTL)
	f.LogLevel(c.LogLevel)
	return f.Err()
}
