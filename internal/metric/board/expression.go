package board

import (
	"fmt"
	"strings"

	"github.com/hachi-serve/hachi/internal/metric"
)

// window is the range of a rate.
type window string

const (
	// live fits the step of a panel: Grafana and Perses replace it.
	live window = "$__rate_interval"
	// fixed is that of rules.
	fixed window = "5m"
)

// by is the clause that keeps labels; nothing without any.
func by(labels []string) string {
	if len(labels) == 0 {
		return ""
	}
	return " by (" + strings.Join(labels, ", ") + ") "
}

// sum adds series that have the same labels.
func sum(expr string, labels ...string) string { return "sum" + by(labels) + "(" + expr + ")" }

// maxOf is the largest of the series that have the same labels.
func maxOf(expr string, labels ...string) string { return "max" + by(labels) + "(" + expr + ")" }

// rate is the increase per second of a counter, or of the observations of a histogram.
func (w window) rate(d metric.Definition) string {
	name := d.Name
	if d.Kind == metric.Histogram {
		name += "_count"
	}
	return fmt.Sprintf("rate(%s[%s])", name, w)
}

// sumRate adds rates that have the same labels.
func (w window) sumRate(d metric.Definition, labels ...string) string {
	return sum(w.rate(d), labels...)
}

// quantile is a quantile of a histogram.
func (w window) quantile(q float64, d metric.Definition, labels ...string) string {
	return fmt.Sprintf("histogram_quantile(%g, %s)", q, sum(fmt.Sprintf("rate(%s_bucket[%s])", d.Name, w), append([]string{"le"}, labels...)...))
}

// mean is the mean of a histogram's observations.
func (w window) mean(d metric.Definition, labels ...string) string {
	return ratio(sum(fmt.Sprintf("rate(%s_sum[%s])", d.Name, w), labels...), w.sumRate(d, labels...))
}

// ratio divides. Without calls it is not a number, which panels leave out.
func ratio(part, whole string) string { return part + " / " + whole }

// ofRouters keeps the series of processes that are routers: a metric that gateways
// export too would count an answer twice.
func ofRouters(expr string) string {
	return expr + " and on (job, instance) " + metric.Running.Name
}
