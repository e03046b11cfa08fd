package sim

import (
	"time"

	"github.com/hachi-serve/hachi/internal/bench/measure"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/sim/trace"
)

// Report is what a run measured, in virtual time. The same scenario and requests give
// the same report.
type Report struct {
	Requests   Requests        `json:"requests"`
	Seconds    float64         `json:"seconds"` // from the start of the trace to the last end
	Throughput float64         `json:"output_tokens_per_second"`
	Prefill    float64         `json:"prompt_tokens_per_second"` // of completed requests
	First      measure.Latency `json:"ttft"`
	Gap        measure.Latency `json:"itl"`
	Total      measure.Latency `json:"e2e"`
	// Longest is the longest gap of each answer that ends after the first fault.
	Longest measure.Latency `json:"longest_gap_after_fault"`
	Steps   Steps           `json:"steps"`
	Experts Experts         `json:"experts"`
	Cluster Cluster         `json:"cluster"`
	Routers []RouterReport  `json:"routers"`
	Nodes   []NodeReport    `json:"nodes"`
	// PerSecond are the tokens that clients got in each second.
	PerSecond []uint64 `json:"output_tokens_by_second"`
	// Events is how many events the run had.
	Events uint64 `json:"events"`
	// Answers are those of Options.Keep, in the order of their ends, and Struck is when the
	// faults of the load began.
	Answers []Answer      `json:"-"`
	Struck  time.Duration `json:"-"`
}

// Answer is when each of its tokens came, in virtual time.
type Answer []time.Duration

// Requests counts how requests ended.
type Requests struct {
	All        int `json:"all"`
	Completed  int `json:"completed"`
	Rejected   int `json:"rejected"`   // every queue was full
	TooLong    int `json:"too_long"`   // the prompt fills the context
	Lost       int `json:"lost"`       // their router died, without a gateway
	Unfinished int `json:"unfinished"` // at the end of the run
	Shortened  int `json:"shortened"`  // answers that the context cuts off
	Resumed    int `json:"resumed"`    // times that one went on at another router
}

// Steps is where the time of steps went, on average over committed steps.
type Steps struct {
	Count        uint64   `json:"count"`
	Abandoned    uint64   `json:"abandoned"` // for want of a live replica
	Rows         float64  `json:"rows"`
	MicroBatches []uint64 `json:"micro_batches"` // steps with 1, 2, ... micro-batches
	// Milliseconds of a step. Wire, Experts and Wait are those of the call of a layer that
	// answered last: on the way, computed by its node, and in its queue.
	Total     float64 `json:"total_ms"`
	Attention float64 `json:"attention_ms"`
	Wire      float64 `json:"wire_ms"`
	Experts   float64 `json:"slowest_expert_ms"`
	Wait      float64 `json:"wait_ms"`
	Head      float64 `json:"head_ms"`
}

// Experts counts expert calls.
type Experts struct {
	Calls     uint64  `json:"calls"`
	PerLayer  float64 `json:"calls_per_layer"`
	Hedges    uint64  `json:"hedges"`
	HedgesWon uint64  `json:"hedges_won"`
	Failovers uint64  `json:"failovers"`
	Suspected uint64  `json:"suspicions"`
	Dropped   uint64  `json:"dropped_messages"` // by NICs whose buffer was full
}

// Cluster is what the coordinator did.
type Cluster struct {
	Forming    float64 `json:"forming_seconds"` // before the trace
	Epoch      uint64  `json:"epoch"`
	Placements int     `json:"placements"` // published during the trace
	Faults     int     `json:"faults"`
	Degraded   string  `json:"degraded,omitempty"` // at the end
}

// RouterReport is one router at the end.
type RouterReport struct {
	Name        string  `json:"name"`
	Memory      int64   `json:"memory_bytes"` // weights and KV cache
	Capacity    int64   `json:"capacity_bytes"`
	Preemptions uint64  `json:"preemptions"`
	PrefixHits  float64 `json:"prefix_hits"` // share of prompt tokens
}

// NodeReport is one expert node. What it computed is of all processes under its name.
type NodeReport struct {
	Name     string  `json:"name"`
	Up       bool    `json:"up"`
	Experts  int     `json:"experts"` // at the end
	Memory   int64   `json:"memory_bytes"`
	Peak     int64   `json:"peak_bytes"`
	Capacity int64   `json:"capacity_bytes"`
	Busy     float64 `json:"busy"` // share of the time
	Batches  uint64  `json:"batches"`
	Distinct float64 `json:"distinct_experts_per_batch"`
	Rows     float64 `json:"rows_per_expert"`
	Refused  uint64  `json:"refused_calls"` // its queue was full, or it did not hold the expert
	// What it takes for an expert of a batch and for a row, as it measured them.
	ExpertSeconds float64 `json:"expert_seconds"`
	RowSeconds    float64 `json:"row_seconds"`
}

// Options bound a run.
type Options struct {
	// Limit is how long after the last arrival the run goes on, in virtual time.
	Limit time.Duration
	// Users, if there are any, send the requests instead of the trace's times: each sends
	// the next one when its last has ended and it has thought for Think (a closed loop).
	// They come evenly within Join.
	Users       int
	Think, Join time.Duration
	// Stop ends the run after a time; 0 does not. Users then begin with the first request
	// again after the last one.
	Stop time.Duration
	// Warm requests come before everything else, all at once, and end; they do not count.
	Warm []trace.Request
	// Settled is how many tokens of an answer every user has when the times of faults
	// begin; 0 is when the first request comes.
	Settled int
	// Keep is to keep when the tokens of each answer came.
	Keep bool
	// WarmUp is for how long nothing counts but PerSecond.
	WarmUp time.Duration
	// Workers is how many cores the run uses; 0 is one. The report is the same with any
	// number.
	Workers int
}

// FormError is a cluster whose first placement is never complete.
type FormError struct{ Reason string }

func (e *FormError) Error() string { return "the cluster does not form: " + e.Reason }

// report sums up a run.
func (w *world) report() Report {
	s := &w.stats
	end := w.ended
	if w.open > 0 {
		end = w.loop.Now()
	}
	seconds := (end - w.measured).Seconds()
	out := Report{
		Requests: Requests{
			All: w.open + s.ended(), Completed: s.outcomes[completed], Rejected: s.outcomes[rejected], TooLong: s.outcomes[tooLong], Lost: s.outcomes[lost],
			Unfinished: w.open, Shortened: s.shortened, Resumed: s.resumed,
		},
		Seconds: seconds, First: measure.LatencyOf(s.first), Gap: measure.LatencyOf(s.gaps), Total: measure.LatencyOf(s.total), Longest: measure.LatencyOf(s.longest),
		Steps: s.averages(), PerSecond: append([]uint64{}, s.perSecond...), Events: w.loop.Fired() - s.firedBefore, Answers: s.answers, Struck: s.struck,
		Experts: Experts{Calls: s.calls, PerLayer: ratio(float64(s.calls), float64(s.layers)), Dropped: s.drops},
		Cluster: Cluster{Placements: s.placements, Faults: s.faults},
	}
	out.Throughput, out.Prefill = ratio(float64(s.answered), seconds), ratio(float64(s.prompts), seconds)
	if p := w.control.written.Placement; p != nil {
		out.Cluster.Epoch = uint64(p.Epoch())
	}
	if w.control.machine != nil {
		out.Cluster.Degraded = w.control.machine.Degraded()
	}
	for _, r := range w.routers {
		out.Routers = append(out.Routers, r.summary())
		d := r.dispatcher.Stats()
		out.Experts.Hedges, out.Experts.HedgesWon = out.Experts.Hedges+d.Hedges, out.Experts.HedgesWon+d.HedgesWon
		for _, n := range r.dispatcher.Nodes() {
			out.Experts.Failovers, out.Experts.Suspected = out.Experts.Failovers+n.Failovers, out.Experts.Suspected+n.Suspicions
		}
	}
	for _, id := range w.nodeOrder {
		out.Nodes = append(out.Nodes, w.nodes[id].summary(seconds))
	}
	return out
}

// ratio is a/b; 0 if b is.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// averages are over committed steps.
func (s *stats) averages() Steps {
	ms := func(d time.Duration) float64 { return ratio(measure.Milliseconds(d), float64(s.steps)) }
	return Steps{
		Count: s.steps, Abandoned: s.abandoned, Rows: ratio(float64(s.rows), float64(s.steps)), MicroBatches: append([]uint64{}, s.microBatches[1:]...),
		Total: ms(s.stepTime), Attention: ms(s.split.Attention), Wire: ms(s.split.Wire), Experts: ms(s.split.Experts), Wait: ms(s.split.Wait), Head: ms(s.split.Head),
	}
}

func (r *router) summary() RouterReport {
	r.catchUp()
	cache := r.pool.Stats()
	shape := &r.world.scenario.Shape
	block := shape.KVBytes * float64(shape.Config.Layers) * model.BlockSize
	return RouterReport{
		Name: r.name, Memory: shape.DenseBytes + int64(float64(r.pool.Total())*block), Capacity: r.at.Machine.Memory,
		Preemptions: r.scheduler.Preempted(), PrefixHits: ratio(float64(cache.Hits), float64(cache.Queries)),
	}
}

func (n *node) summary(seconds float64) NodeReport {
	bytes, counted := n.world.scenario.Shape.ExpertBytes, n.stats.since(n.before)
	speed := n.batcher.Speed()
	return NodeReport{
		ExpertSeconds: speed.Expert.Seconds(), RowSeconds: speed.Row.Seconds(),
		Name: n.name, Up: n.up, Experts: len(n.resident), Memory: int64(len(n.resident)) * bytes, Peak: int64(counted.peak) * bytes, Capacity: n.spec.Capacity,
		Busy: ratio(counted.busy.Seconds(), seconds), Batches: counted.batches, Distinct: ratio(float64(counted.groups), float64(counted.batches)),
		Rows: ratio(float64(counted.rows), float64(counted.groups)), Refused: counted.refused + counted.notHosted,
	}
}
