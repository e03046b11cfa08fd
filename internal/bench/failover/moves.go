package failover

import (
	"fmt"
	"io"
	"strings"

	"github.com/hachi-serve/hachi/internal/metric"
)

// Moves says how many answers went on at another router, and what one of them waited
// for, on average.
type Moves struct {
	Answers  float64 `json:"answers"`
	Noticing float64 `json:"noticing_ms"` // that its router had failed
	Waiting  float64 `json:"waiting_ms"`  // for a router
	Asking   float64 `json:"asking_ms"`   // until the router had the request
	Drawing  float64 `json:"drawing_ms"`  // until its first token: the prefill
}

// movesOf are the moves between two looks at the metrics of a gateway.
func movesOf(before, after map[string]float64) (m Moves) {
	grown := func(series string) float64 { return after[series] - before[series] }
	if m.Answers = grown(metric.StallTime.Name + "_count"); m.Answers == 0 {
		return m
	}
	for part, mean := range map[string]*float64{"noticing": &m.Noticing, "waiting": &m.Waiting, "asking": &m.Asking, "drawing": &m.Drawing} {
		*mean = 1000 * grown(fmt.Sprintf("%s{part=%q}", metric.StallParts.Name, part)) / m.Answers
	}
	return m
}

// moved is how often answers went on at another router so far.
func moved(metrics map[string]float64) (sum float64) {
	for series, n := range metrics {
		if strings.HasPrefix(series, metric.AnswersMoved.Name) {
			sum += n
		}
	}
	return sum
}

// writeText writes nothing where no answer has moved.
func (m Moves) writeText(out io.Writer) {
	if m.Answers == 0 {
		return
	}
	fmt.Fprintf(out, "%.0f answers went on at another router; one of them waited, on average,\n", m.Answers)
	fmt.Fprintf(out, "until the fault was noticed\t%.0f ms\t\nfor a router\t%.0f ms\t\nuntil it had the request\t%.0f ms\t\nfor its first token\t%.0f ms\t\n",
		m.Noticing, m.Waiting, m.Asking, m.Drawing)
}
