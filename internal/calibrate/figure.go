package calibrate

import (
	"fmt"
	"html"
	"io"
	"math"
	"strings"

	"github.com/hachi-serve/hachi/internal/bench/plot"
)

const (
	side   = 380
	margin = 56
)

// WriteFigure draws, for each metric, simulated over measured as SVG: both axes are
// logarithmic, the line is equality, and the band is 10 % on both sides.
func (r Report) WriteFigure(out io.Writer) error {
	columns := 3
	rows := (len(metrics) + columns - 1) / columns
	return plot.Write(out, columns*side, rows*side, func(s *strings.Builder) {
		for i := range metrics {
			fmt.Fprintf(s, `<g transform="translate(%d,%d)">`, i%columns*side, i/columns*side)
			r.drawMetric(s, i)
			s.WriteString("</g>")
		}
		fmt.Fprintf(s, `<text x="%d" y="%d">filled: held out; hollow: fitted to</text>`, (len(metrics)%columns)*side+margin, (rows-1)*side+margin)
		for i, model := range r.models() {
			fmt.Fprintf(s, `<text x="%d" y="%d" fill="%s">%s</text>`, (len(metrics)%columns)*side+margin, (rows-1)*side+margin+20*(i+1), plot.Colors[i%len(plot.Colors)], html.EscapeString(model))
		}
	})
}

func (r Report) models() (out []string) {
	for _, e := range r.HeldOut {
		if e.Model != "" {
			out = append(out, e.Model)
		}
	}
	return out
}

// drawMetric draws one panel.
func (r Report) drawMetric(s *strings.Builder, metric int) {
	m := metrics[metric]
	low, high := math.Inf(1), 0.0
	for _, c := range r.Cells {
		for _, v := range []float64{m.of(c.Measured), m.of(c.Simulated)} {
			low, high = min(low, v), max(high, v)
		}
	}
	low, high = low/1.3, high*1.3
	span := math.Log(high / low)
	p := plot.Panel{Width: side, Height: side, Left: margin, Right: 16, Top: 36, Base: 44, XMax: span, YMax: span}
	at := func(v float64) float64 { return math.Log(v / low) }
	p.Title(s, 20, html.EscapeString(m.name+", simulated over measured"))
	for _, factor := range []float64{1 / 1.1, 1, 1.1} {
		dash := ""
		if factor != 1 {
			dash = ` stroke-dasharray="3,3"`
		}
		a, b := max(0, -math.Log(factor)), min(span, span-math.Log(factor))
		fmt.Fprintf(s, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="#999"%s/>`, p.X(a), p.Y(a+math.Log(factor)), p.X(b), p.Y(b+math.Log(factor)), dash)
	}
	for power := math.Ceil(math.Log10(low)); power <= math.Floor(math.Log10(high)); power++ {
		v := math.Pow(10, power)
		fmt.Fprintf(s, `<text x="%.1f" y="%d" text-anchor="middle">%g</text>`, p.X(at(v)), side-26, v)
		fmt.Fprintf(s, `<text x="%d" y="%.1f" text-anchor="end">%g</text>`, margin-6, p.Y(at(v))+4, v)
	}
	models := r.models()
	for _, c := range r.Cells {
		color := plot.Colors[0]
		for i, name := range models {
			if name == c.Setting.Model {
				color = plot.Colors[i%len(plot.Colors)]
			}
		}
		fill := "none"
		if c.HeldOut {
			fill = color
		}
		fmt.Fprintf(s, `<circle cx="%.1f" cy="%.1f" r="4" fill="%s" stroke="%s"><title>%s</title></circle>`,
			p.X(at(m.of(c.Measured))), p.Y(at(m.of(c.Simulated))), fill, color, html.EscapeString(c.Name))
	}
}
