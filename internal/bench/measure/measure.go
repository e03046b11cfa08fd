package measure

import "slices"

// Median is the middle of all, or the mean of the two in the middle; 0 of none.
func Median(all []float64) float64 {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// MedianRatio is the median over the rounds of numerator[round] / denominator[round].
func MedianRatio(numerator, denominator []float64) float64 {
	ratios := make([]float64, len(numerator))
	for round := range ratios {
		ratios[round] = numerator[round] / denominator[round]
	}
	return Median(ratios)
}

// Turns is the order in which all are measured in a round: each round another of
// them is the first.
func Turns[T any](all []T, round int) []T {
	first := round % len(all)
	return slices.Concat(all[first:], all[:first])
}
