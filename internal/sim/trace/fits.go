package trace

import "math"

// quantiles are the values of a distribution at levels.
type quantiles [len(levels)]float64

var levels = [...]float64{0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999, 1}

// at interpolates between two levels on a logarithmic scale.
func (q *quantiles) at(level float64) float64 {
	i := 1
	for i < len(levels)-1 && level > levels[i] {
		i++
	}
	x := (level - levels[i-1]) / (levels[i] - levels[i-1])
	return math.Exp((1-x)*math.Log(q[i-1]) + x*math.Log(q[i]))
}

// tokens is the number of tokens at a level.
func (q *quantiles) tokens(level float64) int { return max(1, int(math.Round(q.at(level)))) }

// fit is the statistics of a trace.
type fit struct {
	rate           float64 // requests per second
	shape          float64 // of the gamma distribution of rates of 10 s
	prompt, answer quantiles
	// continued is the share of prompts that go on as an earlier one does beyond the
	// first block, for each tenth of the prompts by length; fraction is the share of
	// their blocks.
	continued []float64
	fraction  quantiles
}

// fits are those of the published traces, as Describe computes them.
var fits = map[Kind]fit{
	AzureConversation: {
		rate: 5.53, shape: 19.4,
		prompt: quantiles{2, 29, 181, 207, 387, 403, 703, 1020, 1071, 1130, 1315, 2735, 4083, 4142, 6212, 14050},
		answer: quantiles{7, 16, 41, 54, 77, 91, 103, 129, 177, 384, 400, 424, 451, 601, 954, 1000},
	},
	AzureCode: {
		rate: 2.57, shape: 0.362,
		prompt: quantiles{3, 17, 75, 147, 385, 770, 1075, 1469, 1909, 2433, 3193, 5194, 7315, 7436, 7437, 7437},
		answer: quantiles{6, 6, 6, 7, 8, 9, 11, 13, 16, 20, 29, 55, 90, 252, 831, 1899},
	},
	MooncakeConversation: {
		rate: 3.40, shape: 30.9,
		prompt:    quantiles{891, 894, 901, 964, 1662, 3263, 4993, 6909, 9570, 13196, 17869, 27367, 39552, 85401, 121301, 126195},
		answer:    quantiles{1, 3, 10, 24, 100, 213, 291, 350, 399, 447, 504, 597, 698, 1120, 2000, 2000},
		continued: []float64{0.021, 0.187, 0.527, 0.333, 0.368, 0.449, 0.505, 0.530, 0.506, 0.445},
		fraction:  quantiles{0.015, 0.058, 0.143, 0.286, 0.5, 0.6, 0.7, 0.8, 0.867, 0.917, 0.944, 0.971, 0.983, 1, 1, 1},
	},
}
