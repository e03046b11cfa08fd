package calibrate

import (
	"errors"
	"fmt"
	"math"

	"github.com/hachi-serve/hachi/internal/bench/cell"
	"github.com/hachi-serve/hachi/internal/bench/kernel"
	"github.com/hachi-serve/hachi/internal/bench/measure"
	"github.com/hachi-serve/hachi/internal/bench/rpc"
	"github.com/hachi-serve/hachi/internal/sim/machine"
)

// Config says what is fitted to.
type Config struct {
	Cells       []cell.Cell // in the order of their names
	Kernel      kernel.Report
	RPC         rpc.Report
	Others      machine.Others // what other work took of the machine while the cells were measured
	Contests    []cell.Contest // whose best options are simulated with the fit
	Fit         *Fit           // of an earlier report; nil searches one
	Evaluations int            // after which the search ends; 0 judges the initial fit
	// Progress is called after the search, with by how much the logarithms of the best fit
	// are off; nil is allowed.
	Progress func(evaluations int, off float64)
}

// every is how many cells have one that is fitted to.
const every = 3

// Run fits and judges.
func Run(c Config) (Report, error) {
	training, held, err := divide(c.Cells)
	if err != nil {
		return Report{}, err
	}
	f, err := c.fit(training)
	if err != nil {
		return Report{}, err
	}
	r := Report{Fit: f, Cores: c.Cells[0].Machine.Cores, Limits: c.Cells[0].Result.Limits}
	for _, part := range []struct {
		subjects []subject
		held     bool
	}{{training, false}, {held, true}} {
		predicted, err := predictAll(part.subjects, f)
		if err != nil {
			return Report{}, err
		}
		for i, s := range part.subjects {
			r.Cells = append(r.Cells, Judged{Name: s.cell.Setting.Name(), Setting: s.cell.Setting, HeldOut: part.held, Measured: s.cell.Result, Simulated: predicted[i]})
		}
	}
	r.judge()
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

// fit is an earlier one, or that of the training cells.
func (c Config) fit(training []subject) (Fit, error) {
	if c.Fit != nil {
		return *c.Fit, nil
	}
	f, err := initial(c.Kernel, c.RPC)
	if err != nil {
		return f, err
	}
	if f.Others = c.Others; c.Evaluations == 0 {
		return f, nil
	}
	return c.search(f, training)
}

// divide makes scenarios of the cells. Those with a fault, and two of every three others,
// are held out. A simulation loses no packets, so cells with losses are an error.
func divide(cells []cell.Cell) (training, held []subject, err error) {
	n := 0
	for _, c := range cells {
		if c.Setting.Loss > 0 {
			return nil, nil, fmt.Errorf("cell %s: lost packets are not simulated; leave the cell out", c.Setting.Name())
		}
		s, err := subjectOf(c)
		if err != nil {
			return nil, nil, err
		}
		if c.Setting.Fault != "" {
			held = append(held, s)
			continue
		}
		if n%every == 0 {
			training = append(training, s)
		} else {
			held = append(held, s)
		}
		n++
	}
	if len(training) == 0 || len(held) == 0 {
		return nil, nil, errors.New("want two cells without a fault at least: one to fit to, one to judge by")
	}
	return training, held, nil
}

// search minimizes the errors of the training cells.
func (c Config) search(f Fit, training []subject) (Fit, error) {
	var failed error
	value := func(point []float64) float64 {
		predicted, err := predictAll(training, f.at(point))
		if err != nil {
			failed = err
			return math.Inf(1)
		}
		sum := 0.0
		for i, s := range training {
			sum += distance(s.cell.Result, predicted[i])
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
