package observe

import (
	"fmt"
	"io"

	"github.com/hachi-serve/hachi/internal/bench/measure"
)

// Report is what guarding and watching costs.
type Report struct {
	Rounds  int `json:"rounds"`
	Streams int `json:"streams"`
	Prompt  int `json:"prompt_tokens"`
	Answer  int `json:"answer_tokens"`
	// Medians of the rounds.
	BareRate    float64 `json:"bare_tokens_per_second"`
	WatchedRate float64 `json:"watched_tokens_per_second"`
	// Ratio is the median over the rounds of the watched cluster's rate, as a part of the
	// bare one's.
	Ratio float64 `json:"throughput_ratio"`
	// What was read meanwhile.
	Scrapes int64 `json:"scrapes"`
	Events  int64 `json:"console_bytes"`
	Spans   int64 `json:"spans"`
}

func reportOf(c Config, watched, bare *side, spans *collector) Report {
	return Report{
		Rounds: len(watched.rate), Streams: c.Load.Streams, Prompt: c.Load.Prompt, Answer: c.Load.Answer,
		BareRate: measure.Median(bare.rate), WatchedRate: measure.Median(watched.rate), Ratio: measure.MedianRatio(watched.rate, bare.rate),
		Scrapes: watched.watch.scrapes.Load(), Events: watched.watch.events.Load(), Spans: spans.spans.Load(),
	}
}

// WriteText writes a row for each cluster.
func (r Report) WriteText(out io.Writer) {
	fmt.Fprintf(out, "%d rounds of turns, %d streams, prompts of %d tokens, answers of %d, no request failed\n", r.Rounds, r.Streams, r.Prompt, r.Answer)
	fmt.Fprintf(out, "\ttokens/s\t\n")
	fmt.Fprintf(out, "everything off\t%.1f\t\n", r.BareRate)
	fmt.Fprintf(out, "certificates, keys, metrics, traces, a console\t%.1f\t\n", r.WatchedRate)
	fmt.Fprintf(out, "all of it takes %.1f %% of the throughput (median of the rounds); meanwhile %d pages of metrics, %d KiB of the console and %d spans were read\n",
		100*(1-r.Ratio), r.Scrapes, r.Events>>10, r.Spans)
}
