package serve

import (
	"fmt"
	"html"
	"io"
	"math"
	"strings"
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

var colours = []string{"#1b6ca8", "#d1793b", "#7a3b8f"}

// WritePlot draws latency, throughput and goodput against load, as SVG.
func WritePlot(out io.Writer, reports []Report) error {
	pick := func(f func(Report) float64) []float64 {
		v := make([]float64, len(reports))
		for i, r := range reports {
			v[i] = f(r)
		}
		return v
	}
	quantiles := func(q func(Report) Quantiles) []line {
		return []line{
			{"p50", pick(func(r Report) float64 { return q(r).P50 })},
			{"p90", pick(func(r Report) float64 { return q(r).P90 })},
			{"p99", pick(func(r Report) float64 { return q(r).P99 })},
		}
	}
	charts := []chart{
		{"Time to first token", "ms", quantiles(func(r Report) Quantiles { return r.First })},
		{"Inter-token latency", "ms", quantiles(func(r Report) Quantiles { return r.Gap })},
		{"End to end", "ms", quantiles(func(r Report) Quantiles { return r.Total })},
		{"Requests", "requests/s", []line{
			{"sent", pick(func(r Report) float64 { return r.Rate })},
			{"good", pick(func(r Report) float64 { return r.Goodput })},
		}},
	}
	rates := pick(func(r Report) float64 { return r.Rate })
	var s strings.Builder
	fmt.Fprintf(&s, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">`, 2*panelWidth, 2*panelHeight)
	s.WriteString(`<rect width="100%" height="100%" fill="white"/>`)
	for i, c := range charts {
		fmt.Fprintf(&s, `<g transform="translate(%d,%d)">`, i%2*panelWidth, i/2*panelHeight)
		c.draw(&s, rates)
		s.WriteString("</g>")
	}
	s.WriteString("</svg>\n")
	_, err := io.WriteString(out, s.String())
	return err
}

// draw writes one panel.
func (c chart) draw(s *strings.Builder, rates []float64) {
	xMax, yMax := roundUp(maximum(rates)), 0.0
	for _, l := range c.lines {
		yMax = max(yMax, maximum(l.values))
	}
	yMax = roundUp(yMax)
	x := func(v float64) float64 { return left + v/xMax*(panelWidth-left-right) }
	y := func(v float64) float64 { return panelHeight - base - v/yMax*(panelHeight-top-base) }
	fmt.Fprintf(s, `<text x="%d" y="20" font-weight="bold">%s</text>`, left, html.EscapeString(c.title))
	for i := range 5 {
		v := yMax * float64(i) / 4
		fmt.Fprintf(s, `<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#ddd"/>`, left, panelWidth-right, y(v), y(v))
		fmt.Fprintf(s, `<text x="%d" y="%.1f" text-anchor="end">%.4g</text>`, left-6, y(v)+4, v)
		v = xMax * float64(i) / 4
		fmt.Fprintf(s, `<text x="%.1f" y="%d" text-anchor="middle">%.4g</text>`, x(v), panelHeight-base+16, v)
	}
	fmt.Fprintf(s, `<text x="%d" y="%d" text-anchor="middle">requests/s</text>`, (left+panelWidth-right)/2, panelHeight-10)
	fmt.Fprintf(s, `<text x="14" y="%d" text-anchor="middle" transform="rotate(-90 14 %d)">%s</text>`, panelHeight/2, panelHeight/2, c.unit)
	for i, l := range c.lines {
		var points strings.Builder
		for j, v := range l.values {
			fmt.Fprintf(&points, "%.1f,%.1f ", x(rates[j]), y(v))
			fmt.Fprintf(s, `<circle cx="%.1f" cy="%.1f" r="2.5" fill="%s"/>`, x(rates[j]), y(v), colours[i])
		}
		fmt.Fprintf(s, `<polyline points="%s" fill="none" stroke="%s" stroke-width="1.5"/>`, strings.TrimSpace(points.String()), colours[i])
		fmt.Fprintf(s, `<text x="%d" y="20" fill="%s" text-anchor="end">%s</text>`, panelWidth-right-40*(len(c.lines)-1-i), colours[i], html.EscapeString(l.name))
	}
}

func maximum(all []float64) (m float64) {
	for _, v := range all {
		m = max(m, v)
	}
	return m
}

// roundUp is the next of 1, 2, 5 times a power of ten; 1 for nothing.
func roundUp(v float64) float64 {
	if !(v > 0) {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, step := range []float64{1, 2, 5} {
		if v <= step*power {
			return step * power
		}
	}
	return 10 * power
}
