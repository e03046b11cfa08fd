package cell

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hachi-serve/hachi/internal/bench/measure"
)

// QuotaPeriod is that of a limit of CPU time. It is much shorter than what a node computes
// in a layer, so that a node is slow at any moment.
const QuotaPeriod = 5 * time.Millisecond

// Contest is a cluster whose options were measured in turns, by bench placement.
type Contest struct {
	Name    string `json:"-"` // of its file, without the end
	Version int    `json:"version"`
	Model   string `json:"model"` // name of its directory
	// Config is the model's config.json.
	Config        json.RawMessage `json:"config"`
	Quantize      string          `json:"quantize,omitempty"`
	Machine       Machine         `json:"machine"`
	Limits        Limits          `json:"limits"` // the mean of before and after
	Nodes         []string        `json:"nodes"`
	Cores         []float64       `json:"cores,omitempty"` // of CPU time, for each node; none is no limit
	NodeThreads   int             `json:"node_threads"`
	RouterThreads int             `json:"router_threads"`
	DelayMS       float64         `json:"delay_ms"` // of packets between router and nodes, each way
	Skew          float64         `json:"skew"`     // of Zipf's law
	Sequences     int             `json:"sequences"`
	Context       int             `json:"context"`
	Redundant     int             `json:"redundant_experts"`
	Steps         int             `json:"steps_per_round"`
	// Routing is how many rows each expert of each layer had.
	Routing [][]float64 `json:"routing"`
	Speeds  []Speed     `json:"speeds"` // of each node, as it measured them before the plans
	Options []Option    `json:"options"`
}

// Speed is what a node takes.
type Speed struct {
	ExpertMS float64 `json:"expert_ms"` // for an expert of a step
	RowMS    float64 `json:"row_ms"`    // for a row
}

// Option is what an operator chooses.
type Option struct {
	Policy       string `json:"policy"`
	Replicas     int    `json:"replicas"`
	MicroBatches int    `json:"micro_batches"` // 0 lets the router choose
	// Rates are tokens per second, one for each round. The options of a round are measured
	// one after another.
	Rates []float64 `json:"tokens_per_s"`
	// PlannedMS is what the planner expects that a step waits for experts.
	PlannedMS float64 `json:"planned_ms_per_step"`
	// Experts are how many each node has.
	Experts []int `json:"experts"`
}

// Name is the option in a word.
func (o Option) Name() string {
	return fmt.Sprintf("%s r%d m%d", o.Policy, o.Replicas, o.MicroBatches)
}

// Rate is the median of the rounds.
func (o Option) Rate() float64 { return measure.Median(o.Rates) }

// Best is the option with the highest rate.
func (c *Contest) Best() int {
	best := 0
	for i := range c.Options {
		if c.Options[i].Rate() > c.Options[best].Rate() {
			best = i
		}
	}
	return best
}

// Alike is by how much an option may be slower than the best one and count as good.
const Alike = 0.03

// Loss is the share of the best option's rate that another lacks: the median of the rounds.
func (c *Contest) Loss(option int) float64 {
	return 1 - measure.MedianRatio(c.Options[option].Rates, c.Options[c.Best()].Rates)
}

// Ties are the options that are as good as the best one, which is one of them.
func (c *Contest) Ties() (out []int) {
	for i := range c.Options {
		if c.Loss(i) <= Alike {
			out = append(out, i)
		}
	}
	return out
}

// ReadContests reads the reports of bench placement --json of a directory, in the order of
// their names. The error names the file and the field.
func ReadContests(dir string) (out []Contest, err error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("%s has no file: hachi bench placement --json writes one", dir)
	}
	slices.Sort(paths)
	for _, path := range paths {
		c := Contest{Name: strings.TrimSuffix(filepath.Base(path), ".json")}
		if err := decode(path, &c, func() error { return c.check() }); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// check reports what a simulation cannot do without.
func (c *Contest) check() error {
	if c.Version != Version {
		return fmt.Errorf("version %d: want %d; measure it again", c.Version, Version)
	}
	faults := []error{
		positive("nodes", float64(len(c.Nodes))), positive("sequences", float64(c.Sequences)), positive("machine.cores", float64(c.Machine.Cores)),
		positive("limits.stream_gb_per_s", c.Limits.Stream), positive("limits.fma_gop_per_s", c.Limits.FMA), positive("options", float64(len(c.Options))),
	}
	if n := len(c.Cores); n > 0 && n != len(c.Nodes) {
		faults = append(faults, fmt.Errorf("cores: %d numbers of %d nodes", len(c.Cores), len(c.Nodes)))
	}
	for i, o := range c.Options {
		field := fmt.Sprintf("options[%d].", i)
		faults = append(faults, positive(field+"replicas", float64(o.Replicas)), positive(field+"tokens_per_s", slices.Min(append([]float64{o.Rate()}, o.Rates...))))
		if len(o.Rates) != len(c.Options[0].Rates) {
			faults = append(faults, fmt.Errorf("%stokens_per_s: %d rounds, %d of the first option", field, len(o.Rates), len(c.Options[0].Rates)))
		}
	}
	return errors.Join(faults...)
}
