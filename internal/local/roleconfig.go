package local

import (
	"github.com/hachi-serve/hachi/internal/model"
	"log/slog"
	"time"
)

// DefaultTTL is the lease of a node or router record.
const DefaultTTL = 10 * time.Second

// DefaultRequestDeadline bounds a request that names no deadline of its own.
const DefaultRequestDeadline = 10 * time.Minute

// ClusterConfig is what every role needs to find the others.
type ClusterConfig struct {
	Etcd            []string
	Cluster         string
	ID              string
	Gossip          string
	AdvertiseGossip string
	// GossipLabel keeps clusters apart that could reach each other; the name of
	// the cluster when empty.
	GossipLabel string
	TTL         time.Duration
	Logger      *slog.Logger
}

func (c ClusterConfig) check(f *faults) {
	f.name("id", c.ID)
	f.name("cluster", c.Cluster)
	f.address("gossip", c.Gossip)
	f.optionalAddress("advertise-gossip", c.AdvertiseGossip)
	if len(c.GossipLabel) > maxGossipLabel {
		f.addf("--gossip-label of %d bytes: want at most %d", len(c.GossipLabel), maxGossipLabel)
	}
	if len(c.Etcd) == 0 {
		f.addf("--etcd is required")
	}
	for _, e := range c.Etcd {
		f.address("etcd", e)
	}
	f.ttl(c.TTL)
}

// maxGossipLabel is what memberlist can carry.
const maxGossipLabel = 255

func (f *faults) ttl(ttl time.Duration) {
	if ttl < time.Second {
		f.addf("--lease-ttl %v: want at least 1s", ttl)
	}
}

// ModelConfig says what is computed and with what.
type ModelConfig struct {
	Dir     string
	Backend string
	Threads int
	// SpareCore leaves one of the threads' cores to gossip, gRPC and the rest of
	// the process.
	SpareCore bool
	// Quantize makes experts int8 or int4 when they are loaded; "" keeps them
	// as they are. All processes of a cluster must agree: it is part of the
	// fingerprint.
	Quantize string
	// Numerics are the rounding points; all processes must agree here, too.
	Numerics model.Overrides
}

// workers is the number of threads that compute.
func (m ModelConfig) workers() int {
	if m.SpareCore {
		return max(1, m.Threads-1)
	}
	return m.Threads
}

func (m ModelConfig) check(f *faults) {
	f.required("model", m.Dir)
	f.oneOf("quantize", m.Quantize, "", "int8", "int4")
	f.numerics(m.Numerics)
	if m.Backend != "cpu" {
		f.addf("--backend %q: this binary has only cpu", m.Backend)
	}
	if m.Threads < 1 {
		f.addf("--threads %d: want at least 1", m.Threads)
	}
}

func (f *faults) numerics(o model.Overrides) {
	f.oneOf("kv", o.KV, "", "f32", "bf16", "int8")
	f.oneOf("inner", o.Inner, "", "f32", "bf16")
}

// PlacementConfig is the policy a coordinator follows.
type PlacementConfig struct {
	Policy   string
	Replicas int
}

func (p PlacementConfig) check(f *faults) {
	f.oneOf("placement", p.Policy, "column", "balanced")
	if p.Replicas < 1 {
		f.addf("--replicas %d: want at least 1", p.Replicas)
	}
}

// maxSpeculate bounds the tokens guessed ahead: more are seldom right.
const maxSpeculate = 32

// ServingConfig bounds what a router takes on.
type ServingConfig struct {
	ModelName       string
	KVBytes         int64
	MaxSequences    int // 0 derives it from KVBytes
	PrefixCache     bool
	MicroBatches    int // of a step; 0 is as many as pay
	Speculate       int // tokens guessed ahead; 0 is none
	MaxQueue        int
	RequestDeadline time.Duration
	Attributes      []string // NAME=VALUE
}

func (s ServingConfig) check(f *faults) {
	if s.KVBytes < 1<<20 {
		f.addf("--kv-bytes %d: want at least %d", s.KVBytes, 1<<20)
	}
	if s.MaxSequences < 0 {
		f.addf("--max-sequences %d: want at least 0", s.MaxSequences)
	}
	if s.MicroBatches < 0 || s.MicroBatches > model.MostParts {
		f.addf("--micro-batches %d: want 0 to %d", s.MicroBatches, model.MostParts)
	}
	if s.Speculate < 0 || s.Speculate > maxSpeculate {
		f.addf("--speculate %d: want 0 to %d", s.Speculate, maxSpeculate)
	}
	if s.MaxQueue < 0 {
		f.addf("--max-queue %d: want at least 0", s.MaxQueue)
	}
	if s.RequestDeadline <= 0 {
		f.addf("--request-deadline %v: want more than 0", s.RequestDeadline)
	}
	if _, err := s.attributes(); err != nil {
		f.addf("%w", err)
	}
}

// CoordinatorConfig configures RunCoordinator.
type CoordinatorConfig struct {
	ClusterConfig
	Listen      string
	Advertise   string // address of the service others use; the listener's own when empty
	Placement   PlacementConfig
	ExpectNodes int
}

// Validate reports everything wrong at once.
func (c CoordinatorConfig) Validate() error {
	var f faults
	c.ClusterConfig.check(&f)
	f.address("listen", c.Listen)
	f.reachable(c.Listen, c.Advertise)
	c.Placement.check(&f)
	if c.ExpectNodes < 1 {
		f.addf("--expect-nodes %d: want at least 1", c.ExpectNodes)
	}
	return f.err()
}

// ExpertNodeConfig configures RunExpertNode.
type ExpertNodeConfig struct {
	ClusterConfig
	ModelConfig
	Listen    string
	Advertise string
	Capacity  uint64
	Late      LateConfig
	Spin      time.Duration // how long a stream polls for the next call, and a worker for work, before it waits
}

// Validate reports everything wrong at once.
func (c ExpertNodeConfig) Validate() error {
	var f faults
	c.ClusterConfig.check(&f)
	c.ModelConfig.check(&f)
	f.address("listen", c.Listen)
	f.reachable(c.Listen, c.Advertise)
	f.spin(c.Spin)
	c.Late.check(&f)
	return f.err()
}

// LateConfig lets some answers of a node be late, to measure what others make of
// it. The zero value lets none.
type LateConfig struct {
	Share float64 // of all answers, 0 to 1
	By    time.Duration
}

func (c LateConfig) check(f *faults) {
	if !(c.Share >= 0 && c.Share <= 1) || c.By < 0 {
		f.addf("a share of %v of the answers late by %v: want 0 to 1, by 0 or more", c.Share, c.By)
	}
}

// longestSpin bounds the time for which others of a process may be kept from the
// network.
const longestSpin = 10 * time.Millisecond

func (f *faults) spin(d time.Duration) {
	if d < 0 || d > longestSpin {
		f.addf("--spin %v: want 0 to %v", d, longestSpin)
	}
}

// RouterConfig configures RunRouter.
type RouterConfig struct {
	ClusterConfig
	ModelConfig
	Serving ServingConfig
	Listen  string
	GRPC    string
	// Advertise and AdvertiseGRPC are the addresses the router's record shows;
	// the listeners' own when empty.
	Advertise     string
	AdvertiseGRPC string
	Patient       bool          // late answers are waited for instead of asking others
	Spin          time.Duration // how long a stream polls for an answer, and a worker for work, before it waits
}

// Validate reports everything wrong at once.
func (c RouterConfig) Validate() error {
	var f faults
	c.ClusterConfig.check(&f)
	c.ModelConfig.check(&f)
	c.Serving.check(&f)
	f.spin(c.Spin)
	f.address("listen", c.Listen)
	f.address("grpc", c.GRPC)
	f.optionalAddress("advertise", c.Advertise)
	f.optionalAddress("advertise-grpc", c.AdvertiseGRPC)
	return f.err()
}
