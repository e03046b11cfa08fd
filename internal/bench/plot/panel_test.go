package plot

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestAxesBeginAtZeroAndEndAtTheMargins(t *testing.T) {
	p := Panel{Width: 200, Height: 100, Left: 20, Right: 10, Top: 30, Base: 25, XMax: 4, YMax: 8}
	for _, tt := range []struct{ got, want float64 }{
		{p.X(0), 20}, {p.X(2), 105}, {p.X(4), 190},
		{p.Y(0), 75}, {p.Y(4), 52.5}, {p.Y(8), 30},
	} {
		if tt.got != tt.want {
			t.Errorf("%v, want %v", tt.got, tt.want)
		}
	}
}

// TestAGridIsWellFormed: charts, stacks, measured points, marks and names with angle
// brackets.
func TestAGridIsWellFormed(t *testing.T) {
	lines := Chart{
		Title: "a < b", Log: true, Marks: []Mark{{2, "kill <x>"}},
		Series: []Series{{Name: "l", X: []float64{1, 2, 8}, Y: []float64{1, 2, 3}}, {Name: "m", X: []float64{2}, Y: []float64{4}, Points: true}},
	}
	bars := Stack{Labels: []string{"1", "<2>"}, Parts: [][]float64{{1, 2}, {0, 0}}}
	width, height, draw := Grid([]Drawn{lines, bars, Chart{}, Stack{}}, []string{"one", "<two>"})
	var out strings.Builder
	if err := Write(&out, width, height, draw); err != nil {
		t.Fatal(err)
	}
	for d := xml.NewDecoder(strings.NewReader(out.String())); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%v\n%s", err, &out)
		}
	}
	// A logarithmic axis from 1 to 8 has 2 at a third.
	for _, want := range []string{`>a &lt; b<`, `<circle cx="170.0"`, `d="M165.0 73.6h10m-5 -5v10"`, `&lt;two&gt;`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %s in\n%s", want, &out)
		}
	}
	if strings.Contains(out.String(), "NaN") || strings.Contains(out.String(), "Inf") {
		t.Error(&out)
	}
}

func TestADocumentIsWellFormed(t *testing.T) {
	p := Panel{Width: 200, Height: 100, Left: 20, Right: 10, Top: 30, Base: 25, XMax: 4, YMax: 8}
	var out strings.Builder
	err := Write(&out, 200, 100, func(s *strings.Builder) {
		p.Title(s, 20, "a &amp; b")
		p.XLabel(s, 2, 16, "%.0f ms")
		p.YLabel(s, 8, "%.4g")
	})
	if err != nil {
		t.Fatal(err)
	}
	for d := xml.NewDecoder(strings.NewReader(out.String())); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%v\n%s", err, &out)
		}
	}
	for _, want := range []string{`<text x="105.0" y="91" text-anchor="middle">2 ms</text>`, `<text x="14" y="34.0" text-anchor="end">8</text>`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %s in\n%s", want, &out)
		}
	}
}
