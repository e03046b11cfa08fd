package role

import (
	"cmp"
	"log/slog"
	"runtime"
	"time"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/compute/kernel"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/coordinator/planner"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/router/pipeline"
)

// ClusterConfig is what every role needs to find the others.
type ClusterConfig struct {
	Etcd            []string `yaml:"etcd"`
	Cluster         string   `yaml:"name"`
	ID              string   `yaml:"id"`
	Gossip          string   `yaml:"gossip"`
	AdvertiseGossip string   `yaml:"advertiseGossip"`
	// GossipLabel keeps clusters apart that could reach each other; the name of
	// the cluster when empty.
	GossipLabel string        `yaml:"gossipLabel"`
	TTL         time.Duration `yaml:"leaseTTL"`
	Logger      *slog.Logger  `yaml:"-"` // nil is silent
	// InProcess joins the role to others in this process, instead of by Etcd and
	// Gossip; nil for a process of its own.
	InProcess *InProcess `yaml:"-"`
}

// Check adds the section's faults.
func (c ClusterConfig) Check(f *Faults) {
	f.Name("cluster.id", c.ID)
	f.Name("cluster.name", c.Cluster)
	f.LeaseTTL("cluster.leaseTTL", c.TTL)
	if c.InProcess != nil {
		return
	}
	f.Address("cluster.gossip", c.Gossip)
	f.OptionalAddress("cluster.advertiseGossip", c.AdvertiseGossip)
	if n := len(c.GossipLabel); n > maxGossipLabel {
		f.Addf("cluster.gossipLabel", "%d bytes: want at most %d", n, maxGossipLabel)
	}
	if len(c.Etcd) == 0 {
		f.Addf("cluster.etcd", "required")
	}
	for _, e := range c.Etcd {
		f.Address("cluster.etcd", e)
	}
}

// maxGossipLabel is what memberlist can carry.
const maxGossipLabel = 255

// silence makes a nil Logger one that discards.
func (c *ClusterConfig) silence() {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
}

// DefaultMaxStepTokens bounds a step when the configuration does not.
const DefaultMaxStepTokens = 512

// ModelConfig says what is computed and with what.
type ModelConfig struct {
	// Dir is the directory of a checkpoint, or the URL of one that is elsewhere, of which
	// an expert node may ask other nodes first.
	Dir string `yaml:"dir"`
	// Backend names one of Backends, which are those of this binary. A program
	// that computes nothing itself has none.
	Backend  string            `yaml:"backend"`
	Backends []backend.Backend `yaml:"-"`
	// Sidecar is the command of the helper that computes experts, split at spaces: for
	// the backend sidecar.
	Sidecar string `yaml:"sidecar"`
	// SidecarHelpers is the number of helpers of a node, one for each device; 0 is one.
	SidecarHelpers int `yaml:"sidecarHelpers"`
	// Device is the number of the accelerator to use, for a backend that has several.
	Device int `yaml:"device"`
	// GPUAttention lets the GPU compute attention too, which else the processor does. It
	// is part of the fingerprint: all processes of a cluster must agree.
	GPUAttention bool `yaml:"gpuAttention"`
	// ExpertFamily names the numerics family of the cluster's experts; "" is that of
	// this process's backend, and a process that computes experts computes no other. It
	// is part of the fingerprint.
	ExpertFamily string `yaml:"expertFamily"`
	Threads      int    `yaml:"threads"` // 0 is every core
	// Cores are those that the process may use, by its affinity and its quota; 0 is
	// GOMAXPROCS, which a program may have raised above them.
	Cores int `yaml:"-"`
	// CoreBudget is a file in shared memory, by which processes of this machine share its
	// cores: each may then use every core that no other one uses. AutoBudget is a file of
	// the user. Empty shares none.
	CoreBudget string `yaml:"coreBudget"`
	// ReserveCore leaves one of the threads' cores to gossip, gRPC and the rest
	// of the process.
	ReserveCore bool `yaml:"reserveCore"`
	// Quantize is the format that experts get when they are loaded; "" keeps
	// theirs. It is part of the fingerprint: all processes of a cluster must
	// agree.
	Quantize string         `yaml:"quantize"`
	Numerics NumericsConfig `yaml:",inline"`
	// MaxStepTokens bounds the rows of a step and with it every message, so all
	// processes of a cluster must agree; 0 is DefaultMaxStepTokens.
	MaxStepTokens int          `yaml:"maxStepTokens"`
	Source        SourceConfig `yaml:",inline"`
}

// NumericsConfig names the rounding points; "" is the checkpoint's own. They
// are part of the fingerprint: all processes of a cluster must agree.
type NumericsConfig struct {
	KVCacheDtype         string `yaml:"kvCacheDtype"`         // f32, bf16 or int8
	FFNActivationDtype   string `yaml:"ffnActivationDtype"`   // f32 or bf16
	DenseActivationDtype string `yaml:"denseActivationDtype"` // f32 or bf16
	// Order names the order of sums on processors, one of kernel.Numerics; "" is the
	// first.
	Order string `yaml:"numerics"`
}

// Overrides are the rounding points for a model.
func (n NumericsConfig) Overrides() model.Overrides {
	return model.Overrides{KV: n.KVCacheDtype, FFNActivation: n.FFNActivationDtype, DenseActivation: n.DenseActivationDtype}
}

// workers is the number of threads that compute.
func (m ModelConfig) workers() int {
	n := cmp.Or(m.Threads, runtime.GOMAXPROCS(0))
	if m.ReserveCore {
		return max(1, n-1)
	}
	return n
}

// stepTokens bounds the rows of a step.
func (m ModelConfig) stepTokens() int { return cmp.Or(m.MaxStepTokens, DefaultMaxStepTokens) }

// maxSidecarHelpers is above the number of cores of any machine's accelerators.
const maxSidecarHelpers = 1024

// maxStepTokensLimit keeps a message of the largest models below 2 GiB.
const maxStepTokensLimit = 16384

// Check adds the section's faults.
func (m ModelConfig) Check(f *Faults) { m.check(f, false) }

func (m ModelConfig) check(f *Faults, nodesOnly bool) {
	f.Required("model.dir", m.Dir)
	m.Source.check(f, m.Dir, nodesOnly)
	if err := CheckQuantize(m.Quantize); err != nil {
		f.Addf("model.quantize", "%w", err)
	}
	f.OneOf("model.kvCacheDtype", m.Numerics.KVCacheDtype, "", "f32", "bf16", "int8")
	f.OneOf("model.ffnActivationDtype", m.Numerics.FFNActivationDtype, "", "f32", "bf16")
	f.OneOf("model.denseActivationDtype", m.Numerics.DenseActivationDtype, "", "f32", "bf16")
	f.OneOf("model.numerics", m.Numerics.Order, append([]string{""}, kernel.Numerics()...)...)
	if _, err := backend.Find(m.Backends, m.Backend); m.Backends != nil && err != nil {
		f.Addf("model.backend", "%q: %w", m.Backend, err)
	}
	f.Min("model.device", m.Device, 0)
	f.Min("model.threads", m.Threads, 0)
	f.Between("model.sidecarHelpers", m.SidecarHelpers, 0, maxSidecarHelpers)
	f.Between("model.maxStepTokens", m.MaxStepTokens, 0, maxStepTokensLimit)
}

// CheckQuantize finds what is wrong with the name of a format; empty is none.
func CheckQuantize(name string) error {
	if name == "" {
		return nil
	}
	_, err := tensor.Target(name)
	return err
}

// maxRedundant bounds the work of a plan.
const maxRedundant = 4096

// PlacementConfig is the policy a coordinator follows.
type PlacementConfig struct {
	Policy   string `yaml:"policy"`
	Replicas int    `yaml:"replicas"`
	// Redundant is how many copies more a layer has, of its busiest experts.
	Redundant int `yaml:"redundantExperts"`
}

// Check adds the section's faults.
func (p PlacementConfig) Check(f *Faults) {
	f.OneOf("placement.policy", p.Policy, planner.Policies()...)
	f.Min("placement.replicas", p.Replicas, 1)
	f.Between("placement.redundantExperts", p.Redundant, 0, maxRedundant)
}

// maxSpeculativeTokens bounds the draft tokens of a step: later ones are seldom
// right.
const maxSpeculativeTokens = 32

// ServingConfig bounds what a router takes on.
type ServingConfig struct {
	APIConfig     `yaml:",inline"`
	KVCacheMemory Size `yaml:"kvCacheMemory"`
	MaxSequences  int  `yaml:"maxNumSeqs"` // 0 derives it from KVCacheMemory
	MaxQueued     int  `yaml:"maxQueuedRequests"`
	PrefixCache   bool `yaml:"prefixCache"`
	MicroBatches  int  `yaml:"microBatches"` // of a step; 0 measures which number is fastest
	// SpeculativeTokens is the maximum of draft tokens per step; 0 is none.
	SpeculativeTokens int `yaml:"speculativeTokens"`
	// MaxStepSlowdown bounds the time of a step with prefill, as a multiple of
	// the time of its decodes by themselves; 0 is DefaultMaxStepSlowdown.
	MaxStepSlowdown float64 `yaml:"maxStepSlowdown"`
	// DisableHedging waits for a late expert call until it times out, instead of
	// calling another replica.
	DisableHedging bool `yaml:"disableHedging"`
	// MetricsTopExperts bounds the per-expert counters of /metrics to those of the
	// experts with the most rows; 0 is one counter per expert.
	MetricsTopExperts int `yaml:"metricsTopExperts"`
}

// DefaultMaxStepSlowdown keeps gaps between tokens under twice the undisturbed.
const DefaultMaxStepSlowdown = 1.7

func (s ServingConfig) maxStepSlowdown() float64 {
	return cmp.Or(s.MaxStepSlowdown, DefaultMaxStepSlowdown)
}

// Check adds the section's faults.
func (s ServingConfig) Check(f *Faults) {
	if s.KVCacheMemory < Mi {
		f.Addf("serving.kvCacheMemory", "%v: want at least %v", s.KVCacheMemory, Mi)
	}
	f.Min("serving.maxNumSeqs", s.MaxSequences, 0)
	f.Min("serving.maxQueuedRequests", s.MaxQueued, 0)
	f.Min("serving.metricsTopExperts", s.MetricsTopExperts, 0)
	f.Between("serving.microBatches", s.MicroBatches, 0, pipeline.MaxMicroBatches)
	f.Between("serving.speculativeTokens", s.SpeculativeTokens, 0, maxSpeculativeTokens)
	if x := s.maxStepSlowdown(); !(x >= 1) {
		f.Addf("serving.maxStepSlowdown", "%v: want at least 1", x)
	}
	s.APIConfig.Check(f)
}
