package failover

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/hachi-serve/hachi/internal/bench/plot"
)

// Report is what was measured.
type Report struct {
	Fault   Fault `json:"fault"`
	Streams int   `json:"streams"`
	Tokens  int   `json:"tokens"`
	Repeat  int   `json:"repeat"`
	Noticed int   `json:"noticed"` // repetitions in which the router put the node last
	// Calm are gaps between tokens without a fault, milliseconds.
	CalmP50 float64 `json:"undisturbed_itl_p50_ms"`
	CalmP99 float64 `json:"undisturbed_itl_p99_ms"`
	// Stalls of all streams of all repetitions, ascending, milliseconds.
	Stalls []float64 `json:"stalls_ms"`
	P50    float64   `json:"stall_p50_ms"`
	P90    float64   `json:"stall_p90_ms"`
	P99    float64   `json:"stall_p99_ms"`
	Max    float64   `json:"stall_max_ms"`

	calmP99 time.Duration
}

func (r *Report) undisturbed(gaps []time.Duration) {
	slices.Sort(gaps)
	r.calmP99 = gaps[rank(len(gaps), 99)]
	r.CalmP50, r.CalmP99 = milliseconds(gaps[rank(len(gaps), 50)]), milliseconds(r.calmP99)
}

func (r *Report) add(stalls []time.Duration, noticed bool) {
	if noticed {
		r.Noticed++
	}
	for _, s := range stalls {
		r.Stalls = append(r.Stalls, milliseconds(s))
	}
	slices.Sort(r.Stalls)
	n := len(r.Stalls)
	r.P50, r.P90, r.P99, r.Max = r.Stalls[rank(n, 50)], r.Stalls[rank(n, 90)], r.Stalls[rank(n, 99)], r.Stalls[n-1]
}

// rank is the place of a percentile among n sorted values, by nearest rank.
func rank(n, percent int) int { return max(0, (n*percent+99)/100-1) }

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// String is the report for people.
func (r Report) String() string {
	return fmt.Sprintf("%s, %d times (noticed %d), %d streams of %d tokens: no stream failed, every token is that of the undisturbed run\n"+
		"inter-token latency undisturbed: p50 %.1f ms, p99 %.1f ms\n"+
		"stall: p50 %.1f ms, p90 %.1f ms, p99 %.1f ms, max %.1f ms\n",
		r.Fault, r.Repeat, r.Noticed, r.Streams, r.Tokens, r.CalmP50, r.CalmP99, r.P50, r.P90, r.P99, r.Max)
}

const (
	figureWidth, figureHeight = 640, 300
	margin                    = 48
	bins                      = 40
)

// WriteFigure draws the histogram of stalls as SVG.
func (r Report) WriteFigure(out io.Writer) error {
	var counts [bins]int
	width := max(1, r.Max) / bins * 1.0001
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
	}{{"p50", r.P50}, {"p99", r.P99}} {
		fmt.Fprintf(s, `<line x1="%.1f" x2="%.1f" y1="%d" y2="%.1f" stroke="#d1793b"/>`, p.X(q.at), p.X(q.at), margin-8, floor)
		fmt.Fprintf(s, `<text x="%.1f" y="%d" fill="#d1793b">%s %.0f ms</text>`, p.X(q.at)+3, margin-10, q.name, q.at)
	}
	for i := range 5 {
		p.XLabel(s, p.XMax*float64(i)/4, 18, "%.0f ms")
	}
	p.YLabel(s, p.YMax, "%.0f")
}
