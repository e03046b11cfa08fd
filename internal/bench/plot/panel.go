package plot

import (
	"fmt"
	"io"
	"strings"
)

// Write writes a white document and what draw draws on it.
func Write(out io.Writer, width, height int, draw func(*strings.Builder)) error {
	var s strings.Builder
	fmt.Fprintf(&s, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">`, width, height)
	s.WriteString(`<rect width="100%" height="100%" fill="white"/>`)
	draw(&s)
	s.WriteString("</svg>\n")
	_, err := io.WriteString(out, s.String())
	return err
}

// Panel is a rectangle, in pixels, with a field between its margins.
type Panel struct {
	Width, Height          int
	Left, Right, Top, Base int     // margins
	XMax, YMax             float64 // values at the end of the axes, above 0
}

// X is where a value lies on the horizontal axis.
func (p Panel) X(v float64) float64 {
	return float64(p.Left) + v/p.XMax*float64(p.Width-p.Left-p.Right)
}

// Y is where a value lies on the vertical axis.
func (p Panel) Y(v float64) float64 {
	return float64(p.Height-p.Base) - v/p.YMax*float64(p.Height-p.Top-p.Base)
}

// Title writes the panel's title, which is XML, on a line y.
func (p Panel) Title(s *strings.Builder, y int, title string) {
	fmt.Fprintf(s, `<text x="%d" y="%d" font-weight="bold">%s</text>`, p.Left, y, title)
}

// XLabel writes a value below, in pixels, under the horizontal axis.
func (p Panel) XLabel(s *strings.Builder, v float64, below int, format string) {
	fmt.Fprintf(s, `<text x="%.1f" y="%d" text-anchor="middle">`+format+`</text>`, p.X(v), p.Height-p.Base+below, v)
}

// YLabel writes a value to the left of the vertical axis.
func (p Panel) YLabel(s *strings.Builder, v float64, format string) {
	fmt.Fprintf(s, `<text x="%d" y="%.1f" text-anchor="end">`+format+`</text>`, p.Left-6, p.Y(v)+4, v)
}
