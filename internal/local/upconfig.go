package local

import (
	"log/slog"
	"net"
	"time"

	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/role"
)

// UpConfig describes a whole cluster on this machine.
type UpConfig struct {
	Model     string // checkpoint directory
	Quantize  string // format that experts get when they are loaded
	Numerics  model.Overrides
	Nodes     int // expert-node processes
	Placement role.PlacementConfig
	Serving   role.ServingConfig
	Listen    string // HTTP listener, the only fixed port
	DataDir   string // etcd's data, logs and the run file
	Etcd      []string
	Binary    string // program to run the roles with
	BinaryEnv []string
	Restart   bool // start dead children again
	Threads   int  // cores of each expert node and of the router; 0 shares the machine
	TTL       time.Duration
	LogLevel  string
	Logger    *slog.Logger
	// Host is the address the roles listen on, except for the HTTP API; loopback
	// when empty.
	Host string
	// Elsewhere names children that do not run beside the others.
	Elsewhere map[string]Place
	// Late lets some answers of every node be late.
	Late role.LateConfig
	// Patient is a router that waits for late answers instead of asking others.
	Patient bool
	// Events hears what happens; nil functions are not called.
	Events UpEvents
}

// Place is where a child runs: behind other words, for example ip netns exec, and
// with an address of its own.
type Place struct {
	Enter []string // what its command line begins with
	Host  string   // the address it listens on
}

// UpEvents reports the life of a cluster. Functions may be called from any
// goroutine and must not block.
type UpEvents struct {
	// Progress says how many of the experts a placement needs are resident.
	Progress func(nodes, resident, wanted int)
	// Child reports a role's process ending.
	Child func(ChildEvent)
}

// DefaultUp is three nodes with one copy of each expert, on port 8080.
func DefaultUp() UpConfig {
	return UpConfig{
		Nodes:     3,
		Placement: role.PlacementConfig{Policy: "column", Replicas: 1},
		Serving:   role.DefaultServing(),
		Listen:    "127.0.0.1:8080",
		Restart:   true,
		TTL:       registry.DefaultTTL,
		LogLevel:  "warn",
	}
}

// Validate reports everything wrong at once.
func (c UpConfig) Validate() error {
	var f role.Faults
	f.Required("model", c.Model)
	f.Required("data-dir", c.DataDir)
	f.Quantize(c.Quantize)
	f.Numerics(c.Numerics)
	if c.Nodes < 1 {
		f.Addf("--nodes %d: want at least 1", c.Nodes)
	}
	c.Placement.Check(&f)
	if c.Placement.Replicas > c.Nodes && c.Nodes >= 1 {
		f.Addf("--replicas %d: more copies than the %d nodes", c.Placement.Replicas, c.Nodes)
	}
	c.Serving.Check(&f)
	f.Address("listen", c.Listen)
	if _, port, err := net.SplitHostPort(c.Listen); err == nil && port == "0" {
		f.Addf("--listen %q: want a port of its own: clients and the other roles must know it", c.Listen)
	}
	for _, e := range c.Etcd {
		f.Address("etcd", e)
	}
	if c.Threads < 0 {
		f.Addf("--threads %d: want at least 0", c.Threads)
	}
	c.Late.Check(&f)
	f.TTL(c.TTL)
	return f.Err()
}
