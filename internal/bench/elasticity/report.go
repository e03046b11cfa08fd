package elasticity

import (
	"fmt"
	"io"
	"slices"
)

// Report is what was measured. Times are seconds since the beginning.
type Report struct {
	Model    string  `json:"model"`
	Replicas int     `json:"replicas"`
	Clients  int     `json:"clients"`
	Tokens   int     `json:"tokens"` // of an answer
	Answers  int     `json:"answers"`
	Seconds  float64 `json:"seconds"`
	Phases   []Phase `json:"phases"`
	Joins    []Join  `json:"joins"`
	// Rates are parts of answers that came in each second; a part is a token, or
	// several.
	Rates   []int     `json:"rates"`
	Serving []Serving `json:"serving"`
}

// Phase is a change, and the calm after it.
type Phase struct {
	Name string  `json:"name"`
	From float64 `json:"from"`
	Took float64 `json:"took"` // without the calm
	// LongestMS is the longest wait of a client for a part of an answer.
	LongestMS float64 `json:"longest_wait_ms"`
}

// Join is how long a node took, from the start of its process. ServedS may be a
// second late: nodes report their rows every second.
type Join struct {
	Node    string  `json:"node"`
	PlacedS float64 `json:"placed_s"` // until the placement names it
	ServedS float64 `json:"served_s"` // until it reports a row that it has served
	Bytes   uint64  `json:"bytes"`    // of its experts
	LoadS   float64 `json:"load_s"`   // bytes / the rate at which it loaded
}

// Serving is how many nodes the placement names from a time on.
type Serving struct {
	AtS   float64 `json:"at"`
	Nodes int     `json:"nodes"`
}

func (m *measurement) report() Report {
	m.clients.mu.Lock()
	defer m.clients.mu.Unlock()
	r := Report{
		Model: m.c.Up.Model.Dir, Replicas: m.c.Up.Placement.Replicas, Clients: m.c.Clients, Tokens: m.c.Tokens,
		Answers: m.clients.answers, Phases: m.phases, Joins: m.joins, Serving: m.serving,
	}
	for _, at := range m.clients.arrivals {
		since := at.Sub(m.began).Seconds()
		for len(r.Rates) <= int(since) {
			r.Rates = append(r.Rates, 0)
		}
		r.Rates[int(since)]++
		r.Seconds = max(r.Seconds, since)
	}
	return r
}

// WriteText writes a row for each phase, then one for each join.
func (r Report) WriteText(out io.Writer) {
	fmt.Fprintf(out, "%s: %d answers of %d tokens to %d clients in %.0f s, replicas %d; none failed, all as undisturbed\n",
		r.Model, r.Answers, r.Tokens, r.Clients, r.Seconds, r.Replicas)
	fmt.Fprintln(out, "\tfrom\ttook\tlongest wait\t")
	for _, p := range r.Phases {
		fmt.Fprintf(out, "%s\t%.1f s\t%.1f s\t%.0f ms\t\n", p.Name, p.From, p.Took, p.LongestMS)
	}
	fmt.Fprintln(out, "\njoin of\tplaced after\tfirst row after\tloaded\tat the measured rate\t")
	for _, j := range r.Joins {
		fmt.Fprintf(out, "%s\t%.2f s\t%.2f s\t%.1f MB\t%.2f s\t\n", j.Node, j.PlacedS, j.ServedS, float64(j.Bytes)/1e6, j.LoadS)
	}
}

// maxNodes is the peak.
func (r Report) maxNodes() int {
	most := 1
	for _, s := range r.Serving {
		most = max(most, s.Nodes)
	}
	return most
}

// maxParts is the best second.
func (r Report) maxParts() int { return max(1, slices.Max(append(slices.Clone(r.Rates), 1))) }
