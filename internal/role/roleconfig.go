package role

import (
	"log/slog"
	"time"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/router/pipeline"
)

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
	// InProcess joins the role to others in this process, instead of by Etcd and
	// Gossip; nil for a process of its own.
	InProcess *InProcess
}

func (c ClusterConfig) Check(f *Faults) {
	f.Name("id", c.ID)
	f.Name("cluster", c.Cluster)
	f.TTL(c.TTL)
	if c.InProcess != nil {
		return
	}
	f.Address("gossip", c.Gossip)
	f.OptionalAddress("advertise-gossip", c.AdvertiseGossip)
	if len(c.GossipLabel) > maxGossipLabel {
		f.Addf("--gossip-label of %d bytes: want at most %d", len(c.GossipLabel), maxGossipLabel)
	}
	if len(c.Etcd) == 0 {
		f.Addf("--etcd is required")
	}
	for _, e := range c.Etcd {
		f.Address("etcd", e)
	}
}

// maxGossipLabel is what memberlist can carry.
const maxGossipLabel = 255

func (f *Faults) TTL(ttl time.Duration) {
	if ttl < time.Second {
		f.Addf("--lease-ttl %v: want at least 1s", ttl)
	}
}

// ModelConfig says what is computed and with what.
type ModelConfig struct {
	Dir string
	// Backend names one of Backends, which are those of this binary.
	Backend  string
	Backends []backend.Backend
	Threads  int
	// SpareCore leaves one of the threads' cores to gossip, gRPC and the rest of
	// the process.
	SpareCore bool
	// Quantize is the format that experts get when they are loaded; "" keeps them
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

func (m ModelConfig) Check(f *Faults) {
	f.Required("model", m.Dir)
	f.Quantize(m.Quantize)
	f.Numerics(m.Numerics)
	if _, err := backend.Find(m.Backends, m.Backend); err != nil {
		f.Addf("--backend %q: %w", m.Backend, err)
	}
	if m.Threads < 1 {
		f.Addf("--threads %d: want at least 1", m.Threads)
	}
}

// Quantize checks the format that experts get when they are loaded.
func (f *Faults) Quantize(name string) {
	if err := CheckQuantize(name); err != nil {
		f.Addf("--quantize %w", err)
	}
}

// CheckQuantize finds what is wrong with the name of a format; empty is none.
func CheckQuantize(name string) error {
	if name == "" {
		return nil
	}
	_, err := tensor.Target(name)
	return err
}

func (f *Faults) Numerics(o model.Overrides) {
	f.OneOf("kv", o.KV, "", "f32", "bf16", "int8")
	f.OneOf("inner", o.Inner, "", "f32", "bf16")
}

// PlacementConfig is the policy a coordinator follows.
type PlacementConfig struct {
	Policy   string
	Replicas int
}

func (p PlacementConfig) Check(f *Faults) {
	f.OneOf("placement", p.Policy, "column", "balanced")
	if p.Replicas < 1 {
		f.Addf("--replicas %d: want at least 1", p.Replicas)
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

// DefaultServing bounds a router for a laptop.
func DefaultServing() ServingConfig {
	return ServingConfig{KVBytes: 1 << 30, MaxQueue: 256, PrefixCache: true, RequestDeadline: DefaultRequestDeadline}
}

func (s ServingConfig) Check(f *Faults) {
	if s.KVBytes < 1<<20 {
		f.Addf("--kv-bytes %d: want at least %d", s.KVBytes, 1<<20)
	}
	if s.MaxSequences < 0 {
		f.Addf("--max-sequences %d: want at least 0", s.MaxSequences)
	}
	if s.MicroBatches < 0 || s.MicroBatches > pipeline.MaxMicroBatches {
		f.Addf("--micro-batches %d: want 0 to %d", s.MicroBatches, pipeline.MaxMicroBatches)
	}
	if s.Speculate < 0 || s.Speculate > maxSpeculate {
		f.Addf("--speculate %d: want 0 to %d", s.Speculate, maxSpeculate)
	}
	if s.MaxQueue < 0 {
		f.Addf("--max-queue %d: want at least 0", s.MaxQueue)
	}
	if s.RequestDeadline <= 0 {
		f.Addf("--request-deadline %v: want more than 0", s.RequestDeadline)
	}
	if _, err := s.attributes(); err != nil {
		f.Addf("%w", err)
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
	var f Faults
	c.ClusterConfig.Check(&f)
	f.Address("listen", c.Listen)
	f.Reachable(c.Listen, c.Advertise)
	c.Placement.Check(&f)
	if c.ExpectNodes < 1 {
		f.Addf("--expect-nodes %d: want at least 1", c.ExpectNodes)
	}
	return f.Err()
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
	var f Faults
	c.ClusterConfig.Check(&f)
	c.ModelConfig.Check(&f)
	if c.InProcess == nil {
		f.Address("listen", c.Listen)
		f.Reachable(c.Listen, c.Advertise)
	}
	f.Spin(c.Spin)
	c.Late.Check(&f)
	return f.Err()
}

// LateConfig lets some answers of a node be late, to measure what others make of
// it. The zero value lets none.
type LateConfig struct {
	Share float64 // of all answers, 0 to 1
	By    time.Duration
}

func (c LateConfig) Check(f *Faults) {
	if !(c.Share >= 0 && c.Share <= 1) || c.By < 0 {
		f.Addf("a share of %v of the answers late by %v: want 0 to 1, by 0 or more", c.Share, c.By)
	}
}

// longestSpin bounds the time for which others of a process may be kept from the
// network.
const longestSpin = 10 * time.Millisecond

func (f *Faults) Spin(d time.Duration) {
	if d < 0 || d > longestSpin {
		f.Addf("--spin %v: want 0 to %v", d, longestSpin)
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
	var f Faults
	c.ClusterConfig.Check(&f)
	c.ModelConfig.Check(&f)
	c.Serving.Check(&f)
	f.Spin(c.Spin)
	f.Address("listen", c.Listen)
	f.Address("grpc", c.GRPC)
	f.OptionalAddress("advertise", c.Advertise)
	f.OptionalAddress("advertise-grpc", c.AdvertiseGRPC)
	return f.Err()
}
