package gateway

import (
	"fmt"
	"io"
	"slices"

	"github.com/hachi-serve/hachi/internal/bench/measure"
)

// Report is what a gateway costs.
type Report struct {
	Rounds  int `json:"rounds"`
	Prompt  int `json:"prompt_tokens"`
	Streams int `json:"streams"`
	// Medians of all requests, and of the rounds.
	RouterFirst  float64 `json:"router_ttft_p50_ms"`
	GatewayFirst float64 `json:"gateway_ttft_p50_ms"`
	RouterRate   float64 `json:"router_tokens_per_second"`
	GatewayRate  float64 `json:"gateway_tokens_per_second"`
	// Added is the median of what the gateway adds to the time to first token, over pairs
	// of requests one after the other. Ratio is the median over the rounds of its
	// throughput, as a part of the router's.
	Added float64 `json:"added_ttft_ms"`
	Ratio float64 `json:"throughput_ratio"`
}

func reportOf(c Config, router, gateway *side) Report {
	atRouter, through := slices.Concat(router.first...), slices.Concat(gateway.first...)
	added := make([]float64, len(atRouter))
	for i := range added {
		added[i] = through[i] - atRouter[i]
	}
	return Report{
		Rounds: len(router.first), Prompt: c.Prompt, Streams: c.Streams,
		RouterFirst: measure.Median(atRouter), GatewayFirst: measure.Median(through),
		RouterRate: measure.Median(router.rate), GatewayRate: measure.Median(gateway.rate),
		Added: measure.Median(added), Ratio: measure.MedianRatio(gateway.rate, router.rate),
	}
}

// WriteText writes a row for the router and one for the gateway.
func (r Report) WriteText(out io.Writer) {
	fmt.Fprintf(out, "%d rounds of turns, prompts of %d tokens, no request failed\n", r.Rounds, r.Prompt)
	fmt.Fprintf(out, "\tTTFT p50, one request\ttokens/s, %d streams\t\n", r.Streams)
	fmt.Fprintf(out, "at the router\t%.2f ms\t%.1f\t\nthrough a gateway\t%.2f ms\t%.1f\t\n", r.RouterFirst, r.RouterRate, r.GatewayFirst, r.GatewayRate)
	fmt.Fprintf(out, "the gateway adds %.2f ms to the first token (median of pairs of requests) and takes %.1f %% of the throughput (median of the rounds)\n", r.Added, 100*(1-r.Ratio))
}
