package machine

import (
	"cmp"
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
	// MemoryShare, CoreShare and ArithmeticShare are the shares of Bandwidth, CoreBandwidth
	// and Rates that kernels reach; a CoreShare of 0 is MemoryShare.
	MemoryShare, CoreShare, ArithmeticShare float64
	// Serial is the share of the shorter of loading and computing in a core that the
	// longer does not hide: 0 is a roofline, 1 their sum.
	Serial float64
	// Step is what a router does once for every step, besides kernels; Draw is what it
	// does for each token that it draws: the choice of the token, and its way to the
	// client. Both take the time of all of its threads.
	Step, Draw time.Duration
	// Call is what an expert node does for the calls of a batch besides kernels: it is
	// woken, reads rows and writes answers, and finds caches full of another process's.
	Call time.Duration
	// Start is how long a process that starts again takes a core until its node is
	// registered.
	Start  time.Duration
	Others Others
}

// Others is what other work takes of a machine that processes share: where they leave less
// than a share of the cores idle in a period, everything stands still for a time at its end.
// So does Linux's server for fair tasks beside tasks of real time: 50 ms in a second.
type Others struct {
	Every, For time.Duration // 0 is never
	Idle       float64
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

// need is how long each limit of a machine needs for some work, seconds: its memory, its
// cores to load what they read, and their arithmetic.
type need struct{ memory, load, compute float64 }

// need is what work on some threads needs.
func (m *Machine) need(w Work, format tensor.DType, threads int) need {
	t := m.threads(threads)
	rate, ok := m.Rates[format]
	if !ok {
		rate = m.Fallback
	}
	return need{
		memory: w.Bytes / (m.Bandwidth * m.MemoryShare), load: w.Bytes / (t * m.CoreBandwidth * cmp.Or(m.CoreShare, m.MemoryShare)),
		compute: w.Ops / (rate * (m.ArithmeticShare * t / float64(m.Cores))),
	}
}

// time is how long work takes that needs the limits, in seconds.
func (m *Machine) time(n need) float64 {
	return max(n.memory, max(n.load, n.compute)+m.Serial*min(n.load, n.compute))
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// Experts is how fast a machine computes the experts of a model.
type Experts struct {
	machine *Machine
	bytes   float64 // of an expert
	read    need    // of an expert's weights
	row     float64 // seconds of computing a row
	launch  float64 // seconds of an expert's kernels
	call    float64 // seconds of a batch
	units   int
}

// Experts is the speed of a machine on some threads; 0 is all cores.
func (m *Machine) Experts(s *Shape, threads int) Experts {
	return Experts{
		machine: m, bytes: float64(s.ExpertBytes), read: m.need(Work{Bytes: float64(s.ExpertBytes)}, s.Experts, threads),
		row:    m.need(Work{Ops: s.expertRow}, s.Experts, threads).compute,
		launch: expertKernels * m.Launch.Seconds(), call: m.Call.Seconds(), units: max(1, m.Units),
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
		all := e.read
		all.compute = e.row * float64(len(g.Index))
		*unit += e.launch + e.machine.time(all)
		longest = max(longest, *unit)
	}
	if len(groups) > 0 {
		longest += e.call
	}
	return seconds(longest)
}

// Rate is how many bytes per second the experts of a batch read, which takes a time.
func (e *Experts) Rate(groups []moe.Group, took time.Duration) float64 {
	if took <= 0 {
		return 0
	}
	return float64(len(groups)) * e.bytes / took.Seconds()
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
	total := a.machine.time(a.machine.need(work, s.Dense, a.threads))
	if dense {
		total += a.machine.time(a.machine.need(Work{s.denseFFN.Bytes, s.denseFFN.Ops * rows}, s.Dense, a.threads))
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
	return seconds(a.machine.time(a.machine.need(work, a.shape.Dense, a.threads))) + headKernels*a.machine.Launch
}

// Draw is the time of the tokens that a step draws, and of what is done once a step.
func (a *Attention) Draw(outputs int) time.Duration {
	return a.machine.Step + time.Duration(outputs)*a.machine.Draw
}
