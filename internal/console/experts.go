package console

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/hachi-serve/hachi/internal/status"
)

// expertsBody is what the page of experts shows.
type expertsBody struct {
	Grid   grid
	Sorted bool // layers by skew
	Legend []legend
	Busy   []expertRow
	Window string // over which rates were measured; "" if none were
	Zero   int
	One    int
}

// legend explains a level of load.
type legend struct{ Class, Text string }

// expertRow is an expert in the table of the busiest.
type expertRow struct {
	Layer, Expert  int
	Rate, Mean     string // rows per second; times the mean of its layer
	Answer, Placed int
	Nodes          []string
}

// maxBusy bounds the table of the busiest experts.
const maxBusy = 20

func (c *Console) experts(v view) any {
	s := v.state
	out := expertsBody{Sorted: v.query("sort") == "skew", Legend: legends()}
	order := make([]int, len(s.Cluster.Placement))
	for i := range order {
		order[i] = i
	}
	skews := make([]float64, len(order))
	for layer := range order {
		skews[layer] = skew(s, layer)
	}
	if out.Sorted {
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(skews[b], skews[a]) })
	}
	out.Grid = gridOf(s, order)
	for _, cell := range out.Grid.cells {
		switch cell.answer {
		case 0:
			out.Zero++
		case 1:
			out.One++
		}
	}
	if s.Cluster.WindowSeconds > 0 {
		out.Window = fmt.Sprintf("%.0f s", s.Cluster.WindowSeconds)
	}
	out.Busy = busiest(s, out.Grid)
	return out
}

// mean is the mean load of the experts of a layer, rows per second.
func mean(s status.State, layer int) float64 {
	if layer >= len(s.Cluster.RowsPerSecond) || len(s.Cluster.RowsPerSecond[layer]) == 0 {
		return 0
	}
	sum := 0.0
	for _, rate := range s.Cluster.RowsPerSecond[layer] {
		sum += rate
	}
	return sum / float64(len(s.Cluster.RowsPerSecond[layer]))
}

// skew is how often the busiest expert of a layer has the mean load.
func skew(s status.State, layer int) float64 {
	if m := mean(s, layer); m > 0 {
		return slices.Max(s.Cluster.RowsPerSecond[layer]) / m
	}
	return 0
}

// busiest are the experts with the most load against the mean of their layer.
func busiest(s status.State, g grid) (out []expertRow) {
	means := make([]float64, len(g.Layers))
	for layer := range means {
		means[layer] = mean(s, layer)
	}
	cells := slices.DeleteFunc(slices.Clone(g.cells), func(c cell) bool { return c.rate == 0 })
	slices.SortStableFunc(cells, func(a, b cell) int { return cmp.Compare(b.rate/means[b.layer], a.rate/means[a.layer]) })
	for _, c := range cells[:min(len(cells), maxBusy)] {
		out = append(out, expertRow{
			Layer: c.layer, Expert: c.expert, Rate: count(c.rate), Mean: fmt.Sprintf("%.2f", c.rate/means[c.layer]), Answer: c.answer, Placed: c.placed,
			Nodes: s.Cluster.Placement[c.layer][c.expert],
		})
	}
	return out
}

func legends() (out []legend) {
	for level := range levels {
		text := count(levelFrom(level)) + " and more"
		switch {
		case level == 0:
			text = "none"
		case level == 1:
			text = "below 1"
		case level < levels-1:
			text = count(levelFrom(level)) + " to " + count(levelFrom(level+1))
		}
		out = append(out, legend{"l" + strconv.Itoa(level), text})
	}
	return out
}

// expertBody is what the panel of one expert shows.
type expertBody struct {
	cell
	Layer, Expert int
	Label         string
	Mean          string // times the mean of its layer; "" if nothing was measured
	Nodes         []expertNode
	Moves         []expertMove
}

// expertNode is a node that serves an expert.
type expertNode struct {
	Name    string
	Answers bool
	Why     string // it does not answer
}

// expertMove is a change of the nodes of an expert.
type expertMove struct {
	Epoch  uint64
	At     string
	Gained string
	Lost   string
	Why    string
}

// expert shows where an expert lives, and its moves, as a part of a page.
func (c *Console) expert(w http.ResponseWriter, r *http.Request, who Person) error {
	v := c.view(r, who)
	layer, err1 := strconv.Atoi(r.PathValue("layer"))
	expert, err2 := strconv.Atoi(r.PathValue("expert"))
	placement := v.state.Cluster.Placement
	if err1 != nil || err2 != nil || layer < 0 || layer >= len(placement) || expert < 0 || expert >= len(placement[layer]) {
		return &pageError{http.StatusNotFound, "the placement has no such expert"}
	}
	var out bytes.Buffer
	if err := c.pages.part(&out, "experts", "expert", c.describeExpert(v, layer, expert)); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, err := out.WriteTo(w)
	return err
}

func (c *Console) describeExpert(v view, layer, expert int) expertBody {
	s := v.state
	out := expertBody{Layer: layer, Expert: expert}
	g := gridOf(s, []int{layer})
	out.cell = g.cells[expert]
	out.Label = out.label()
	if m := mean(s, layer); m > 0 {
		out.Mean = fmt.Sprintf("%.2f", out.rate/m)
	}
	answering := s.Answering()
	for _, node := range s.Cluster.Placement[layer][expert] {
		n := expertNode{Name: node, Answers: answering[node]}
		if by := s.SuspectedBy(node); len(by) > 0 {
			n.Why = "suspected by " + strings.Join(by, ", ")
		} else if !n.Answers {
			n.Why = "not registered"
		}
		out.Nodes = append(out.Nodes, n)
	}
	for _, change := range c.Watcher.Changes() {
		for _, m := range change.Moves {
			if m.Layer == layer && m.Expert == expert {
				out.Moves = append(out.Moves, expertMove{change.Epoch, clock(change.At, v.now), strings.Join(m.Gained, ", "), strings.Join(m.Lost, ", "), change.Why})
			}
		}
	}
	return out
}
