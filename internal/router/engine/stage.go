package engine

import "github.com/hachi-serve/hachi/internal/router/scheduler"

// notify reports the stage of a request that has rows in a step.
func (f *activeRequest) notify(span scheduler.Span) {
	to := Drawing
	if seq := span.Seq; seq.Computed < f.req.known() || len(seq.Tokens)-seq.Computed > 1 {
		to = Prefilling
	}
	f.move(to, span.Seq.Computed)
}

// move reports a stage. While a request draws, nothing else is reported.
func (f *activeRequest) move(to Stage, computed int) {
	if changed := to != f.stage; f.req.Moved != nil && (changed || to == Prefilling) {
		f.req.Moved(to, computed)
	}
	f.stage = to
}

// notifyPreempted reports that requests have lost their places since the last call.
func (e *Engine) notifyPreempted() {
	n := e.sched.Preempted()
	if n == e.evicted {
		return
	}
	e.evicted = n
	for _, f := range e.active {
		if f.started && f.stage != Queued && !f.seq.Placed() {
			f.move(Queued, 0)
		}
	}
}
