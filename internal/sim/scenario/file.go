package scenario

import (
	"time"

	"github.com/hachi-serve/hachi/internal/role"
)

// file is CLUSTER.yaml.
type file struct {
	Seed      uint64                 `yaml:"seed"`
	Model     modelFile              `yaml:"model"`
	Machines  map[string]machineFile `yaml:"machines"`
	Network   NetworkFile            `yaml:"network"`
	Routers   routersFile            `yaml:"routers"`
	Nodes     []nodesFile            `yaml:"nodes"`
	Placement placementFile          `yaml:"placement"`
	Control   controlFile            `yaml:"control"`
	Routing   routingFile            `yaml:"routing"`
	Faults    []faultFile            `yaml:"faults"`
}

// modelFile says what is served.
type modelFile struct {
	Config             string `yaml:"config"`   // path of a config.json, from the file's directory
	Preset             string `yaml:"preset"`   // or the name of a shape
	Quantize           string `yaml:"quantize"` // format of experts; "" keeps theirs
	KVCacheDtype       string `yaml:"kvCacheDtype"`
	FFNActivationDtype string `yaml:"ffnActivationDtype"`
}

// machineFile is a kind of machine.
type machineFile struct {
	Cores         int                `yaml:"cores"`
	Units         int                `yaml:"units"`         // that compute at the same time; 0 is 1
	Memory        role.Size          `yaml:"memory"`        // of all units
	Bandwidth     role.Size          `yaml:"bandwidth"`     // of memory, per second and unit
	CoreBandwidth role.Size          `yaml:"coreBandwidth"` // what one core reads; 0 is bandwidth
	Arithmetic    map[string]float64 `yaml:"arithmetic"`    // operations per second and unit, by format
	Launch        time.Duration      `yaml:"launch"`        // of a kernel
	Load          role.Size          `yaml:"load"`          // of weights, per second
	Efficiency    efficiency         `yaml:"efficiency"`
	Step          time.Duration      `yaml:"step"`  // of a router, besides kernels
	Draw          time.Duration      `yaml:"draw"`  // of a token, until its client has it
	Call          time.Duration      `yaml:"call"`  // of an expert node for the calls of a batch, besides kernels
	Start         time.Duration      `yaml:"start"` // of a core, of a process that starts again
	Others        others             `yaml:"others"`
	Price         price              `yaml:"price"`
}

// price is what a machine costs.
type price struct {
	PerHour float64 `yaml:"perHour"` // USD; 0 is not known
	Source  string  `yaml:"source"`  // where the number is from
}

// others is what other work takes of a host: all of it For in each Every in which its
// processes leave less than Idle of the cores idle.
type others struct {
	Every time.Duration `yaml:"every"`
	For   time.Duration `yaml:"for"`
	Idle  float64       `yaml:"idle"`
}

// efficiency is which share of a machine's limits kernels reach; 0 is 1.
type efficiency struct {
	Memory     float64 `yaml:"memory"`
	Core       float64 `yaml:"core"` // of coreBandwidth; 0 is memory
	Arithmetic float64 `yaml:"arithmetic"`
	// Serial is the share of the shorter of loading and computing in a core that the
	// longer does not hide; 0 is a roofline.
	Serial float64 `yaml:"serial"`
}

// NetworkFile is what lies between processes, as a file says it.
type NetworkFile struct {
	Latency   latency       `yaml:"latency"`
	Bandwidth role.Size     `yaml:"bandwidth"` // of a NIC, per second each way
	Message   time.Duration `yaml:"message"`   // CPU time of a message at each end
	Work      time.Duration `yaml:"work"`      // what it takes of the cores of a shared host, and of a quota
	Incast    incast        `yaml:"incast"`
}

type latency struct {
	P50 time.Duration `yaml:"p50"`
	P99 time.Duration `yaml:"p99"` // 0 is p50
}

// incast is when a receiver drops a message; a buffer of 0 never does.
type incast struct {
	Buffer  role.Size     `yaml:"buffer"`
	Timeout time.Duration `yaml:"timeout"`
}

// routersFile are all alike. Fields with the names of a router's configuration mean the
// same.
type routersFile struct {
	Count           int       `yaml:"count"`
	Machine         string    `yaml:"machine"`
	Threads         int       `yaml:"threads"` // 0 is every core
	Host            string    `yaml:"host"`    // whose cores they share; "" is a machine each
	Gateway         bool      `yaml:"gateway"` // in front of them
	KVCacheMemory   role.Size `yaml:"kvCacheMemory"`
	MaxSequences    int       `yaml:"maxNumSeqs"`
	MaxQueued       int       `yaml:"maxQueuedRequests"`
	PrefixCache     bool      `yaml:"prefixCache"`
	MicroBatches    int       `yaml:"microBatches"`
	MaxStepTokens   int       `yaml:"maxStepTokens"`
	MaxStepSlowdown float64   `yaml:"maxStepSlowdown"`
	DisableHedging  bool      `yaml:"disableHedging"`
	MaxContext      int       `yaml:"maxContext"` // tokens; 0 is the model's
	TokenScale      float64   `yaml:"tokenScale"` // of the trace's lengths; 0 is 1
}

// nodesFile are expert nodes that are alike: NAME-0 to NAME-(count-1), or NAME if count is
// 0.
type nodesFile struct {
	Name     string    `yaml:"name"`
	Count    int       `yaml:"count"`
	Machine  string    `yaml:"machine"`
	Threads  int       `yaml:"threads"`
	Host     string    `yaml:"host"`
	Capacity role.Size `yaml:"capacity"` // memory for experts; 0 is the machine's
	Zone     string    `yaml:"zone"`
	Quota    Quota     `yaml:"quota"`
}

// placementFile is the policy of the coordinator.
type placementFile struct {
	Policy    string `yaml:"policy"`
	Replicas  int    `yaml:"replicas"`
	Redundant int    `yaml:"redundantExperts"`
}

// controlFile is how fast processes hear of each other.
type controlFile struct {
	LeaseTTL time.Duration `yaml:"leaseTTL"`
	Tick     time.Duration `yaml:"tick"`     // between decisions of the coordinator
	Watch    time.Duration `yaml:"watch"`    // from a write in etcd to its readers
	Gossip   time.Duration `yaml:"gossip"`   // from a death to its suspicion
	Election time.Duration `yaml:"election"` // from a leader's death to the next
}

// routingFile is which experts tokens choose.
type routingFile struct {
	Kind string  `yaml:"kind"` // uniform, zipf, adversarial or counts
	Skew float64 `yaml:"skew"` // of zipf
	File string  `yaml:"file"` // of counts: JSON, a list of rows per expert for each layer
}

// faultFile happens at a time, for a while or for good. Exactly one of Kill, Slow, Partition
// and Join says what.
type faultFile struct {
	At        time.Duration `yaml:"at"`
	For       time.Duration `yaml:"for"`
	Kill      string        `yaml:"kill"` // a node, a router or the coordinator; it starts again after For
	Slow      string        `yaml:"slow"` // a node or a router
	Factor    float64       `yaml:"factor"`
	Partition []string      `yaml:"partition"` // nodes that neither hear nor are heard
	Join      *nodesFile    `yaml:"join"`
}

// defaults are what the file need not say. The times of control are those of a cluster
// in service.
func defaults() file {
	return file{
		Routers: routersFile{
			Count: 1, KVCacheMemory: role.Gi, MaxQueued: 256, PrefixCache: true, MaxStepTokens: role.DefaultMaxStepTokens,
			MaxStepSlowdown: role.DefaultMaxStepSlowdown, TokenScale: 1,
		},
		Placement: placementFile{Policy: "balanced", Replicas: 2},
		Control: controlFile{
			LeaseTTL: 10 * time.Second, Tick: 200 * time.Millisecond, Watch: 10 * time.Millisecond, Gossip: time.Second, Election: 5 * time.Second,
		},
		Routing: routingFile{Kind: "uniform"},
	}
}
