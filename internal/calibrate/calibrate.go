package calibrate

import (
	"errors"
	"math"
	"time"

	"github.com/hachi-serve/hachi/internal/bench/cell"
	"github.com/hachi-serve/hachi/internal/bench/kernel"
	"github.com/hachi-serve/hachi/internal/bench/measure"
	"github.com/hachi-serve/hachi/internal/bench/rpc"
	"github.com/hachi-serve/hachi/internal/sim/machine"
)

// Config says what is fitted to.
type Config struct {
	Cells  []cell.Cell // in the order of their names
	Kernel kernel.Report
	RPC    rpc.Report // beside a Fit, what it says of the CPU time of messages
	// Carry is what takes a core for each message that a namespace makes late.
	Carry       time.Duration
	Others      machine.Others  // what other work took of the machine while the cells were measured
	Failovers   []cell.Failover // kills of nodes, to be simulated too
	Contests    []cell.Contest  // whose best options are simulated with the fit
	Fit         *Fit            // of an earlier report; nil searches one
	Evaluations int             // after which the search ends; 0 judges the initial fit
	// Progress is called after the search, with by how much the logarithms of the best fit
	// are off; nil is allowed.
	Progress func(evaluations int, off float64)
}

// every is how many cells have one that is fitted to.
const every = 3

// Run fits and judges.
func Run(c Config) (Report, error) {
	training, err := divide(c.Cells)
	if err != nil {
		return Report{}, err
	}
	clusters, err := clustersOf(c.Cells)
	if err != nil {
		return Report{}, err
	}
	f, err := c.fit(clusters, training)
	if err != nil {
		return Report{}, err
	}
	predicted, err := predictAll(clusters, f)
	if err != nil {
		return Report{}, err
	}
	r := Report{Fit: f, Cores: c.Cells[0].Machine.Cores, Limits: c.Cells[0].Result.Limits}
	for _, held := range []bool{false, true} {
		for _, one := range c.Cells {
			if name := one.Setting.Name(); training[name] != held {
				r.Cells = append(r.Cells, Judged{Name: name, Setting: one.Setting, HeldOut: held, Measured: one.Result, Simulated: predicted[name]})
			}
		}
	}
	r.judge()
	if r.Failover, err = f.failover(c.Failovers); err != nil {
		return Report{}, err
	}
	r.Contests, err = f.decideAll(c.Contests, arithmetic(c.Cells))
	return r, err
}

// arithmetic is the median of what the machine gave some cells, Gop/s.
func arithmetic(cells []cell.Cell) float64 {
	all := make([]float64, len(cells))
	for i, c := range cells {
		all[i] = c.Result.Limits.FMA
	}
	return measure.Median(all)
}

// fit is an earlier one, or that of the cells that are fitted to.
func (c Config) fit(clusters []cluster, training map[string]bool) (Fit, error) {
	if c.Fit != nil {
		f := *c.Fit
		f.Carry = microsecondsOf(c.Carry)
		if len(c.RPC.Results) == 0 {
			return f, nil
		}
		return f, f.work(c.RPC)
	}
	f, err := initial(c.Kernel, c.RPC)
	if err != nil {
		return f, err
	}
	f.Others, f.Start, f.Carry = c.Others, startOf(c.Failovers), microsecondsOf(c.Carry)
	if c.Evaluations == 0 {
		return f, nil
	}
	return c.search(f, clusters, training)
}

// divide names the cells that are fitted to. Those with a fault, and two of every three
// others, are held out.
func divide(cells []cell.Cell) (training map[string]bool, err error) {
	training = map[string]bool{}
	n := 0
	for _, c := range cells {
		if c.Setting.Fault != cell.None {
			continue
		}
		if n%every == 0 {
			training[c.Setting.Name()] = true
		}
		n++
	}
	if len(training) == 0 || len(training) == len(cells) {
		return nil, errors.New("want two cells without a fault at least: one to fit to, one to judge by")
	}
	return training, nil
}

// search minimizes the errors of the cells that are fitted to.
func (c Config) search(f Fit, clusters []cluster, training map[string]bool) (Fit, error) {
	var failed error
	value := func(point []float64) float64 {
		predicted, err := predictAll(clusters, f.at(point))
		if err != nil {
			failed = err
			return math.Inf(1)
		}
		sum := 0.0
		for _, one := range c.Cells {
			if name := one.Setting.Name(); training[name] {
				sum += distance(one.Result, predicted[name])
			}
		}
		return sum / float64(len(training))
	}
	best, count := minimize(value, f.point(), 0.3, c.Evaluations)
	if c.Progress != nil {
		c.Progress(count, math.Sqrt(best.value))
	}
	return f.at(best.at), failed
}

// distance is how far a prediction is off: a mean of squared logarithms, in which
// throughput and ITL count twice.
func distance(measured, simulated cell.Result) float64 {
	square := func(a, b float64) float64 {
		l := math.Log(b / a)
		return l * l
	}
	return (2*square(measured.Throughput, simulated.Throughput) + 2*square(measured.Gap.P50, simulated.Gap.P50) +
		square(measured.First.P50, simulated.First.P50) + square(measured.Total.P50, simulated.Total.P50)) / 6
}
