package status

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hachi-serve/hachi/internal/journal"
)

const (
	// KeepEvents, KeepChanges and KeepRequests bound what a Recorder keeps besides
	// samples.
	KeepEvents   = 2000
	KeepChanges  = 200
	KeepRequests = 1000
	// keepFor is the age at which an event or a change is no longer shown.
	keepFor = 24 * time.Hour
	// recent is the time over which the latencies of hops are measured.
	recent = time.Minute
)

// Recorder makes the history of a cluster of the states that it observes: a day of
// samples, the last events, the last changes of the placement and the last requests.
// Its memory is bounded, whatever it observes.
type Recorder struct {
	mu       sync.Mutex // guards the fields below
	state    State
	samples  ring[Sample]
	events   ring[Event]
	numbers  uint64 // events so far
	changes  ring[Change]
	requests ring[Request]
	sampled  counted
	minute   []counted // the counts of the last minute, for hops
}

// Request is a request of a process.
type Request struct {
	Role, Process string
	journal.Request
}

// NewRecorder has observed nothing.
func NewRecorder() *Recorder {
	return &Recorder{
		samples: ring[Sample]{keep: KeepSamples}, events: ring[Event]{keep: KeepEvents},
		changes: ring[Change]{keep: KeepChanges}, requests: ring[Request]{keep: KeepRequests},
	}
}

// Observe adds a state, which must be later than the one before. The recorder keeps
// it: the caller must not change it.
func (r *Recorder) Observe(s State) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.state
	if s.Fault == "" {
		s.Known = s.At
	} else {
		s.Cluster, s.ExpertBytes, s.Known, s.Clocks = before.Cluster, before.ExpertBytes, before.Known, before.Clocks
	}
	for _, e := range Differences(before, s) {
		r.numbers++
		e.Number = r.numbers
		r.events.add(e)
	}
	if c, ok := Changed(before, s); ok {
		r.changes.add(c)
	}
	for i, p := range s.Processes {
		for _, ended := range p.Ended {
			r.requests.add(Request{p.Role, p.ID, ended})
		}
		s.Processes[i].Ended = nil
	}
	r.state = s
	if s.At.Sub(r.sampled.at) >= SampleEvery {
		r.samples.add(sample(r.sampled, s))
		r.sampled = counted{s.At, s.Processes}
		r.minute = append(r.minute, r.sampled)
		r.minute = slices.DeleteFunc(r.minute, func(c counted) bool { return s.At.Sub(c.at) > recent+SampleEvery })
	}
}

// State is what was observed last.
func (r *Recorder) State() State {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state
}

// Samples are those since a time, the oldest first.
func (r *Recorder) Samples(since time.Time) []Sample {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.samples.list()
	from, _ := slices.BinarySearchFunc(all, since, func(s Sample, t time.Time) int { return s.At.Compare(t) })
	return all[from:]
}

// Events are those of a day, the newest first.
func (r *Recorder) Events() []Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.events.list()
	slices.Reverse(all)
	return slices.DeleteFunc(all, func(e Event) bool { return r.state.At.Sub(e.At) > keepFor })
}

// Changes are those of the placement of a day, the newest first.
func (r *Recorder) Changes() []Change {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.changes.list()
	slices.Reverse(all)
	return slices.DeleteFunc(all, func(c Change) bool { return r.state.At.Sub(c.At) > keepFor })
}

// Requests are those that run and the last that ended, of the processes that clients
// call, the newest first. What a gateway cannot know of an answer is its router's: the
// phase of one that runs, and the causes of stalls.
func (r *Recorder) Requests() (running, ended []Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := map[string][]journal.Stall{}  // stalls at routers, by the id of the request
	now := map[answer]journal.Request{} // those that run at routers
	edge := map[string]bool{}
	for _, p := range r.state.Edge() {
		edge[p.Role] = true
	}
	all := r.requests.list()
	for _, p := range r.state.Processes {
		for _, q := range p.Running {
			all = append(all, Request{p.Role, p.ID, q})
		}
	}
	for _, q := range all {
		if q.Role == RouterRole {
			at[q.ID] = append(at[q.ID], q.Stalls...)
			if !q.Phase.Ended() {
				now[answer{q.ID, q.Choice}] = q.Request
			}
		}
	}
	for _, q := range slices.Backward(all) {
		if !edge[q.Role] {
			continue
		}
		if q.Role == GatewayRole {
			q.Stalls = explained(q.Stalls, at[q.ID])
			if there, runs := now[answer{q.ID, q.Choice}]; runs && !q.Phase.Ended() {
				q.Phase, q.Computed = there.Phase, there.Computed
			}
		}
		if q.Phase.Ended() {
			ended = append(ended, q)
		} else {
			running = append(running, q)
		}
	}
	slices.SortStableFunc(running, func(a, b Request) int { return b.Began.Compare(a.Began) })
	return running, ended
}

// answer names one answer in every process.
type answer struct {
	request string
	choice  int
}

// explained gives the stalls that a gateway felt the causes that routers noted at the
// same time.
func explained(felt, noted []journal.Stall) []journal.Stall {
	out := slices.Clone(felt)
	for i, f := range out {
		var causes []string
		for _, n := range noted {
			overlap := n.At.After(f.At.Add(-f.Took)) && n.At.Add(-n.Took).Before(f.At)
			if overlap && !slices.Contains(causes, n.Cause) {
				causes = append(causes, n.Cause)
			}
		}
		if len(causes) > 0 {
			if f.Cause != journal.UnknownCause {
				causes = append([]string{f.Cause}, causes...)
			}
			out[i].Cause = strings.Join(causes, "; ")
		}
	}
	return out
}

// Hops are what a router counted of its calls to a node during the last minute; Bytes,
// Suspicions, Failovers and HedgesWon too. Seconds is how long that was.
func (r *Recorder) Hops() (hops map[string][]Hop, seconds float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	hops = map[string][]Hop{}
	var before counted
	if len(r.minute) > 0 {
		before = r.minute[0]
		seconds = r.state.At.Sub(before.at).Seconds()
	}
	for _, p := range r.state.Processes {
		if p.Role != RouterRole {
			continue
		}
		var old Process
		for _, b := range before.processes {
			if b.isRun(p) {
				old = b
			}
		}
		hops[p.ID] = []Hop{}
		for _, h := range p.Hops {
			hops[p.ID] = append(hops[p.ID], h.since(old))
		}
	}
	return hops, seconds
}

// since is a hop after an earlier description of its router.
func (h Hop) since(old Process) Hop {
	for _, o := range old.Hops {
		if o.Node == h.Node {
			h.Suspicions, h.Failovers, h.HedgesWon, h.Bytes = h.Suspicions-o.Suspicions, h.Failovers-o.Failovers, h.HedgesWon-o.HedgesWon, h.Bytes-o.Bytes
			h.Calls = h.Calls.Since(o.Calls)
		}
	}
	return h
}

// NodeCalls are the durations of calls of all routers to each node during the last
// minute.
func (r *Recorder) NodeCalls() map[string]journal.Latencies {
	hops, _ := r.Hops()
	out := map[string]journal.Latencies{}
	for _, all := range hops {
		for _, h := range all {
			out[h.Node] = out[h.Node].Plus(h.Calls)
		}
	}
	return out
}

// Latest is the newest sample; the zero Sample before the first.
func (r *Recorder) Latest() Sample {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.samples.items) == 0 {
		return Sample{}
	}
	return r.samples.list()[len(r.samples.items)-1]
}

// sortProcesses sorts processes and drops a second one of a name.
func sortProcesses(all []Process) []Process {
	slices.SortStableFunc(all, byRole)
	return slices.CompactFunc(all, func(a, b Process) bool { return cmp.Compare(a.Role, b.Role) == 0 && a.ID == b.ID })
}
