package sim

import (
	"slices"
	"time"

	"github.com/hachi-serve/hachi/internal/router/pipeline"
	"github.com/hachi-serve/hachi/internal/router/scheduler"
	"github.com/hachi-serve/hachi/internal/sim/machine"
)

// step carries a batch through the layers, as pipeline.Runner does: attention takes the
// micro-batches in turn, layer by layer, each after its experts have answered.
type step struct {
	router *router
	spans  []scheduler.Span
	rows   int
	heads  int // rows whose logits are wanted
	jobs   []*layerJob
	memory []*layerJob // of all micro-batches there ever were

	layer, turn int // what attention computes next
	doing       doing
	failed      error
	began       time.Duration
	attending   time.Duration // since when attention computes
	idle        time.Duration // since when attention waits
	split       split
	drawing     time.Duration // the part of the head that comes after the step's measure
}

// doing is what the step waits for.
type doing int

const (
	nothing doing = iota
	attention
	experts // of the micro-batch whose turn it is, or of the last ones
	head
)

// begin starts a step of some spans.
func (s *step) begin(spans []scheduler.Span) {
	r := s.router
	s.spans, s.rows, s.failed, s.split = spans, 0, nil, split{}
	for _, span := range spans {
		s.rows += span.N
	}
	s.heads = s.headsAmong(0, s.rows)
	s.began = r.world.loop.Now()
	s.cut(r.batcher.Choose(s.rows))
	s.layer, s.turn = 0, 0
	s.advance()
}

// cut makes micro-batches whose sizes differ by at most one row.
func (s *step) cut(n int) {
	for len(s.memory) < n {
		s.memory = append(s.memory, &layerJob{step: s})
	}
	s.jobs = s.memory[:n]
	for i, j := range s.jobs {
		lo, hi := i*s.rows/n, (i+1)*s.rows/n
		j.rows, j.heads, j.seen = hi-lo, s.headsAmong(lo, hi), s.seen(lo, hi)
	}
}

// headsAmong counts those of the rows lo to hi-1 whose logits are wanted: the last of
// each span that reaches the end of what is known.
func (s *step) headsAmong(lo, hi int) int {
	heads, end := 0, 0
	for _, span := range s.spans {
		end += span.N
		if last := end - 1; lo <= last && last < hi && span.Seq.Computed+span.N >= len(span.Seq.Tokens) {
			heads++
		}
	}
	return heads
}

// seen is what attention of the rows lo to hi-1 looks at.
func (s *step) seen(lo, hi int) machine.Seen {
	out := machine.Seen{Rows: hi - lo}
	window := s.router.world.scenario.Shape.Config.SlidingWindow
	first := 0
	for _, span := range s.spans {
		from, to := max(lo-first, 0), min(hi-first, span.N)
		first += span.N
		if from >= to {
			continue
		}
		// Row i of the span sees the positions up to its own.
		start, rows := span.Seq.Computed, float64(to-from)
		cached, scores := float64(start+to), rows*float64(2*start+from+to+1)/2
		if window > 0 {
			cached, scores = min(cached, float64(window)+rows), min(scores, rows*float64(window))
		}
		out.Cached, out.Scores = out.Cached+cached, out.Scores+scores
	}
	return out
}

// advance lets attention go on until it has to wait.
func (s *step) advance() {
	r := s.router
	if s.layer == r.world.topology.Layers() {
		if s.calls() {
			s.wait(experts)
			return
		}
		s.finishLayers()
		return
	}
	j := s.jobs[s.turn]
	if j.inFlight {
		s.wait(experts)
		return
	}
	s.attending = r.world.loop.Now()
	s.wait(attention)
	dense := r.world.topology.In(s.layer) == 0
	ends := r.compute(r.world.loop.Now(), r.attention.Layer(j.seen, dense), s)
	if s.layer == r.world.topology.Layers()-1 {
		j.rows = j.heads
	}
	if !dense && j.rows > 0 {
		r.plan(j, s.layer, ends)
	}
}

// calls reports that calls of the step are in flight.
func (s *step) calls() bool {
	return slices.ContainsFunc(s.jobs, func(j *layerJob) bool { return j.inFlight })
}

func (s *step) wait(on doing) { s.doing, s.idle = on, s.router.world.loop.Now() }

// Fire implements event.Handler: attention, or the head, is computed.
func (s *step) Fire() {
	switch {
	case !s.router.up:
	case s.failed != nil:
		s.doing = nothing
		s.router.abandon(s.failed)
	case s.doing == head:
		s.doing = nothing
		s.router.commit(s)
	case s.doing == attention:
		s.attended()
	}
}

// attended sends the micro-batch to its experts and goes on with the next.
func (s *step) attended() {
	r, j := s.router, s.jobs[s.turn]
	took := r.world.loop.Now() - s.attending
	s.split.Attention += took
	r.batcher.ObserveAttention(j.seen.Rows, took)
	if r.world.topology.In(s.layer) > 0 && j.rows > 0 {
		if err := j.begin(s.layer); err != nil {
			s.doing = nothing
			s.fail(err)
			return
		}
	}
	if s.turn++; s.turn == len(s.jobs) {
		s.layer, s.turn = s.layer+1, 0
	}
	s.advance()
}

// answered goes on after the experts of a micro-batch have answered. What attention has
// waited for it counts as its call that came last spent it.
func (s *step) answered(j *layerJob) {
	r := s.router
	r.batcher.ObserveExperts(j.rows, j.took)
	r.world.stats.layers++
	if s.doing != experts {
		return
	}
	s.split.add(r.world.loop.Now()-s.idle, j)
	s.idle = r.world.loop.Now()
	s.advance()
}

// finishLayers computes the logits.
func (s *step) finishLayers() {
	r := s.router
	took := r.world.loop.Now() - s.began
	r.batcher.ObserveStep(s.rows, len(s.jobs), took/time.Duration(r.world.topology.Layers()))
	s.doing = head
	s.drawing = r.attention.Draw(s.heads)
	work := r.attention.Head(s.heads) + s.drawing
	s.split.Head = time.Duration(float64(work) * r.slow)
	r.compute(r.world.loop.Now(), work, s)
}

// fail abandons the step: its calls are canceled. Attention that computes ends first.
func (s *step) fail(err error) {
	if s.failed != nil {
		return
	}
	s.failed = err
	for _, j := range s.jobs {
		if j.inFlight {
			j.end()
		}
	}
	if s.doing != attention {
		s.doing = nothing
		s.router.abandon(err)
	}
}

// split is where the time of a step went.
type split struct{ Attention, Wire, Experts, Wait, Head time.Duration }

// add counts a wait for experts in the proportions of the call that came last.
func (s *split) add(waited time.Duration, j *layerJob) {
	if j.took <= 0 {
		return
	}
	share := float64(waited) / float64(j.took)
	compute := time.Duration(share * float64(min(j.last.compute, j.took)))
	queue := time.Duration(share * float64(min(j.last.queue, j.took-min(j.last.compute, j.took))))
	s.Experts, s.Wait = s.Experts+compute, s.Wait+queue
	s.Wire += waited - compute - queue
}

// maxMicroBatches is that of the product.
const maxMicroBatches = pipeline.MaxMicroBatches
