package machine

import (
	"time"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/moe"
)

// Machine is what computes.
type Machine struct {
	Cores  int
	Units  int   // that compute experts at the same time, each with the limits below
	Memory int64 // bytes, of all units
	// Bandwidth is how fast all cores together read memory, CoreBandwidth how fast one
	// does, bytes/s.
	Bandwidth, CoreBandwidth float64
	// Rates are operations per second of all cores, by the format of weights. A format
	// without one has that of Fallback.
	Rates    map[tensor.DType]float64
	Fallback float64
	Launch   time.Duration // of a kernel
	Load     float64       // bytes of weights per second, from a disk
	// MemoryShare and ArithmeticShare are the shares of the limits that kernels reach.
	MemoryShare, ArithmeticShare float64
}

// Kernels of one call: their launches are paid one after another.
const (
	expertKernels    = 3 // w1, w3, w2
	attentionKernels = 8 // norm, q, k, v, rotation, scores, output, norm and gate
	headKernels      = 2 // norm, product
)

// threads are a share of the machine's cores; 0 is all.
func (m *Machine) threads(n int) float64 {
	if n <= 0 || n > m.Cores {
		n = m.Cores
	}
	return float64(n)
}

// time is the roofline, in seconds, on some threads.
func (m *Machine) time(w Work, format tensor.DType, threads int) float64 {
	t := m.threads(threads)
	bandwidth := min(m.Bandwidth, t*m.CoreBandwidth) * m.MemoryShare
	rate, ok := m.Rates[format]
	if !ok {
		rate = m.Fallback
	}
	rate *= m.ArithmeticShare * t / float64(m.Cores)
	return max(w.Bytes/bandwidth, w.Ops/rate)
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// Experts is how fast a machine computes the experts of a model.
type Experts struct {
	read, row, launch float64 // seconds: of an expert's weights, of a row, of a kernel
	units             int
}

// Experts is the speed of a machine on some threads; 0 is all cores.
func (m *Machine) Experts(s *Shape, threads int) Experts {
	return Experts{
		read: m.time(Work{Bytes: float64(s.ExpertBytes)}, s.Experts, threads), row: m.time(Work{Ops: s.expertRow}, s.Experts, threads),
		launch: expertKernels * m.Launch.Seconds(), units: max(1, m.Units),
	}
}

// Batch is the time of the experts of a batch.
func (e *Experts) Batch(groups []moe.Group) time.Duration {
	var room [64]float64 // on the stack
	busy := room[:]
	if e.units > len(room) {
		busy = make([]float64, e.units)
	}
	longest := 0.0
	for _, g := range groups {
		unit := &busy[g.Expert%e.units]
		*unit += e.launch + max(e.read, e.row*float64(len(g.Index)))
		longest = max(longest, *unit)
	}
	return seconds(longest)
}

// Attention is how fast a machine computes all but the experts.
type Attention struct {
	machine *Machine
	shape   *Shape
	threads int
}

// Attention is the speed of a machine on some threads; 0 is all cores.
func (m *Machine) Attention(s *Shape, threads int) Attention { return Attention{m, s, threads} }

// Seen is what the attention of some rows looks at.
type Seen struct {
	Rows int
	// Cached counts the positions that are read, once for each sequence; Scores counts
	// pairs of a row and a position that it sees.
	Cached, Scores float64
}

// Layer is the time of the attention, the gate and, in a dense layer, the feed-forward
// network of one layer.
func (a *Attention) Layer(seen Seen, dense bool) time.Duration {
	s, rows := a.shape, float64(seen.Rows)
	work := Work{s.attention.Bytes + seen.Cached*s.KVBytes, s.attention.Ops*rows + s.score*seen.Scores}
	kernels := attentionKernels
	total := a.machine.time(work, s.Dense, a.threads)
	if dense {
		total += a.machine.time(Work{s.denseFFN.Bytes, s.denseFFN.Ops * rows}, s.Dense, a.threads)
		kernels += expertKernels
	}
	return seconds(total) + time.Duration(kernels)*a.machine.Launch
}

// Head is the time of the logits of some rows.
func (a *Attention) Head(outputs int) time.Duration {
	if outputs == 0 {
		return 0
	}
	work := Work{a.shape.head.Bytes, a.shape.head.Ops * float64(outputs)}
	return seconds(a.machine.time(work, a.shape.Dense, a.threads)) + headKernels*a.machine.Launch
}
