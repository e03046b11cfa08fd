package serve

import (
	"fmt"
	"html"
	"io"
	"strings"

	"github.com/hachi-serve/hachi/internal/bench/measure"
	"github.com/hachi-serve/hachi/internal/bench/plot"
)

// A chart is one panel of the plot: lines over the request rate.
type chart struct {
	title, unit string
	lines       []line
}

type line struct {
	name   string
	values []float64
}

const (
	panelWidth, panelHeight = 420, 300
	left, right, top, base  = 62, 14, 34, 44
)

var colors = []string{"#1b6ca8", "#d1793b", "#7a3b8f"}

// WritePlot draws latency, throughput and goodput against load, as SVG.
func WritePlot(out io.Writer, reports []Report) error {
	pick := func(f func(Report) float64) []float64 {
		v := make([]float64, len(reports))
		for i, r := range reports {
			v[i] = f(r)
		}
		return v
	}
	latencies := func(q func(Report) measure.Latency) []line {
		return []line{
			{"p50", pick(func(r Report) float64 { return q(r).P50 })},
			{"p90", pick(func(r Report) float64 { return q(r).P90 })},
			{"p99", pick(func(r Report) float64 { return q(r).P99 })},
		}
	}
	charts := []chart{
		{"Time to first token", "ms", latencies(func(r Report) measure.Latency { return r.First })},
		{"Inter-token latency", "ms", latencies(func(r Report) measure.Latency { return r.Gap })},
		{"End to end", "ms", latencies(func(r Report) measure.Latency { return r.Total })},
		{"Requests", "requests/s", []line{
			{"sent", pick(func(r Report) float64 { return r.Rate })},
			{"good", pick(func(r Report) float64 { return r.Goodput })},
		}},
	}
	rates := pick(func(r Report) float64 { return r.Rate })
	return plot.Write(out, 2*panelWidth, 2*panelHeight, func(s *strings.Builder) {
		for i, c := range charts {
			fmt.Fprintf(s, `<g transform="translate(%d,%d)">`, i%2*panelWidth, i/2*panelHeight)
			c.draw(s, rates)
			s.WriteString("</g>")
		}
	})
}

// draw writes one panel.
func (c chart) draw(s *strings.Builder, rates []float64) {
	highest := 0.0
	for _, l := range c.lines {
		highest = max(highest, maximum(l.values))
	}
	p := plot.Panel{
		Width: panelWidth, Height: panelHeight, Left: left, Right: right, Top: top, Base: base,
		XMax: plot.RoundUp(maximum(rates)), YMax: plot.RoundUp(highest),
	}
	p.Title(s, 20, html.EscapeString(c.title))
	for i := range 5 {
		v := p.YMax * float64(i) / 4
		fmt.Fprintf(s, `<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#ddd"/>`, left, panelWidth-right, p.Y(v), p.Y(v))
		p.YLabel(s, v, "%.4g")
		p.XLabel(s, p.XMax*float64(i)/4, 16, "%.4g")
	}
	fmt.Fprintf(s, `<text x="%d" y="%d" text-anchor="middle">requests/s</text>`, (left+panelWidth-right)/2, panelHeight-10)
	fmt.Fprintf(s, `<text x="14" y="%d" text-anchor="middle" transform="rotate(-90 14 %d)">%s</text>`, panelHeight/2, panelHeight/2, c.unit)
	for i, l := range c.lines {
		var points strings.Builder
		for j, v := range l.values {
			fmt.Fprintf(&points, "%.1f,%.1f ", p.X(rates[j]), p.Y(v))
			fmt.Fprintf(s, `<circle cx="%.1f" cy="%.1f" r="2.5" fill="%s"/>`, p.X(rates[j]), p.Y(v), colors[i])
		}
		fmt.Fprintf(s, `<polyline points="%s" fill="none" stroke="%s" stroke-width="1.5"/>`, strings.TrimSpace(points.String()), colors[i])
		fmt.Fprintf(s, `<text x="%d" y="20" fill="%s" text-anchor="end">%s</text>`, panelWidth-right-40*(len(c.lines)-1-i), colors[i], html.EscapeString(l.name))
	}
}

func maximum(all []float64) (m float64) {
	for _, v := range all {
		m = max(m, v)
	}
	return m
}
