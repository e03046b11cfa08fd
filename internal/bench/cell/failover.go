package cell

import (
	"encoding/json"

	"github.com/hachi-serve/hachi/internal/bench/measure"
)

// Failover is what a simulation needs of a file of bench failover --json.
type Failover struct {
	Fault  string          `json:"fault"`
	Calm   measure.Latency `json:"undisturbed_itl"`
	Stalls []float64       `json:"stalls_ms"` // of all streams, ascending
	Scene  *Scene          `json:"scene"`     // nil where no expert node was killed
}

// Scene is a cluster whose nodes were killed under streams, one after another.
type Scene struct {
	Setting Setting         `json:"setting"` // Batch is streams, Answer tokens of each
	Prompts []int           `json:"prompts"` // tokens of each stream's
	Config  json.RawMessage `json:"config"`  // the model's config.json
	Machine Machine         `json:"machine"`
	// RealTime says that the processes ran in a class of real time of the scheduler, which
	// other work interrupts in another way.
	RealTime bool   `json:"real_time,omitempty"`
	Limits   Limits `json:"limits"` // the mean of before and after
	// Routing is how many rows each expert of each layer had.
	Routing [][]float64 `json:"routing"`
	// Restarts are from each kill to the start of the next process, seconds.
	Restarts []float64 `json:"restarts_s"`
	// Start is the CPU time of a process that starts again and loads its experts, without
	// a stream, seconds: the median of some starts.
	Start float64 `json:"start_cpu_s"`
	// Longest are the longest gaps of all streams after their fault, ascending, milliseconds.
	Longest []float64 `json:"longest_gaps_ms"`
}
