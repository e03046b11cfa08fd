package failover

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/hachi-serve/hachi/internal/bench/cell"
	"github.com/hachi-serve/hachi/internal/bench/measure"
	"github.com/hachi-serve/hachi/internal/bench/memory"
	"github.com/hachi-serve/hachi/internal/bench/plot"
)

// Report is what was measured.
type Report struct {
	Fault   Fault `json:"fault"`
	Streams int   `json:"streams"`
	Tokens  int   `json:"tokens"`
	Repeat  int   `json:"repeat"`
	Noticed int   `json:"noticed"` // repetitions in which the router put the node last
	// Undisturbed is inter-token latency without a fault, of a run before each.
	Undisturbed measure.Latency `json:"undisturbed_itl"`
	longest     []time.Duration // gaps of all streams after the fault
	// Stalls of all streams of all repetitions, ascending, milliseconds.
	Stalls []float64       `json:"stalls_ms"`
	Stall  measure.Latency `json:"stall"`
	Moves  Moves           `json:"moves"` // of answers, with a gateway
	// Front is the process that clients call, and Memory its memory over all
	// repetitions.
	Front  string        `json:"front"`
	Memory memory.Growth `json:"memory"`
	// Scene is what a simulation needs to know, where expert nodes were killed.
	Scene *cell.Scene `json:"scene,omitempty"`
}

// sumUp takes the undisturbed gaps until now. A stall is how much longer than their p99 the
// longest gap of a stream is.
func (r *Report) sumUp(calm []time.Duration) {
	slices.Sort(calm)
	stalls := measure.Beyond(r.longest, measure.Percentile(calm, 99))
	r.Undisturbed, r.Stalls, r.Stall = measure.LatencyOf(calm), nil, measure.LatencyOf(stalls)
	for _, s := range stalls {
		r.Stalls = append(r.Stalls, measure.Milliseconds(s))
	}
}

// WriteText writes inter-token latency without a fault, and the stalls.
func (r Report) WriteText(out io.Writer) {
	fmt.Fprintf(out, "%s, %d times (noticed %d), %d streams of %d tokens: no stream failed, every byte is that of the undisturbed run\n",
		r.Fault, r.Repeat, r.Noticed, r.Streams, r.Tokens)
	writeLatencies(out, []latency{{"undisturbed inter-token latency", r.Undisturbed}, {"stall", r.Stall}})
	if s := r.Scene; s != nil {
		writeLatencies(out, []latency{{"longest gap of a stream after the fault", measure.LatencyOf(r.longest)}})
		fmt.Fprintf(out, "a start of a node takes %.2f s of a core\n", s.Start)
	}
	r.Moves.writeText(out)
	fmt.Fprintf(out, "%s's memory: %s\n", r.Front, r.Memory)
}

// latency is a row of a table.
type latency struct {
	name string
	measure.Latency
}

func writeLatencies(out io.Writer, rows []latency) {
	fmt.Fprintln(out, "\tp50\tp90\tp99\tmax\t")
	for _, r := range rows {
		fmt.Fprintf(out, "%s\t%.1f ms\t%.1f ms\t%.1f ms\t%.1f ms\t\n", r.name, r.P50, r.P90, r.P99, r.Max)
	}
}

const (
	figureWidth, figureHeight = 640, 300
	margin                    = 48
	bins                      = 40
)

// WriteFigure draws the histogram of stalls as SVG.
func (r Report) WriteFigure(out io.Writer) error {
	var counts [bins]int
	width := max(1, r.Stall.Max) / bins * 1.0001
	highest := 1
	for _, s := range r.Stalls {
		i := min(bins-1, int(s/width))
		counts[i]++
		highest = max(highest, counts[i])
	}
	p := plot.Panel{
		Width: figureWidth, Height: figureHeight, Left: margin, Right: margin, Top: margin, Base: margin,
		XMax: width * bins, YMax: float64(highest),
	}
	return plot.Write(out, figureWidth, figureHeight, func(s *strings.Builder) { r.draw(s, p, counts[:]) })
}

// draw writes bars of equal width over the horizontal axis, and two percentiles.
func (r Report) draw(s *strings.Builder, p plot.Panel, counts []int) {
	p.Title(s, 24, fmt.Sprintf("Stall of %d streams after %q, %d times", r.Streams, r.Fault, r.Repeat))
	width, floor := p.XMax/float64(len(counts)), p.Y(0)
	for i, n := range counts {
		left, right, top := p.X(float64(i)*width), p.X(float64(i+1)*width), p.Y(float64(n))
		fmt.Fprintf(s, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="#1b6ca8"/>`, left, top, right-left-1, floor-top)
	}
	for _, q := range []struct {
		name string
		at   float64
	}{{"p50", r.Stall.P50}, {"p99", r.Stall.P99}} {
		fmt.Fprintf(s, `<line x1="%.1f" x2="%.1f" y1="%d" y2="%.1f" stroke="#d1793b"/>`, p.X(q.at), p.X(q.at), margin-8, floor)
		fmt.Fprintf(s, `<text x="%.1f" y="%d" fill="#d1793b">%s %.0f ms</text>`, p.X(q.at)+3, margin-10, q.name, q.at)
	}
	for i := range 5 {
		p.XLabel(s, p.XMax*float64(i)/4, 18, "%.0f ms")
	}
	p.YLabel(s, p.YMax, "%.0f")
}
