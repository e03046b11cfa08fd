package cell

import (
	"encoding/json"
	"fmt"

	"github.com/hachi-serve/hachi/internal/bench/measure"
)

// Version is that of the files.
const Version = 1

// Of the load of a round.
const (
	// WarmAnswer is how many tokens a stream's answer has that warms up a round.
	WarmAnswer = 8
	// Settled is after how many tokens a stream has begun.
	Settled = 4
)

// Fault is what befalls a cluster during a round.
type Fault string

const (
	None Fault = ""
	Kill Fault = "kill" // SIGKILL of a node, which is started again
)

// Cell is one file: what was measured, where, and how.
type Cell struct {
	Version int     `json:"version"`
	Setting Setting `json:"setting"`
	// Config is the model's config.json.
	Config  json.RawMessage `json:"config"`
	Machine Machine         `json:"machine"`
	Result  Result          `json:"result"`
	// Routing is how many rows each expert of each layer had, in all rounds.
	Routing [][]float64 `json:"routing"`
	Rounds  []Round     `json:"rounds"`
}

// Setting is a cluster and its load.
type Setting struct {
	Model    string `json:"model"` // name of its directory
	Quantize string `json:"quantize,omitempty"`
	Nodes    int    `json:"nodes"`
	Replicas int    `json:"replicas"`
	// Threads of a process, as they were asked for; 0 shares the cores. The others are
	// what a node and the router had.
	Threads       int `json:"threads"`
	NodeThreads   int `json:"node_threads"`
	RouterThreads int `json:"router_threads"`
	MicroBatches  int `json:"micro_batches"` // 0 lets the router choose
	Batch         int `json:"batch"`         // sequences at once
	Prompt        int `json:"prompt"`        // tokens of each
	Answer        int `json:"answer"`        // tokens of each
	Answers       int `json:"answers"`       // of each sequence, one after another
	// DelayMS and Loss are those of the packets of every node, each way.
	DelayMS float64 `json:"delay_ms"`
	Loss    float64 `json:"loss"`
	Fault   Fault   `json:"fault,omitempty"` // when every stream has begun
}

// Machine is what the cells of a file ran on.
type Machine struct {
	Cores  int    `json:"cores"`
	Kernel string `json:"kernel"`
}

// Limits are what the machine gave beside a round, without a cluster that computes.
type Limits struct {
	Stream     float64 `json:"stream_gb_per_s"`      // read by all cores
	CoreStream float64 `json:"core_stream_gb_per_s"` // read by one
	FMA        float64 `json:"fma_gop_per_s"`        // f32 operations of all cores
}

// Mean is that of two readings.
func (l Limits) Mean(o Limits) Limits {
	return Limits{(l.Stream + o.Stream) / 2, (l.CoreStream + o.CoreStream) / 2, (l.FMA + o.FMA) / 2}
}

// Round is one run of the load.
type Round struct {
	Limits     Limits          `json:"limits"` // the mean of before and after
	Seconds    float64         `json:"seconds"`
	Throughput float64         `json:"output_tokens_per_second"`
	First      measure.Latency `json:"ttft"`
	Gap        measure.Latency `json:"itl"`
	Total      measure.Latency `json:"e2e"`
	Parts      Parts           `json:"parts"`
	CPU        CPU             `json:"cpu"`
	// Stalls are those of a fault's streams, milliseconds: the longest gap after it less
	// the p99 gap of the undisturbed rounds of the cell.
	Stalls []float64 `json:"stalls_ms,omitempty"`
}

// Parts are what the router counted in a round.
type Parts struct {
	Steps     float64 `json:"steps"`
	Step      float64 `json:"step_ms"` // mean
	Rows      float64 `json:"rows_per_step"`
	Calls     float64 `json:"calls_per_step"`
	Call      float64 `json:"call_ms"` // mean of answered calls
	Hedges    float64 `json:"hedges"`
	Failovers float64 `json:"failovers"`
	// Of the last step.
	MicroBatches     float64 `json:"micro_batches"`
	LayerAttentionMS float64 `json:"layer_attention_ms"` // predicted; 0 is not known yet
	LayerExpertsMS   float64 `json:"layer_experts_ms"`
}

// CPU is the time on the cores that processes had, cores.
type CPU struct {
	Router float64 `json:"router"`
	Nodes  float64 `json:"nodes"`
	Client float64 `json:"client"`
	Other  float64 `json:"other"` // the coordinator
}

// Result are the medians of the rounds.
type Result struct {
	Limits     Limits          `json:"limits"`
	Throughput float64         `json:"output_tokens_per_second"`
	First      measure.Latency `json:"ttft"`
	Gap        measure.Latency `json:"itl"`
	Total      measure.Latency `json:"e2e"`
	Stall      measure.Latency `json:"stall"` // of the stalls of all rounds
}

// Name is that of the cell's file without its end.
func (s Setting) Name() string {
	name := s.Model
	if s.Quantize != "" {
		name += "-" + s.Quantize
	}
	name += fmt.Sprintf("-n%d-r%d-t%d-b%d", s.Nodes, s.Replicas, s.Threads, s.Batch)
	if s.MicroBatches > 0 {
		name += fmt.Sprintf("-m%d", s.MicroBatches)
	}
	if s.DelayMS > 0 {
		name += fmt.Sprintf("-delay%g", s.DelayMS)
	}
	if s.Loss > 0 {
		name += fmt.Sprintf("-loss%g", s.Loss)
	}
	if s.Fault != "" {
		name += "-" + string(s.Fault)
	}
	return name
}
