package role

import (
	"time"

	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/tracing"
	"github.com/hachi-serve/hachi/internal/transport/rpc"
)

// CoordinatorConfig configures RunCoordinator.
type CoordinatorConfig struct {
	ClusterConfig `yaml:"cluster"`
	Placement     PlacementConfig `yaml:"placement"`
	Security      MemberSecurity  `yaml:"security"`
	Listen        string          `yaml:"listen"`
	Advertise     string          `yaml:"advertise"` // address of the service that others use; the listener's own when empty
	ExpectNodes   int             `yaml:"expectNodes"`
	LogLevel      string          `yaml:"logLevel"`
}

// Validate reports everything wrong at once.
func (c CoordinatorConfig) Validate() error {
	var f Faults
	c.ClusterConfig.Check(&f)
	c.Security.check(&f, c.ClusterConfig, map[string]string{"listen": c.Listen})
	c.Security.checkAdmin(&f, c.Security.SecurityConfig)
	f.Address("listen", c.Listen)
	f.Reachable(c.Listen, c.Advertise)
	c.Placement.Check(&f)
	f.Min("expectNodes", c.ExpectNodes, 1)
	f.LogLevel(c.LogLevel)
	return f.Err()
}

// ExpertNodeConfig configures RunExpertNode.
type ExpertNodeConfig struct {
	ClusterConfig `yaml:"cluster"`
	ModelConfig   `yaml:"model"`
	Security      MemberSecurity `yaml:"security"`
	Listen        string         `yaml:"listen"`
	Advertise     string         `yaml:"advertise"`
	Capacity      Size           `yaml:"capacity"` // maximum memory for weights of experts; 0 is no limit
	// Zone is what fails together with the node; copies of an expert go to
	// different zones where they can.
	Zone string `yaml:"zone"`
	// StateDir is where the node remembers its experts over a restart; "" forgets.
	StateDir string `yaml:"stateDir"`
	// WeightsBandwidth bounds the weights that other nodes fetch from this one, per second;
	// 0 is no limit.
	WeightsBandwidth Size `yaml:"weightsBandwidth"`
	// BusyPoll is how long a stream polls for the next call, and a worker for
	// work, before it blocks.
	BusyPoll time.Duration `yaml:"busyPoll"`
	// Tracing says where the spans of sampled requests go.
	Tracing  tracing.Config `yaml:"tracing"`
	LogLevel string         `yaml:"logLevel"`
	// WrapHandler wraps what answers the calls of routers, for a program that
	// injects faults; nil wraps nothing.
	WrapHandler func(rpc.Handler) rpc.Handler `yaml:"-"`

	heap *heapBound `yaml:"-"` // of the process; nil bounds nothing
}

// Validate reports everything wrong at once.
func (c ExpertNodeConfig) Validate() error {
	var f Faults
	CheckTracing(&f, c.Tracing)
	c.ClusterConfig.Check(&f)
	c.ModelConfig.check(&f, c.InProcess == nil)
	c.Security.check(&f, c.ClusterConfig, map[string]string{"listen": c.Listen})
	c.Security.checkAdmin(&f, c.Security.SecurityConfig)
	if c.InProcess == nil {
		f.Address("listen", c.Listen)
		f.Reachable(c.Listen, c.Advertise)
	}
	if c.Capacity < 0 {
		f.Addf("capacity", "%v: want at least 0", c.Capacity)
	}
	if c.WeightsBandwidth < 0 {
		f.Addf("weightsBandwidth", "%v: want at least 0", c.WeightsBandwidth)
	}
	f.BusyPoll(c.BusyPoll)
	f.LogLevel(c.LogLevel)
	return f.Err()
}

// RouterConfig configures RunRouter.
type RouterConfig struct {
	ClusterConfig `yaml:"cluster"`
	ModelConfig   `yaml:"model"`
	Serving       ServingConfig  `yaml:"serving"`
	Security      RouterSecurity `yaml:"security"`
	Listen        string         `yaml:"listen"`
	GRPC          string         `yaml:"grpc"`
	// Advertise and AdvertiseGRPC are the addresses in the router's record; the
	// listeners' own when empty.
	Advertise     string        `yaml:"advertise"`
	AdvertiseGRPC string        `yaml:"advertiseGRPC"`
	BusyPoll      time.Duration `yaml:"busyPoll"` // how long a stream polls for an answer, and a worker for work, before it blocks
	// Tracing says where the spans of sampled requests go.
	Tracing  tracing.Config `yaml:"tracing"`
	LogLevel string         `yaml:"logLevel"`
}

// Validate reports everything wrong at once.
func (c RouterConfig) Validate() error {
	var f Faults
	CheckTracing(&f, c.Tracing)
	c.ClusterConfig.Check(&f)
	c.ModelConfig.Check(&f)
	c.Serving.Check(&f)
	c.Security.check(&f, c.ClusterConfig, map[string]string{"grpc": c.GRPC})
	c.Security.CheckAccess(&f, c.ClusterConfig, c.Listen, c.GRPC)
	f.BusyPoll(c.BusyPoll)
	f.Address("listen", c.Listen)
	f.Address("grpc", c.GRPC)
	f.OptionalAddress("advertise", c.Advertise)
	f.OptionalAddress("advertiseGRPC", c.AdvertiseGRPC)
	f.LogLevel(c.LogLevel)
	return f.Err()
}

// maxBusyPoll bounds the time for which one stream may keep others of its
// process from the network.
const maxBusyPoll = 10 * time.Millisecond

// BusyPoll checks the time a stream polls.
func (f *Faults) BusyPoll(d time.Duration) {
	if d < 0 || d > maxBusyPoll {
		f.Addf("busyPoll", "%v: want 0 to %v", d, maxBusyPoll)
	}
}

// LogLevel checks the name of a level; "" leaves it to the program.
func (f *Faults) LogLevel(level string) {
	f.OneOf("logLevel", level, "", "debug", "info", "warn", "error")
}

// DefaultRequestDeadline bounds a request that names no deadline of its own.
const DefaultRequestDeadline = 10 * time.Minute

// defaultLogLevel is quiet: a warning asks for somebody's attention.
const defaultLogLevel = "warn"

func defaultCluster() ClusterConfig {
	return ClusterConfig{Etcd: []string{"127.0.0.1:2379"}, Cluster: registry.DefaultCluster, Gossip: "127.0.0.1:0", TTL: registry.DefaultTTL}
}

// DefaultModel computes on every core. It lacks the Dir.
func DefaultModel() ModelConfig {
	return ModelConfig{Backend: "cpu", MaxStepTokens: DefaultMaxStepTokens}
}

// DefaultWeightsBandwidth leaves most of a fast network to expert calls.
const DefaultWeightsBandwidth = 128 * Mi

// DefaultPlacement is one replica of each expert, by column.
func DefaultPlacement() PlacementConfig { return PlacementConfig{Policy: "column", Replicas: 1} }

// DefaultServing bounds a router for a laptop.
func DefaultServing() ServingConfig {
	return ServingConfig{
		APIConfig:     APIConfig{RequestDeadline: DefaultRequestDeadline},
		KVCacheMemory: Gi, MaxQueued: 256, PrefixCache: true, MaxStepSlowdown: DefaultMaxStepSlowdown,
	}
}

// DefaultCoordinator lacks the ID.
func DefaultCoordinator() CoordinatorConfig {
	return CoordinatorConfig{
		ClusterConfig: defaultCluster(), Placement: DefaultPlacement(), Listen: "127.0.0.1:7071", ExpectNodes: 1, LogLevel: defaultLogLevel,
	}
}

// DefaultExpertNode lacks the ID and the model's Dir.
func DefaultExpertNode() ExpertNodeConfig {
	return ExpertNodeConfig{
		ClusterConfig: defaultCluster(), ModelConfig: DefaultModel(), Listen: "127.0.0.1:7070", WeightsBandwidth: DefaultWeightsBandwidth, Tracing: tracing.Default(), LogLevel: defaultLogLevel,
	}
}

// DefaultRouter lacks the ID and the model's Dir.
func DefaultRouter() RouterConfig {
	return RouterConfig{
		ClusterConfig: defaultCluster(), ModelConfig: DefaultModel(), Serving: DefaultServing(),
		Listen: "127.0.0.1:8080", GRPC: "127.0.0.1:8081", Tracing: tracing.Default(), LogLevel: defaultLogLevel,
	}
}
