package sweep

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/hachi-serve/hachi/internal/sim"
	"github.com/hachi-serve/hachi/internal/sim/scenario"
)

// Setting is one combination. An empty value is what the cluster says.
type Setting struct {
	Cluster  string  `json:"cluster"`
	Network  string  `json:"network,omitempty"`
	Format   string  `json:"format,omitempty"`
	Policy   string  `json:"policy,omitempty"`
	Replicas int     `json:"replicas,omitempty"`
	Nodes    int     `json:"nodes"`
	Load     float64 `json:"load"` // users, or requests per second
}

// dimensions are the names of a setting's fields.
var dimensions = []string{"cluster", "network", "format", "policy", "replicas", "nodes", "load"}

// value is what a setting has in a dimension.
func (s Setting) value(dimension string) string {
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	switch dimension {
	case "cluster":
		return s.Cluster
	case "network":
		return s.Network
	case "format":
		return s.Format
	case "policy":
		return s.Policy
	case "replicas":
		return strconv.Itoa(s.Replicas)
	case "nodes":
		return strconv.Itoa(s.Nodes)
	}
	return number(s.Load)
}

// Cell is what one combination gives.
type Cell struct {
	Setting
	// Failed is why the cluster can't serve; the rest is 0 then.
	Failed  string `json:"failed,omitempty"`
	Routers int    `json:"routers"`

	Throughput float64   `json:"output_tokens_per_second"`
	PerUser    float64   `json:"output_tokens_per_second_of_a_user,omitempty"`
	FirstP50   float64   `json:"ttft_p50_ms"`
	FirstP99   float64   `json:"ttft_p99_ms"`
	GapP50     float64   `json:"itl_p50_ms"`
	GapP99     float64   `json:"itl_p99_ms"`
	Steps      sim.Steps `json:"steps"`
	Distinct   float64   `json:"distinct_experts_per_batch"`
	Memory     int64     `json:"node_memory_bytes"` // of the node that held most
	Rejected   int       `json:"rejected"`
	HourPrice  float64   `json:"usd_per_hour,omitempty"`
	Cost       float64   `json:"usd_per_million_tokens,omitempty"`
	// Tokens of each second, and when faults happened; only of clusters with faults.
	PerSecond []uint64 `json:"output_tokens_by_second,omitempty"`
	Faults    []Moment `json:"faults,omitempty"`

	measured bool
}

// Moment is when a fault happens, or ends.
type Moment struct {
	Seconds float64 `json:"seconds"`
	What    string  `json:"what"`
}

// settings are all combinations, the load innermost.
func (f *File) settings() (out []Setting) {
	loads := f.Rates
	for _, n := range f.Users {
		loads = append(loads, float64(n))
	}
	networks := []string{""}
	for i, n := range f.Networks {
		if i == 0 {
			networks = nil
		}
		networks = append(networks, n.Name)
	}
	for _, c := range f.Clusters {
		for _, network := range networks {
			for _, format := range orOne(f.Formats) {
				for _, policy := range orOne(f.Policies) {
					for _, replicas := range orOne(f.Replicas) {
						for _, nodes := range orOne(f.Nodes) {
							for _, load := range loads {
								out = append(out, Setting{c.Name, network, format, policy, replicas, nodes, load})
							}
						}
					}
				}
			}
		}
		if len(out) > maxCells {
			return out
		}
	}
	return out
}

// orOne is a list, or one zero value.
func orOne[T any](list []T) []T {
	if len(list) == 0 {
		return make([]T, 1)
	}
	return list
}

// change is what a setting changes of its cluster, of users per router.
func (f *File) change(s Setting, c Cluster) scenario.Change {
	out := scenario.Change{Nodes: s.Nodes, Policy: s.Policy, Replicas: s.Replicas, Format: s.Format}
	if s.Nodes > 0 {
		out.Replicas = min(cmp.Or(s.Replicas, 1), s.Nodes)
	}
	for i, n := range f.Networks {
		if n.Name == s.Network {
			out.Network = &f.Networks[i].NetworkFile
		}
	}
	if c.UsersPerRouter > 0 {
		out.Routers = (int(s.Load) + c.UsersPerRouter - 1) / c.UsersPerRouter
	}
	return out
}

// fill takes what a run measured.
func (c *Cell) fill(r sim.Report, s *scenario.Scenario) {
	c.Throughput, c.Steps, c.Rejected = r.Throughput, r.Steps, r.Requests.Rejected
	c.FirstP50, c.FirstP99, c.GapP50, c.GapP99 = r.First.P50, r.First.P99, r.Gap.P50, r.Gap.P99
	batches := uint64(0)
	for _, n := range r.Nodes {
		c.Memory = max(c.Memory, n.Peak)
		c.Distinct += n.Distinct * float64(n.Batches)
		batches += n.Batches
	}
	c.Distinct /= float64(max(1, batches))
	if c.HourPrice = s.HourPrice(); c.HourPrice > 0 && c.Throughput > 0 {
		c.Cost = c.HourPrice / c.Throughput / 3600 * 1e6
	}
	if len(s.Faults) == 0 {
		return
	}
	c.PerSecond = r.PerSecond
	for _, f := range s.Faults {
		c.Faults = append(c.Faults, Moment{f.At.Seconds(), strings.Join(append([]string{string(f.Kind)}, f.Targets...), " ")})
		if f.For > 0 {
			c.Faults = append(c.Faults, Moment{(f.At + f.For).Seconds(), "back"})
		}
	}
}

// parts of a step, from the largest of which a cell is called limited.
var parts = []string{"attention", "wire", "slowest expert", "wait", "head"}

func (c Cell) parts() []float64 {
	s := c.Steps
	return []float64{s.Attention, s.Wire, s.Experts, s.Wait, s.Head}
}

// limit is where most of a step's time goes, or "memory".
func (c Cell) limit() string {
	if c.Failed != "" {
		return "memory"
	}
	most := 0
	all := c.parts()
	for i := range all {
		if all[i] > all[most] {
			most = i
		}
	}
	if c.Steps.Total <= 0 {
		return ""
	}
	return fmt.Sprintf("%s, %.0f %%", parts[most], 100*all[most]/c.Steps.Total)
}
