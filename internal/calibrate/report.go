package calibrate

import (
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/hachi-serve/hachi/internal/bench/cell"
)

// Report is a fit and what it is worth.
type Report struct {
	Fit    Fit         `json:"fit"`
	Cores  int         `json:"cores"`
	Limits cell.Limits `json:"limits"` // of the first cell
	// Errors are of cells that were held out, and of those that were fitted to.
	HeldOut []Errors `json:"held_out"`
	Fitted  []Errors `json:"fitted"`
	Cells   []Judged `json:"cells"`
	// Failover compares kills of nodes under streams, if there are any.
	Failover *Failover `json:"failover,omitempty"`
	// Contests are beside the options that were best.
	Contests []Decided `json:"contests,omitempty"`
}

// Judged is a cell beside its simulation.
type Judged struct {
	Name      string       `json:"name"`
	Setting   cell.Setting `json:"setting"`
	HeldOut   bool         `json:"held_out"`
	Measured  cell.Result  `json:"measured"`
	Simulated cell.Result  `json:"simulated"`
}

// Errors are those of the cells of a model, as shares of what was measured.
type Errors struct {
	Model string `json:"model"` // "" is all
	Cells int    `json:"cells"`
	// Of each metric, in the order of metrics.
	Bias map[string]float64 `json:"bias"` // mean
	MAPE map[string]float64 `json:"mape"` // mean of absolute values
}

// metrics are what is judged.
var metrics = []struct {
	name string
	of   func(cell.Result) float64
}{
	{"throughput", func(r cell.Result) float64 { return r.Throughput }},
	{"TTFT p50", func(r cell.Result) float64 { return r.First.P50 }},
	{"ITL p50", func(r cell.Result) float64 { return r.Gap.P50 }},
	{"ITL p99", func(r cell.Result) float64 { return r.Gap.P99 }},
	{"E2E p50", func(r cell.Result) float64 { return r.Total.P50 }},
}

// relative is how far a metric of the simulation is off.
func (j Judged) relative(of func(cell.Result) float64) float64 {
	return of(j.Simulated)/of(j.Measured) - 1
}

// judge sums up the errors of all models and of each.
func (r *Report) judge() {
	models := []string{""}
	for _, c := range r.Cells {
		if !slices.Contains(models, c.Setting.Model) {
			models = append(models, c.Setting.Model)
		}
	}
	for _, model := range models {
		r.HeldOut = appendErrors(r.HeldOut, r.Cells, model, true)
		r.Fitted = appendErrors(r.Fitted, r.Cells, model, false)
	}
}

// appendErrors appends the errors of the cells of a model, if there are any.
func appendErrors(to []Errors, cells []Judged, model string, held bool) []Errors {
	e := Errors{Model: model, Bias: map[string]float64{}, MAPE: map[string]float64{}}
	for _, c := range cells {
		if c.HeldOut != held || model != "" && c.Setting.Model != model {
			continue
		}
		e.Cells++
		for _, m := range metrics {
			off := c.relative(m.of)
			e.Bias[m.name] += off
			e.MAPE[m.name] += math.Abs(off)
		}
	}
	if e.Cells == 0 {
		return to
	}
	for _, m := range metrics {
		e.Bias[m.name] /= float64(e.Cells)
		e.MAPE[m.name] /= float64(e.Cells)
	}
	return append(to, e)
}

// WriteText writes the errors, then each cell.
func (r Report) WriteText(out io.Writer) {
	writeErrors(out, "held out", r.HeldOut)
	writeErrors(out, "fitted to", r.Fitted)
	fmt.Fprint(out, "cell\theld out\t")
	for _, m := range metrics {
		fmt.Fprintf(out, "%s\tsimulated\t\t", m.name)
	}
	fmt.Fprintln(out)
	for _, c := range r.Cells {
		mark := ""
		if c.HeldOut {
			mark = "yes"
		}
		fmt.Fprintf(out, "%s\t%s\t", c.Name, mark)
		for _, m := range metrics {
			fmt.Fprintf(out, "%.4g\t%.4g\t%+.0f %%\t", m.of(c.Measured), m.of(c.Simulated), 100*c.relative(m.of))
		}
		fmt.Fprintln(out)
	}
	for _, c := range r.Cells {
		if c.Setting.Fault != cell.None {
			fmt.Fprintf(out, "\n%s: stall %.1f ms at p50 and %.1f at p99, simulated %.1f and %.1f\n",
				c.Name, c.Measured.Stall.P50, c.Measured.Stall.P99, c.Simulated.Stall.P50, c.Simulated.Stall.P99)
		}
	}
	if r.Failover != nil {
		r.Failover.writeText(out)
	}
	writeContests(out, r.Contests)
}

// writeContests writes what is best in each contest.
func writeContests(out io.Writer, all []Decided) {
	if len(all) == 0 {
		return
	}
	fmt.Fprintln(out, "\ncontest\toptions\tas good as the best\tmeasured best\ttokens/s\tsimulated best\tmeasured tokens/s\tloss\tsame\t")
	same, worst := 0, 0.0
	for _, d := range all {
		mark := ""
		if d.Same {
			same, mark = same+1, "yes"
		} else {
			worst = max(worst, d.Loss)
		}
		fmt.Fprintf(out, "%s\t%d\t%d\t%s\t%.4g\t%s\t%.4g\t%.1f %%\t%s\t\n", d.Name, d.Options, d.Ties, d.Measured, d.MeasuredRate, d.Simulated, d.SimulatedRate, 100*d.Loss, mark)
	}
	fmt.Fprintf(out, "\nthe same in %d of %d contests; the others lose %.1f %% at most\n", same, len(all), 100*worst)
}

func writeErrors(out io.Writer, title string, all []Errors) {
	fmt.Fprintf(out, "%s\tcells\t", title)
	for _, m := range metrics {
		fmt.Fprintf(out, "%s bias\tMAPE\t", m.name)
	}
	fmt.Fprintln(out)
	for _, e := range all {
		name := e.Model
		if name == "" {
			name = "all"
		}
		fmt.Fprintf(out, "%s\t%d\t", name, e.Cells)
		for _, m := range metrics {
			fmt.Fprintf(out, "%+.1f %%\t%.1f %%\t", 100*e.Bias[m.name], 100*e.MAPE[m.name])
		}
		fmt.Fprintln(out)
	}
	fmt.Fprintln(out)
}
