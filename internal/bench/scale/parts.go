package scale

import (
	"context"
	"net/http"
	"strings"

	"github.com/hachi-serve/hachi/internal/bench/cell"
	"github.com/hachi-serve/hachi/internal/bench/scrape"
	"github.com/hachi-serve/hachi/internal/metric"
)

// counts are the router's metrics at a moment.
type counts map[string]float64

func countsOf(ctx context.Context, url string) (counts, error) {
	return scrape.Metrics(ctx, http.DefaultClient, url)
}

// sum adds the series of a metric, whatever their labels.
func (c counts) sum(name string) (sum float64) {
	for series, value := range c {
		if bare, _, _ := strings.Cut(series, "{"); bare == name {
			sum += value
		}
	}
	return sum
}

// since are the parts of what was counted after an earlier reading.
func (c counts) since(before counts) cell.Parts {
	grew := func(name string) float64 { return c.sum(name) - before.sum(name) }
	per := func(a, b float64) float64 {
		if b == 0 {
			return 0
		}
		return a / b
	}
	const ms = 1e3
	steps := grew(metric.StepsCommitted.Name)
	return cell.Parts{
		Steps: steps, Step: ms * per(grew(metric.StepTime.Name+"_sum"), grew(metric.StepTime.Name+"_count")),
		Rows: per(grew(metric.StepRows.Name+"_sum"), grew(metric.StepRows.Name+"_count")), Calls: per(grew(metric.ExpertCalls.Name), steps),
		Call:   ms * per(grew(metric.CallTime.Name+"_sum"), grew(metric.CallTime.Name+"_count")),
		Hedges: grew(metric.Hedges.Name), Failovers: grew(metric.Failovers.Name), MicroBatches: c.sum(metric.MicroBatches.Name),
		LayerAttentionMS: ms * c[metric.LayerTime.Name+`{part="attention"}`], LayerExpertsMS: ms * c[metric.LayerTime.Name+`{part="experts"}`],
	}
}
