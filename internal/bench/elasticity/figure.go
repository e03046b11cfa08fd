package elasticity

import (
	"fmt"
	"io"
	"strings"

	"github.com/hachi-serve/hachi/internal/bench/plot"
)

const (
	figureWidth, figureHeight = 900, 420
	margin                    = 48
)

// WriteFigure draws the timeline as SVG: what clients received in each second, above
// how many nodes the placement names.
func (r Report) WriteFigure(out io.Writer) error {
	upper := plot.Panel{
		Width: figureWidth, Height: figureHeight, Left: margin, Right: margin, Top: 90, Base: 190,
		XMax: max(1, r.Seconds), YMax: float64(r.maxParts()),
	}
	lower := upper
	lower.Top, lower.Base, lower.YMax = 270, margin, float64(r.maxNodes())
	return plot.Write(out, figureWidth, figureHeight, func(s *strings.Builder) {
		upper.Title(s, 24, fmt.Sprintf("%d clients while nodes join and leave and every process restarts: %d answers, none failed, none differs", r.Clients, r.Answers))
		r.drawPhases(s, upper, lower)
		r.drawRates(s, upper)
		r.drawNodes(s, lower)
		for i := range 5 {
			lower.XLabel(s, lower.XMax*float64(i)/4, 18, "%.0f s")
		}
	})
}

// drawPhases names the phases over the panels, in two rows.
func (r Report) drawPhases(s *strings.Builder, upper, lower plot.Panel) {
	for i, p := range r.Phases {
		x := upper.X(p.From)
		fmt.Fprintf(s, `<line x1="%.1f" x2="%.1f" y1="%d" y2="%.1f" stroke="#d1793b" stroke-dasharray="3,3"/>`, x, x, 48+14*(i%3), lower.Y(0))
		fmt.Fprintf(s, `<text x="%.1f" y="%d" font-size="10" fill="#d1793b">%s</text>`, x+3, 56+14*(i%3), p.Name)
	}
}

// drawRates draws a bar for each whole second.
func (r Report) drawRates(s *strings.Builder, p plot.Panel) {
	for i, n := range r.Rates {
		left, right := p.X(float64(i)), p.X(min(p.XMax, float64(i+1)))
		fmt.Fprintf(s, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="#1b6ca8"/>`, left, p.Y(float64(n)), max(0.5, right-left-0.5), p.Y(0)-p.Y(float64(n)))
	}
	p.YLabel(s, p.YMax, "%.0f/s")
	p.YLabel(s, 0, "%.0f")
	fmt.Fprintf(s, `<text x="%d" y="%.1f" font-size="10">parts of answers per second</text>`, p.Left, p.Y(0)+14)
}

// drawNodes draws a line with a step where the number changes.
func (r Report) drawNodes(s *strings.Builder, p plot.Panel) {
	var path strings.Builder
	for i, at := range r.Serving {
		x, y := p.X(at.AtS), p.Y(float64(at.Nodes))
		if i == 0 {
			fmt.Fprintf(&path, "M%.1f %.1f", p.X(0), y)
			continue
		}
		fmt.Fprintf(&path, "H%.1fV%.1f", x, y)
	}
	if len(r.Serving) > 0 {
		fmt.Fprintf(s, `<path d="%sH%.1f" fill="none" stroke="#333" stroke-width="2"/>`, path.String(), p.X(p.XMax))
	}
	p.YLabel(s, p.YMax, "%.0f")
	p.YLabel(s, 0, "%.0f")
	fmt.Fprintf(s, `<text x="%d" y="%d" font-size="10">expert nodes that the placement names</text>`, p.Left, p.Top-4)
}
