package top

import (
	"fmt"
	"math"
	"strings"

	"github.com/hachi-serve/hachi/internal/printable"
)

// ramp are glyphs from nothing to the maximum.
const ramp = "_.:-=+*#%@"

// glyph is a value on a logarithmic scale up to a maximum: each step of the ramp is a
// factor of the maximum's nine-th root of 1000.
func glyph(value, maximum float64) byte {
	if value <= 0 || maximum <= 0 {
		return ramp[0]
	}
	const decades = 3
	steps := len(ramp) - 2
	step := int(math.Round(float64(steps) * (1 + math.Log10(value/maximum)/decades)))
	return ramp[1+max(0, min(step, steps))]
}

// sparkline is a series as bars of one line.
func sparkline(values []float64, width int) string {
	bars := []rune("▁▂▃▄▅▆▇█")
	values = values[max(0, len(values)-width):]
	maximum := 0.0
	for _, v := range values {
		maximum = max(maximum, v)
	}
	var out strings.Builder
	for _, v := range values {
		at := 0
		if maximum > 0 {
			at = int(v / maximum * float64(len(bars)-1))
		}
		out.WriteRune(bars[at])
	}
	return out.String()
}

// fit cuts a line to a width.
func fit(line string, width int) string {
	if all := []rune(line); len(all) > width {
		return string(all[:max(0, width-1)]) + "…"
	}
	return line
}

// printed is text of the network, without control characters.
func printed(text string) string { return strings.TrimSuffix(printable.Line(text), "\n") }

// column is the text of a cell in a width.
func column(text string, width int) string { return fmt.Sprintf("%-*s", width, fit(text, width)) }

// table aligns rows. The last column takes what is left.
func table(rows [][]string) []string {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	var out []string
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			if i > 0 {
				line.WriteString("  ")
			}
			line.WriteString(column(cell, widths[i]))
		}
		out = append(out, strings.TrimRight(line.String(), " "))
	}
	return out
}

// count is a number that fits a column.
func count(n float64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.1fG", n/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.1fM", n/1e6)
	case n >= 1e4:
		return fmt.Sprintf("%.1fk", n/1e3)
	}
	return fmt.Sprintf("%.0f", n)
}

// seconds is a duration; "-" was not measured.
func seconds(s float32) string {
	if s == 0 {
		return "-"
	}
	return fmt.Sprintf("%.3gms", 1000*s)
}

// size is a number of bytes.
func size(bytes uint64) string { return fmt.Sprintf("%.1fMi", float64(bytes)/(1<<20)) }
