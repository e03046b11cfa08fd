package board

// dashboard is one page of panels.
type dashboard struct {
	id, title, about string
	rows             []row
}

// row is a line of panels with a title.
type row struct {
	title  string
	panels []panel
}

// panel shows the series of its queries over time, or the last value if it is a stat.
type panel struct {
	title, about string
	unit         unit
	stat         bool
	queries      []query
}

// query is an expression, and how its series are named: {{label}} is a label's value.
type query struct{ expr, legend string }

// unit is what the axis of a panel shows.
type unit string

const (
	unitNumber  unit = "number"
	unitSeconds unit = "seconds"
	unitBytes   unit = "bytes"
	unitShare   unit = "share" // 0 to 1
	unitRate    unit = "rate"  // per second
)

// both are a median and a 99th percentile, named by the labels that are kept.
func both(quantile func(q float64) string, legend string) []query {
	return []query{{quantile(0.5), legend + " p50"}, {quantile(0.99), legend + " p99"}}
}

// dashboards are all pages.
func dashboards() []dashboard {
	return []dashboard{overview(), experts(), calls(), serving(), gateways(), processes()}
}
