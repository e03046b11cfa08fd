package sweep

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/hachi-serve/hachi/internal/bench/plot"
)

// Figure is one picture of cells. Every dimension that is neither X, Series, Panels nor in
// Where has one value.
type Figure struct {
	Name   string            `yaml:"name"` // of its file, without .svg
	Kind   string            `yaml:"kind"` // of kinds
	Title  string            `yaml:"title"`
	X      string            `yaml:"x"`      // a dimension; "" is the kind's
	Series string            `yaml:"series"` // a line for each value
	Panels string            `yaml:"panels"` // a panel for each value
	Where  map[string]string `yaml:"where"`  // values of dimensions
}

// kind is what a figure shows.
type kind struct {
	title, unit string
	x           string
	y           func(Cell) float64
}

// kinds are by name. Efficiency, step and timeline are drawn in their own ways.
var kinds = map[string]kind{
	"throughput": {"Throughput", "tokens/s", "nodes", func(c Cell) float64 { return c.Throughput }},
	"efficiency": {"Throughput of a node, of that of the fewest", "%", "nodes", func(c Cell) float64 { return c.Throughput }},
	"per-user":   {"Throughput of a user", "tokens/s", "nodes", func(c Cell) float64 { return c.PerUser }},
	"itl":        {"Inter-token latency, p99", "ms", "load", func(c Cell) float64 { return c.GapP99 }},
	"cost":       {"Cost of a million tokens", "USD", "nodes", func(c Cell) float64 { return c.Cost }},
	"distinct":   {"Distinct experts of a batch of a node", "experts", "load", func(c Cell) float64 { return c.Distinct }},
	"memory":     {"Experts of the node with most", "GiB", "nodes", func(c Cell) float64 { return float64(c.Memory) / (1 << 30) }},
	"step":       {"Step time", "ms", "load", nil},
	"timeline":   {"Tokens of each second", "tokens/s", "", nil},
}

// axes name dimensions for readers.
var axes = map[string]string{"nodes": "expert nodes", "load": "load (users or requests/s)", "replicas": "replicas of each expert"}

// WriteFigure draws one figure as SVG. The error names a dimension that the figure leaves
// open.
func (r *Report) WriteFigure(out io.Writer, fig Figure) error {
	k := kinds[fig.Kind]
	fig.X = cmp.Or(fig.X, k.x)
	cells := fig.matching(r.Cells)
	if len(cells) == 0 {
		return fmt.Errorf("figure %s: no cell matches %v", fig.Name, fig.Where)
	}
	var panels []plot.Drawn
	var legend []string
	for _, v := range values(cells, fig.Series) {
		legend = append(legend, label(fig.Series, v))
	}
	if fig.Kind == "step" {
		legend = parts
	}
	for _, panel := range values(cells, fig.Panels) {
		some := only(cells, fig.Panels, panel)
		title := cmp.Or(fig.Title, k.title)
		if panel != "" {
			title += ", " + label(fig.Panels, panel)
		}
		drawn, err := fig.panel(title, some, only(fig.matching(r.Measured), fig.Panels, panel))
		if err != nil {
			return fmt.Errorf("figure %s: %w", fig.Name, err)
		}
		panels = append(panels, drawn)
	}
	if len(legend) == 1 && legend[0] == "" {
		legend = nil
	}
	if len(r.Measured) > 0 && fig.Kind != "step" {
		legend = append(slices.Clone(legend), "crosses: measured")
	}
	width, height, draw := plot.Grid(panels, legend)
	return plot.Write(out, width, height, draw)
}

// label is a value for readers: numbers have the name of their dimension.
func label(dim, value string) string {
	switch dim {
	case "nodes", "replicas", "load":
		return dim + " " + value
	}
	return value
}

// matching are the cells that have the values of Where. A measured cell knows no policy and
// no network.
func (fig Figure) matching(cells []Cell) (out []Cell) {
	for _, c := range cells {
		ok := true
		for dim, want := range fig.Where {
			have := c.value(dim)
			ok = ok && (have == want || (c.measured && have == ""))
		}
		if ok {
			out = append(out, c)
		}
	}
	return out
}

// values are those of a dimension, in the order of the cells; one "" of none.
func values(cells []Cell, dim string) (out []string) {
	for _, c := range cells {
		v := ""
		if dim != "" {
			v = c.value(dim)
		}
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

func only(cells []Cell, dim, value string) (out []Cell) {
	for _, c := range cells {
		if dim == "" || c.value(dim) == value {
			out = append(out, c)
		}
	}
	return out
}

// panel draws the cells of one panel.
func (fig Figure) panel(title string, cells, measured []Cell) (plot.Drawn, error) {
	k := kinds[fig.Kind]
	if fig.Kind == "timeline" {
		return timeline(title, k.unit, cells)
	}
	if err := fig.open(cells); err != nil {
		return nil, err
	}
	if fig.Kind == "step" {
		return steps(title, fig.X, cells), nil
	}
	chart := plot.Chart{Title: title, XTitle: cmp.Or(axes[fig.X], fig.X), YTitle: k.unit, Log: true}
	names := values(cells, fig.Series)
	for _, name := range names {
		chart.Series = append(chart.Series, fig.line(name, only(cells, fig.Series, name)))
	}
	// Crosses have the colors of their lines.
	if len(measured) > 0 && fig.Kind != "efficiency" {
		for _, name := range names {
			l := fig.line(name, only(measured, fig.Series, name))
			l.Points = true
			for len(chart.Series)%len(plot.Colors) != slices.Index(names, name)%len(plot.Colors) {
				chart.Series = append(chart.Series, plot.Series{Points: true})
			}
			chart.Series = append(chart.Series, l)
		}
	}
	return chart, nil
}

// open refuses a line that would have two values at one place.
func (fig Figure) open(cells []Cell) error {
	seen := map[[2]string]Setting{}
	for _, c := range cells {
		at := [2]string{c.value(fig.X), ""}
		if fig.Series != "" {
			at[1] = c.value(fig.Series)
		}
		if fig.Kind == "step" {
			at[1] = ""
		}
		other, twice := seen[at]
		if !twice {
			seen[at] = c.Setting
			continue
		}
		for _, dim := range dimensions {
			if other.value(dim) != c.value(dim) {
				return fmt.Errorf("%s has the values %s and %s: choose one in where, or make it x, series or panels", dim, other.value(dim), c.value(dim))
			}
		}
	}
	return nil
}

// line are the values of cells that serve.
func (fig Figure) line(name string, cells []Cell) plot.Series {
	k, l := kinds[fig.Kind], plot.Series{Name: name}
	cells = slices.Clone(cells)
	slices.SortStableFunc(cells, func(a, b Cell) int { return cmp.Compare(a.at(fig.X), b.at(fig.X)) })
	first := math.NaN()
	for _, c := range cells {
		y := k.y(c)
		if c.Failed != "" || !(y > 0) {
			continue
		}
		if fig.Kind == "efficiency" {
			y /= float64(c.Nodes)
			if math.IsNaN(first) {
				first = y
			}
			y *= 100 / first
		}
		l.X, l.Y = append(l.X, c.at(fig.X)), append(l.Y, y)
	}
	return l
}

// at is where a cell lies on an axis of numbers.
func (s Setting) at(dim string) float64 {
	switch dim {
	case "nodes":
		return float64(s.Nodes)
	case "replicas":
		return float64(s.Replicas)
	}
	return s.Load
}

// steps stacks where the time of steps goes.
func steps(title, x string, cells []Cell) plot.Stack {
	out := plot.Stack{Title: title, XTitle: cmp.Or(axes[x], x), YTitle: "ms of a step"}
	for _, c := range cells {
		if c.Failed == "" {
			out.Labels, out.Parts = append(out.Labels, c.value(x)), append(out.Parts, c.parts())
		}
	}
	return out
}

// timeline draws the tokens of each second of one cell, with its faults.
func timeline(title, unit string, cells []Cell) (plot.Drawn, error) {
	if len(cells) != 1 || len(cells[0].PerSecond) == 0 {
		return nil, fmt.Errorf("a timeline is of one cell with faults, here are %d cells", len(cells))
	}
	out := plot.Chart{Title: title, XTitle: "seconds", YTitle: unit, Series: make([]plot.Series, 1)}
	for i, n := range cells[0].PerSecond[:max(1, len(cells[0].PerSecond)-1)] { // the last second is not whole
		out.Series[0].X, out.Series[0].Y = append(out.Series[0].X, float64(i)+0.5), append(out.Series[0].Y, float64(n))
	}
	for _, f := range cells[0].Faults {
		out.Marks = append(out.Marks, plot.Mark{X: f.Seconds, Name: f.What})
	}
	return out, nil
}
