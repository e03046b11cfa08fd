package console

import (
	"html/template"
	"math"
	"strconv"

	"github.com/hachi-serve/hachi/internal/status"
)

// grid is the heat map: a row for each layer, a column for each expert.
type grid struct {
	Columns int   // experts of the widest layer
	Layers  []int // layers in the order of the rows
	widths  []int // experts of each row
	cells   []cell
}

// cell is one expert.
type cell struct {
	layer, expert int
	level         int // of load, 0 to levels-1
	answer        int // replicas that answer
	placed        int // replicas
	rate          float64
}

// levels of load: none, below 1 row/s, then two for each factor of 10. They do not
// depend on other experts, so that a color means the same on every page.
const levels = 10

// levelOf is the level of a rate, rows per second.
func levelOf(rate float64) int {
	switch {
	case rate <= 0:
		return 0
	case rate < 1:
		return 1
	}
	return min(levels-1, 2+int(2*math.Log10(rate)))
}

// levelFrom is the smallest rate of a level.
func levelFrom(level int) float64 {
	if level < 2 {
		return 0
	}
	return math.Pow(10, float64(level-2)/2)
}

// gridOf makes the heat map of a state, with its layers in a given order.
func gridOf(s status.State, order []int) grid {
	g := grid{Layers: order}
	answering := s.Answering()
	for _, layer := range order {
		experts := s.Cluster.Placement[layer]
		g.widths, g.Columns = append(g.widths, len(experts)), max(g.Columns, len(experts))
		for expert, nodes := range experts {
			c := cell{layer: layer, expert: expert, placed: len(nodes), rate: rateOf(s, layer, expert)}
			for _, node := range nodes {
				if answering[node] {
					c.answer++
				}
			}
			c.level = levelOf(c.rate)
			g.cells = append(g.cells, c)
		}
	}
	return g
}

// rateOf is the load of an expert, rows per second; 0 if it was not measured.
func rateOf(s status.State, layer, expert int) float64 {
	if layer < len(s.Cluster.RowsPerSecond) && expert < len(s.Cluster.RowsPerSecond[layer]) {
		return s.Cluster.RowsPerSecond[layer][expert]
	}
	return 0
}

// glyph is what a cell shows: its replicas that answer.
func (c cell) glyph() string {
	if c.answer == 0 {
		return "✕"
	}
	return strconv.Itoa(c.answer)
}

// class is how a cell looks: its level, and whether 0, 1 or more replicas answer.
func (c cell) class() string {
	return "l" + strconv.Itoa(c.level) + " r" + strconv.Itoa(min(c.answer, 2))
}

// label is what a cell says.
func (c cell) label() string {
	return "layer " + strconv.Itoa(c.layer) + " expert " + strconv.Itoa(c.expert) + ": " + count(c.rate) + " rows/s, " +
		strconv.Itoa(c.answer) + " of " + strconv.Itoa(c.placed) + " replicas answer"
}

// HTML is the body of the table. It has numbers and fixed texts only.
func (g grid) HTML() template.HTML {
	out := make([]byte, 0, 160*len(g.cells))
	at := 0
	for row, layer := range g.Layers {
		out = append(out, `<tr><th scope="row">`...)
		out = strconv.AppendInt(out, int64(layer), 10)
		out = append(out, "</th>"...)
		if g.widths[row] == 0 {
			out = append(out, `<td colspan="`...)
			out = strconv.AppendInt(out, int64(max(1, g.Columns)), 10)
			out = append(out, `" class="dense">dense</td>`...)
		}
		for range g.widths[row] {
			c := g.cells[at]
			out = append(out, `<td class="`...)
			out = append(out, c.class()...)
			out = append(out, `" tabindex="`...)
			if at == 0 {
				out = append(out, '0')
			} else {
				out = append(out, "-1"...)
			}
			out = append(out, `" aria-label="`...)
			out = append(out, c.label()...)
			out = append(out, `" data-e="`...)
			out = strconv.AppendInt(out, int64(c.layer), 10)
			out = append(out, '/')
			out = strconv.AppendInt(out, int64(c.expert), 10)
			out = append(out, `">`...)
			out = append(out, c.glyph()...)
			out = append(out, "</td>"...)
			at++
		}
		out = append(out, "</tr>\n"...)
	}
	return template.HTML(out) // #nosec G203 -- numbers and fixed texts
}

// Heads are the numbers of the columns.
func (g grid) Heads() []int {
	out := make([]int, g.Columns)
	for i := range out {
		out[i] = i
	}
	return out
}

// changed are the cells that differ from earlier ones, all of them without earlier
// ones: index, class, glyph, label.
func (g grid) changed(before []cell) [][4]any {
	var out [][4]any
	for i, c := range g.cells {
		if i < len(before) && c == before[i] {
			continue
		}
		if i >= len(before) || c.class() != before[i].class() || c.label() != before[i].label() {
			out = append(out, [4]any{i, c.class(), c.glyph(), c.label()})
		}
	}
	return out
}
