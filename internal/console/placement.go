package console

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hachi-serve/hachi/internal/status"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// placementBody is what the page of placements shows.
type placementBody struct {
	MayAct   bool
	Epoch    uint64
	Policy   string
	Replicas uint32
	Leader   string
	Degraded string
	Changes  []changeRow
}

// changeRow is a change of the placement.
type changeRow struct {
	Epoch, Before      uint64
	At, Why, Leader    string
	Gained, Lost, More int
	Bytes              string
	Moves              []moveRow
}

// moveRow is an expert that moved.
type moveRow struct {
	Layer, Expert int
	Gained, Lost  string
}

func (c *Console) placement(v view) any {
	s := v.state.Cluster
	out := placementBody{MayAct: v.who.MayAct, Epoch: s.Epoch, Policy: s.Policy, Replicas: s.Replicas, Leader: s.Leader, Degraded: s.Degraded}
	for _, change := range c.Watcher.Changes() {
		out.Changes = append(out.Changes, changeOf(change, v.now))
	}
	return out
}

func changeOf(c status.Change, now time.Time) changeRow {
	out := changeRow{
		Epoch: c.Epoch, Before: c.Before, At: clock(c.At, now), Why: c.Why, Leader: c.Leader, Gained: c.Gained, Lost: c.Lost, Bytes: size(float64(c.Bytes)),
	}
	shown := 0
	for _, m := range c.Moves {
		out.Moves = append(out.Moves, moveRow{m.Layer, m.Expert, strings.Join(m.Gained, ", "), strings.Join(m.Lost, ", ")})
		shown += len(m.Gained) + len(m.Lost)
	}
	out.More = c.Gained + c.Lost - shown
	return out
}

// planBody is what a plan would change, as a diff.
type planBody struct {
	Asked     bool
	Rebalance bool
	Without   string
	Policy    string
	Replicas  uint32
	Notes     []string
	Nodes     []plannedNode
	Moves     []plannedMove
	More      int // moves that are not shown
	Bytes     string
	Longest   string // of the node that loads longest
}

// plannedNode is a node before and after a plan.
type plannedNode struct {
	Name                string
	Before, After       uint32
	Loads, Takes, Holds string
}

// plannedMove is a line of the diff.
type plannedMove struct {
	Layer, Expert uint32
	From, To, Why string
}

// maxPlanned bounds the lines of a diff.
const maxPlanned = 1000

// plan asks the leader what a placement would change. Nothing is changed.
func (c *Console) plan(w http.ResponseWriter, r *http.Request, who Person) error {
	q := r.URL.Query()
	out := planBody{Asked: q.Has("ask"), Rebalance: q.Get("rebalance") == "1", Without: q.Get("without")}
	if out.Asked {
		m, err := c.Acts.Plan(r.Context(), who.key, &hachiv1.PlanPlacementRequest{Without: names(out.Without), Rebalance: out.Rebalance})
		if err != nil {
			return err
		}
		out.fill(m)
	}
	return c.pages.write(w, "plan", c.frame(who, "Plan", "placement", out))
}

// names reads names with commas or spaces between them.
func names(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}

func (b *planBody) fill(m *hachiv1.PlanPlacementResponse) {
	b.Policy, b.Replicas, b.Notes = m.GetPolicy(), m.GetReplicas(), m.GetNotes()
	bytes, longest := uint64(0), 0.0
	for _, n := range m.GetNodes() {
		bytes, longest = bytes+n.GetLoadBytes(), max(longest, n.GetLoadSeconds())
		b.Nodes = append(b.Nodes, plannedNode{
			n.GetNodeId(), n.GetExpertsBefore(), n.GetExpertsAfter(), size(float64(n.GetLoadBytes())), span(duration(n.GetLoadSeconds())), size(float64(n.GetBytes())),
		})
	}
	slices.SortFunc(b.Nodes, func(a, c plannedNode) int { return compareNames(a.Name, c.Name) })
	b.Bytes, b.Longest = size(float64(bytes)), span(duration(longest))
	for _, move := range m.GetMoves() {
		if len(b.Moves) == maxPlanned {
			b.More = len(m.GetMoves()) - maxPlanned
			break
		}
		b.Moves = append(b.Moves, plannedMove{move.GetLayer(), move.GetExpert(), move.GetFrom(), move.GetTo(), move.GetWhy()})
	}
}

func duration(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }

// Headline says in a sentence what a plan moves.
func (b planBody) Headline() string {
	if len(b.Moves) == 0 {
		return "Nothing would move."
	}
	return fmt.Sprintf("%s would change, %s would be loaded; the slowest node needs %s.", plural(len(b.Moves)+b.More, "copy", "copies"), b.Bytes, b.Longest)
}
