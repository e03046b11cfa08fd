package calibrate

import (
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"github.com/hachi-serve/hachi/internal/bench/cell"
	"github.com/hachi-serve/hachi/internal/bench/kernel"
	"github.com/hachi-serve/hachi/internal/bench/measure"
	"github.com/hachi-serve/hachi/internal/bench/rpc"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/sim/machine"
)

// Fit is what a scenario says of the machine. Times are microseconds.
type Fit struct {
	// Of bench kernel and bench rpc.
	Rates     map[string]float64 `json:"arithmetic"` // operations per second, by format
	Latency   float64            `json:"latency_p50_us"`
	Tail      float64            `json:"latency_p99_us"`
	Bandwidth float64            `json:"nic_bytes_per_s"`
	Message   float64            `json:"message_us"`
	// Work is what a message takes of the cores at each end, half of what bench rpc measures
	// of a hop at a node; 0 takes nothing. Carry is what takes a core for a message that a namespace makes late.
	Work  float64 `json:"message_cpu_us"`
	Carry float64 `json:"late_message_us"`
	// Start is what a process takes of a core that starts again, of bench failover.
	Start float64 `json:"start_us"`
	// Others is what other work took of the machine: see machine.Machine.
	Others machine.Others `json:"others"`
	// Fitted.
	Memory     float64 `json:"efficiency_memory"`
	Core       float64 `json:"efficiency_core"`
	Arithmetic float64 `json:"efficiency_arithmetic"`
	Serial     float64 `json:"efficiency_serial"`
	Launch     float64 `json:"launch_us"`
	Step       float64 `json:"step_us"`
	Draw       float64 `json:"draw_us"`
	Call       float64 `json:"call_us"`
}

// knobs are the fitted fields, in the order of a point of the search.
func (f *Fit) knobs() []*float64 {
	return []*float64{&f.Memory, &f.Core, &f.Arithmetic, &f.Serial, &f.Launch, &f.Step, &f.Draw, &f.Call}
}

// bounds keep a point physical: shares are at most 1, times some milliseconds at most.
var bounds = [][2]float64{{0.2, 1}, {0.2, 1}, {0.2, 1}, {0.01, 1}, {0.2, 300}, {1, 5000}, {1, 2000}, {1, 2000}}

// point is where the fit is, as logarithms.
func (f Fit) point() []float64 {
	out := make([]float64, len(bounds))
	for i, k := range f.knobs() {
		out[i] = math.Log(*k)
	}
	return out
}

// at is the fit at a point.
func (f Fit) at(point []float64) Fit {
	for i, k := range f.knobs() {
		*k = min(max(math.Exp(point[i]), bounds[i][0]), bounds[i][1])
	}
	return f
}

// initial is a fit of the two benchmarks, with guesses of the rest.
func initial(k kernel.Report, r rpc.Report) (Fit, error) {
	f := Fit{Rates: map[string]float64{}, Memory: 0.95, Core: 0.75, Arithmetic: 0.8, Serial: 0.7, Launch: 8, Step: 300, Draw: 100, Call: 50}
	for _, d := range tensor.Formats() {
		if rate := rateOf(k, d); rate > 0 {
			f.Rates[d.String()] = rate
		}
	}
	if len(f.Rates) == 0 {
		return f, fmt.Errorf("bench kernel has no products of any format")
	}
	return f, f.network(r)
}

// rateOf is operations per second of a format: those of its products of the most rows, up
// to those of a large decode, without the time that reading the weights takes.
func rateOf(k kernel.Report, d tensor.DType) float64 {
	name := func(rows int) string { return fmt.Sprintf("%v x %d rows", d, rows) }
	find := func(rows int) float64 {
		i := slices.IndexFunc(k.Kernels, func(r kernel.Result) bool { return r.Name == name(rows) })
		if i < 0 {
			return 0
		}
		return k.Kernels[i].Rate
	}
	const block = 4096
	perWeight := float64(d.Bytes(block, block)) / (block * block)
	one := find(1) // GB/s
	for _, rows := range []int{32, 512} {
		many := find(rows) // Gop/s
		if many == 0 || one == 0 {
			continue
		}
		ops := 2 * float64(rows) // of a weight
		took := ops/many - perWeight/one
		return ops / max(took, 0.1*ops/many) * 1e9
	}
	return 0
}

// network reads latency, message and NIC from hops with mTLS of processes that run
// anywhere. A hop to several nodes at once costs two messages more for each, at the
// caller; a large one passes two NICs each way.
func (f *Fit) network(r rpc.Report) error {
	const large, nodes = 512 << 10, 8
	one, many, big := hop(r, small, 1), hop(r, small, nodes), hop(r, large, 1)
	if one == nil || many == nil || big == nil {
		return fmt.Errorf("bench rpc has no hops of %d and %d KiB to 1 and %d nodes with --pin none", small>>10, large>>10, nodes)
	}
	f.Message = max(1, (many.P50-one.P50)/(2*(nodes-1)))
	f.Bandwidth = 4 * (large - small) / max(1, big.P50-one.P50) * 1e6
	f.Latency = max(1, one.P50/2-2*f.Message-2*small/f.Bandwidth*1e6)
	f.Tail = f.Latency * max(1, one.P99/one.P50)
	return f.work(r)
}

// small is the payload of most calls, bytes.
const small = 8 << 10

// hop finds the hop with mTLS of processes that run anywhere; nil if there is none.
func hop(r rpc.Report, payload, nodes int) *rpc.Result {
	i := slices.IndexFunc(r.Results, func(x rpc.Result) bool {
		return x.Pin == rpc.Unpinned && x.Variant == rpc.Secure && x.Payload == payload && x.FanOut == nodes && x.Sequential == 1
	})
	if i < 0 {
		return nil
	}
	return &r.Results[i]
}

// work reads what a message takes of a node: a hop has two there.
func (f *Fit) work(r rpc.Report) error {
	one := hop(r, small, 1)
	if one == nil {
		return fmt.Errorf("bench rpc has no hop of %d KiB to 1 node with --pin none", small>>10)
	}
	f.Work = one.NodeCPU / 2
	return nil
}

func microsecondsOf(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

func microseconds(us float64) time.Duration { return time.Duration(us * float64(time.Microsecond)) }

// machineOf is a machine whose memory gives what was measured.
func (f Fit) machineOf(cores int, limits cell.Limits) *machine.Machine {
	m := &machine.Machine{Cores: cores, Units: 1, Memory: 1 << 40, Load: 1 << 30, Bandwidth: limits.Stream * 1e9}
	m.CoreBandwidth = min(limits.CoreStream*1e9, m.Bandwidth)
	m.MemoryShare, m.CoreShare, m.ArithmeticShare, m.Serial = f.Memory, f.Core, f.Arithmetic, f.Serial
	m.Launch, m.Step, m.Draw, m.Call = microseconds(f.Launch), microseconds(f.Step), microseconds(f.Draw), microseconds(f.Call)
	m.Start, m.Others = microseconds(f.Start), f.Others
	m.Rates, m.Fallback = map[tensor.DType]float64{}, 0
	for _, d := range tensor.Formats() {
		if rate := f.Rates[d.String()]; rate > 0 {
			m.Rates[d] = rate
			if m.Fallback == 0 || rate < m.Fallback {
				m.Fallback = rate
			}
		}
	}
	return m
}

// networkOf is the network of a cell.
func (f Fit) networkOf(s cell.Setting) machine.Network {
	delay := measure.FromMilliseconds(s.DelayMS)
	n := machine.Network{
		P50: microseconds(f.Latency) + delay, P99: microseconds(f.Tail) + delay, Bandwidth: f.Bandwidth, Message: microseconds(f.Message), Work: microseconds(f.Work),
	}
	if delay > 0 {
		n.Carry = microseconds(f.Carry)
	}
	return n
}

// WriteMachine writes the sections of a cluster file. Bandwidth is that of the first cell.
func (r Report) WriteMachine(out io.Writer) error {
	f, l := r.Fit, r.Limits
	_, err := fmt.Fprintf(out, `machines:
  this:
    cores: %d
    memory: 16Gi
    bandwidth: %.0fMB
    coreBandwidth: %.0fMB
    arithmetic: {%s}
    launch: %v
    load: 1Gi
    efficiency: {memory: %.3f, core: %.3f, arithmetic: %.3f, serial: %.3f}
    step: %v
    draw: %v
    call: %v
    start: %v
    others: {every: %v, for: %v, idle: %g}
network:
  latency: {p50: %v, p99: %v}
  bandwidth: %.0fMB
  message: %v
  work: %v
`, r.Cores, l.Stream*1e3, min(l.CoreStream, l.Stream)*1e3, ratesText(f.Rates), microseconds(f.Launch), f.Memory, f.Core, f.Arithmetic, f.Serial, microseconds(f.Step), microseconds(f.Draw), microseconds(f.Call),
		microseconds(f.Start), f.Others.Every, f.Others.For, f.Others.Idle,
		microseconds(f.Latency), microseconds(f.Tail), f.Bandwidth/1e6, microseconds(f.Message), microseconds(f.Work))
	return err
}

func ratesText(rates map[string]float64) (out string) {
	for _, d := range tensor.Formats() {
		if rate := rates[d.String()]; rate > 0 {
			out += fmt.Sprintf(", %v: %.3g", d, rate)
		}
	}
	return out[2:]
}
