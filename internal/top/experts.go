package top

import (
	"fmt"
	"strings"
)

// experts is a map of layers by experts: a glyph for the rows per second, and what is
// wrong with the replicas.
func experts(s state, width int) []string {
	placement := s.Cluster.Placement
	if len(placement) == 0 {
		return []string{"no placement is published yet"}
	}
	answer := s.Replicas()
	widest, hottest := 0, 0.0
	for layer, all := range placement {
		widest = max(widest, len(all))
		for expert := range all {
			hottest = max(hottest, s.rate(layer, expert))
		}
	}
	const margin = len("L000 ") + len("  skew 00.0")
	cell, each := 2, 1
	if widest*cell > width-margin {
		cell = 1
	}
	for (widest+each-1)/each*cell > width-margin && each < widest {
		each *= 2
	}
	legend := "rows/s: " + ramp[:1] + " none, from least to most " + ramp[1:] + "   x no replica"
	if cell == 2 {
		legend += "   ! one replica"
	}
	out := []string{legend}
	if each > 1 {
		out = append(out, fmt.Sprintf("a glyph is the busiest of %d experts", each))
	}
	for layer, all := range placement {
		var line strings.Builder
		fmt.Fprintf(&line, "L%-3d ", layer)
		sum, most := 0.0, 0.0
		for first := 0; first < len(all); first += each {
			busy, fewest := 0.0, len(s.Cluster.Nodes)+1
			for expert := first; expert < min(len(all), first+each); expert++ {
				rate := s.rate(layer, expert)
				sum, most, busy = sum+rate, max(most, rate), max(busy, rate)
				fewest = min(fewest, answer[layer][expert])
			}
			line.WriteString(cellOf(glyph(busy, hottest), fewest, cell))
		}
		if sum > 0 {
			fmt.Fprintf(&line, "  skew %.1f", most*float64(len(all))/sum)
		}
		out = append(out, line.String())
	}
	return out
}

// cellOf is one cell of the map.
func cellOf(heat byte, replicas, width int) string {
	switch {
	case replicas == 0 && width == 2:
		return "x "
	case replicas == 0:
		return "x"
	case width == 1:
		return string(heat)
	case replicas == 1:
		return string(heat) + "!"
	}
	return string(heat) + " "
}

// rate are the rows per second of an expert; 0 if they were not measured.
func (s state) rate(layer, expert int) float64 {
	if rates := s.Cluster.RowsPerSecond; layer < len(rates) && expert < len(rates[layer]) {
		return rates[layer][expert]
	}
	return 0
}
