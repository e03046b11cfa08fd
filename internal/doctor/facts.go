package doctor

import (
	"time"

	"github.com/hachi-serve/hachi/client"
	"github.com/hachi-serve/hachi/internal/compute/tune"
	"github.com/hachi-serve/hachi/internal/status"
)

// Facts are what was gathered. What is nil or empty was not asked for, or could not be
// known.
type Facts struct {
	Now time.Time

	Config       *ConfigFacts
	Model        *ModelFacts
	Ports        []PortFacts
	Certificates []CertificateFacts
	Etcd         []EtcdFacts
	Unreadable   string // why the records of the cluster cannot be read; "" if they can
	Cluster      *ClusterFacts
	Machine      *MachineFacts
	Device       *DeviceFacts
}

// ConfigFacts are a configuration file, as its role reads it.
type ConfigFacts struct {
	Path, Role string
	Faults     []string
	// Capacity, KVCache and Dense are the bytes that the role takes: of experts, of the KV
	// cache and of the weights of a router; 0 is no limit, or not of this role.
	Capacity, KVCache, Dense int64
}

// ModelFacts are a checkpoint.
type ModelFacts struct {
	Dir         string
	Faults      []string // for which a router would refuse it
	Manifest    bool     // that it has hashes to compare with
	Differs     string   // the tensor that has other bytes than the manifest says
	ExpertBytes int64
	DenseBytes  int64 // of the weights of a router
	Experts     int
}

// PortFacts are an address that a configuration listens at.
type PortFacts struct {
	Field, Addr string
	Err         string // why a listener cannot be opened; "" if it can
}

// CertificateFacts are a certificate of a directory, or that of a process.
type CertificateFacts struct {
	Where       string
	From, Until time.Time
	Err         string // why it cannot be used
	// KeyMode are the permissions of the private key; 0 without one.
	KeyMode uint32
}

// EtcdFacts are one member of etcd.
type EtcdFacts struct {
	Endpoint    string
	Err         string
	Latency     time.Duration
	Size, Quota int64 // bytes of the database
	Alarms      []string
	Leader      uint64 // 0 without one
	Version     string
}

// ClusterFacts are the cluster as its records and its leader describe it.
type ClusterFacts struct {
	Status    client.Status
	Processes []ProcessFacts
	// Fingerprints and RouterFingerprints are those of expert nodes and routers, by name.
	Fingerprints, RouterFingerprints map[string]string
	// Host is this machine's name in the records.
	Host string
	// ExpertBytes is the memory of one expert.
	ExpertBytes int64
}

// ProcessFacts are what a process answered to a question for its health.
type ProcessFacts struct {
	Role, Name, Addr string
	Err              string
	Serving          bool
	Clock            status.Clock
	Version          string // "" if it does not say
	// Weights and KV are the memory of a router: what it maps, which routers on one
	// machine share, and its KV cache. 0 is not known.
	Weights, KV int64
}

// MachineFacts are this machine.
type MachineFacts struct {
	Memory, Available int64 // bytes; the limit of the container if that is less
	SwapUsed          int64
	Kernel            string     // chosen
	Fastest           string     // that the processor has; Kernel if the build allows it
	Choice            *tune.Plan // of variants, kept for this machine; nil if none is
	Threads           int
	Bandwidth         float64 // GB/s, measured; 0 if not
}

// DeviceFacts are the accelerator of a backend.
type DeviceFacts struct {
	Backend  string
	Backends []string // of this binary
	Err      string   // of opening it
	Number   int
	Kernel   string
}

// covers reports whether there are facts for a check.
func (f Facts) covers(check string) bool {
	switch check {
	case "configuration":
		return f.Config != nil
	case "files":
		return f.Model != nil
	case "digests":
		return f.Model != nil || f.Cluster != nil
	case "ports":
		return len(f.Ports) > 0
	case "certificates":
		return len(f.Certificates) > 0
	case "etcd":
		return len(f.Etcd) > 0
	case "cluster":
		return f.Unreadable != "" || f.Cluster != nil
	case "memory":
		return f.Machine != nil || f.Cluster != nil
	case "kernel":
		return f.Machine != nil
	case "device":
		return f.Device != nil
	}
	return f.Cluster != nil
}
