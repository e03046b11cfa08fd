package metric

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"
)

// Kind is what a metric's value means.
type Kind string

// The kinds of Prometheus that hachi uses.
const (
	Counter   Kind = "counter"
	Gauge     Kind = "gauge"
	Histogram Kind = "histogram"
)

// Unit is what a metric's value counts. Values is a number without one.
type Unit string

// Units, in the plural, as dashboards know them.
const (
	Values    Unit = ""
	Seconds   Unit = "seconds"
	Bytes     Unit = "bytes"
	Ratio     Unit = "ratio" // 0 to 1
	Tokens    Unit = "tokens"
	Requests  Unit = "requests"
	Rows      Unit = "rows"
	Calls     Unit = "calls"
	Steps     Unit = "steps"
	Blocks    Unit = "blocks"
	Nodes     Unit = "nodes"
	Experts   Unit = "experts"
	UnixTime  Unit = "timestamp" // seconds since 1970
	Cores     Unit = "cores"
	Processes Unit = "processes"
)

// Role is a kind of process.
type Role string

// The roles that export metrics.
const (
	Router      Role = "router"
	Gateway     Role = "gateway"
	ExpertNode  Role = "expert node"
	Coordinator Role = "coordinator"
)

// Roles are all roles.
func Roles() []Role { return []Role{Router, Gateway, ExpertNode, Coordinator} }

// Definition describes one metric.
type Definition struct {
	Name   string
	Kind   Kind
	Unit   Unit
	Labels []string // in the order of their values
	Help   string
	Roles  []Role // that export it
}

// Desc is the description that a collector sends.
func (d Definition) Desc() *prometheus.Desc { return prometheus.NewDesc(d.Name, d.Help, d.Labels, nil) }

// ValueType is the kind as collectors of constant metrics name it; a histogram has none.
func (d Definition) ValueType() prometheus.ValueType {
	switch d.Kind {
	case Counter:
		return prometheus.CounterValue
	case Gauge:
		return prometheus.GaugeValue
	case Histogram:
	}
	return prometheus.UntypedValue
}

// Const is the value of a counter or gauge at a scrape, with one value per label.
func (d Definition) Const(value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d.Desc(), d.ValueType(), value, labels...)
}

// NewCounter registers a counter without labels.
func (d Definition) NewCounter(in prometheus.Registerer) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: d.Name, Help: d.Help})
	in.MustRegister(c)
	return c
}

// NewCounters registers a counter with one label, at 0 for each of its known values: a
// rate sees the first event only of a series that was there before.
func (d Definition) NewCounters(in prometheus.Registerer, known ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: d.Name, Help: d.Help}, d.Labels)
	for _, value := range known {
		c.WithLabelValues(value)
	}
	in.MustRegister(c)
	return c
}

// NewHistogram registers a histogram without labels.
func (d Definition) NewHistogram(in prometheus.Registerer, buckets []float64) prometheus.Histogram {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: d.Name, Help: d.Help, Buckets: buckets})
	in.MustRegister(h)
	return h
}

// NewHistograms registers a histogram with labels.
func (d Definition) NewHistograms(in prometheus.Registerer, buckets []float64) *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: d.Name, Help: d.Help, Buckets: buckets}, d.Labels)
	in.MustRegister(h)
	return h
}

// ExportedBy reports whether processes of a role export the metric.
func (d Definition) ExportedBy(r Role) bool { return slices.Contains(d.Roles, r) }

// Series are the names under which Prometheus stores the metric.
func (d Definition) Series() []string {
	if d.Kind == Histogram {
		return []string{d.Name + "_bucket", d.Name + "_sum", d.Name + "_count"}
	}
	return []string{d.Name}
}

// All is the table, in the order of the documentation.
func All() []Definition {
	return slices.Concat(requests(), engine(), dispatch(), gateways(), nodes(), coreBudget(), coordinators(), clients(), certificates(), processes())
}

// OnlyOwn are the metrics that hachi counts itself.
func OnlyOwn() []Definition {
	return slices.DeleteFunc(All(), func(d Definition) bool {
		return slices.ContainsFunc(processes(), func(p Definition) bool { return p.Name == d.Name })
	})
}
