package plot

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// Colors differ for people who see few colors: those of Okabe and Ito, "Color
// Universal Design" (2008), but yellow.
var Colors = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#333333"}

// Series are values over a chart's horizontal axis.
type Series struct {
	Name   string
	X, Y   []float64
	Points bool // large points without a line: what was measured
}

// Mark is a moment on the horizontal axis.
type Mark struct {
	X    float64
	Name string
}

// Chart is a panel of lines. Its axes begin at zero; a logarithmic horizontal axis begins
// at the least value.
type Chart struct {
	Title, XTitle, YTitle string
	Log                   bool // the horizontal axis, with a label at each value
	Series                []Series
	Marks                 []Mark
}

// Draw draws the chart into a panel, whose maxima it sets.
func (c Chart) Draw(s *strings.Builder, p Panel) {
	low, right, top := math.Inf(1), 0.0, 0.0
	for _, l := range c.Series {
		for i := range l.X {
			low, right, top = min(low, l.X[i]), max(right, l.X[i]), max(top, l.Y[i])
		}
	}
	p.XMax, p.YMax = RoundUp(right), RoundUp(top)
	at := p.X
	if c.Log && low > 0 && right > low {
		at = func(v float64) float64 { return p.X(p.XMax * math.Log(v/low) / math.Log(right/low)) }
	}
	p.frame(s, c.Title, c.XTitle, c.YTitle)
	c.drawTicks(s, p, at)
	for _, m := range c.Marks {
		fmt.Fprintf(s, `<line x1="%.1f" x2="%.1f" y1="%d" y2="%.1f" stroke="#333" stroke-dasharray="3,3"/>`, at(m.X), at(m.X), p.Top, p.Y(0))
		fmt.Fprintf(s, `<text x="%.1f" y="%d" font-size="10">%s</text>`, at(m.X)+3, p.Top+10, html.EscapeString(m.Name))
	}
	for i, l := range c.Series {
		l.draw(s, p, at, i)
	}
}

// drawTicks labels the horizontal axis: at every value of a logarithmic one, at quarters of
// another.
func (c Chart) drawTicks(s *strings.Builder, p Panel, at func(float64) float64) {
	label := func(v float64) {
		fmt.Fprintf(s, `<text x="%.1f" y="%d" text-anchor="middle">%.4g</text>`, at(v), p.Height-p.Base+16, v)
	}
	if !c.Log {
		for i := range 5 {
			label(p.XMax * float64(i) / 4)
		}
		return
	}
	seen := map[float64]bool{}
	for _, l := range c.Series {
		for _, v := range l.X {
			if !seen[v] && !l.Points {
				seen[v] = true
				label(v)
			}
		}
	}
}

// dashes tell lines apart without colors.
var dashes = []string{"", "6,3", "2,2", "8,3,2,3", "1,3", "10,4", "4,1"}

func (l Series) draw(s *strings.Builder, p Panel, at func(float64) float64, i int) {
	color := Colors[i%len(Colors)]
	var points strings.Builder
	for j := range l.X {
		x, y := at(l.X[j]), p.Y(l.Y[j])
		if l.Points {
			fmt.Fprintf(s, `<path d="M%.1f %.1fh10m-5 -5v10" stroke="%s" stroke-width="2"/>`, x-5, y, color)
			continue
		}
		fmt.Fprintf(&points, "%.1f,%.1f ", x, y)
		if len(l.X) <= 32 {
			fmt.Fprintf(s, `<circle cx="%.1f" cy="%.1f" r="2.5" fill="%s"/>`, x, y, color)
		}
	}
	if !l.Points {
		fmt.Fprintf(s, `<polyline points="%s" fill="none" stroke="%s" stroke-width="1.5" stroke-dasharray="%s"/>`, strings.TrimSpace(points.String()), color, dashes[i%len(dashes)])
	}
}

// Stack is a panel of bars whose parts lie on one another.
type Stack struct {
	Title, XTitle, YTitle string
	Labels                []string    // of the bars
	Parts                 [][]float64 // of each bar, from below
}

// Draw draws the bars into a panel, whose maxima it sets.
func (c Stack) Draw(s *strings.Builder, p Panel) {
	top := 0.0
	for _, bar := range c.Parts {
		sum := 0.0
		for _, v := range bar {
			sum += v
		}
		top = max(top, sum)
	}
	p.XMax, p.YMax = float64(max(1, len(c.Labels))), RoundUp(top)
	p.frame(s, c.Title, c.XTitle, c.YTitle)
	for i, bar := range c.Parts {
		left, width, base := p.X(float64(i)+0.15), p.X(0.7)-p.X(0), 0.0
		for j, v := range bar {
			fmt.Fprintf(s, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`, left, p.Y(base+v), width, p.Y(base)-p.Y(base+v), Colors[j%len(Colors)])
			base += v
		}
		fmt.Fprintf(s, `<text x="%.1f" y="%d" text-anchor="middle">%s</text>`, p.X(float64(i)+0.5), p.Height-p.Base+16, html.EscapeString(c.Labels[i]))
	}
}

// frame writes titles and the lines and labels of the vertical axis.
func (p Panel) frame(s *strings.Builder, title, x, y string) {
	p.Title(s, 20, html.EscapeString(title))
	for i := range 5 {
		v := p.YMax * float64(i) / 4
		fmt.Fprintf(s, `<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#ddd"/>`, p.Left, p.Width-p.Right, p.Y(v), p.Y(v))
		p.YLabel(s, v, "%.4g")
	}
	fmt.Fprintf(s, `<text x="%d" y="%d" text-anchor="middle">%s</text>`, (p.Left+p.Width-p.Right)/2, p.Height-p.Base+32, html.EscapeString(x))
	fmt.Fprintf(s, `<text x="14" y="%d" text-anchor="middle" transform="rotate(-90 14 %d)">%s</text>`, p.Height/2, p.Height/2, html.EscapeString(y))
}

// Drawn is what fills a panel.
type Drawn interface {
	Draw(s *strings.Builder, p Panel)
}

const (
	panelWidth, panelHeight = 400, 280
	legendHeight            = 28
)

// Grid draws panels beside one another, at most three in a row, above a legend: names in
// the order of Colors.
func Grid(panels []Drawn, legend []string) (width, height int, draw func(*strings.Builder)) {
	columns := max(1, min(3, len(panels)))
	rows := (len(panels) + columns - 1) / columns
	width, height = columns*panelWidth, rows*panelHeight+legendHeight
	return width, height, func(s *strings.Builder) {
		for i, d := range panels {
			fmt.Fprintf(s, `<g transform="translate(%d,%d)">`, i%columns*panelWidth, i/columns*panelHeight)
			d.Draw(s, Panel{Width: panelWidth, Height: panelHeight, Left: 62, Right: 14, Top: 34, Base: 48})
			s.WriteString("</g>")
		}
		x := 62
		for i, name := range legend {
			fmt.Fprintf(s, `<rect x="%d" y="%d" width="12" height="12" fill="%s"/><text x="%d" y="%d">%s</text>`, x, height-24, Colors[i%len(Colors)], x+16, height-14, html.EscapeString(name))
			x += 40 + 7*len([]rune(name))
		}
	}
}

// RoundUp is the next of 1, 2, 5 times a power of ten; 1 for nothing.
func RoundUp(v float64) float64 {
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
