package main

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/internal/bench/cell"
	"github.com/hachi-serve/hachi/internal/calibrate"
	"github.com/hachi-serve/hachi/internal/role"
)

func newCalibrate() *cobra.Command {
	var c calibrate.Config
	var kernel, rpc, figure, machine, best, fit string
	var failovers []string
	var out printer
	cmd := &cobra.Command{
		Use:   "calibrate DIR",
		Short: "fit the machine of a simulation to measured cells, and judge it by cells that it has not seen",
		Long: `calibrate reads the cells of a directory that hachi bench scale filled, and the reports
of hachi bench kernel --json and of hachi bench rpc --json from the same machine. It
fits what a cluster file says of a machine to every third cell, simulates all of them,
and reports bias and mean absolute error of throughput, TTFT, ITL and E2E, of the cells
that were held out and of those that were fitted to. docs/scaling.md explains the
numbers.`,
		Args: arguments(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if c.Cells, err = cell.Read(args[0]); err != nil {
				return &role.ConfigError{Err: err}
			}
			if err := readMeasured(&c, kernel, rpc, fit, best, failovers); err != nil {
				return &role.ConfigError{Err: err}
			}
			c.Progress = func(n int, off float64) {
				fmt.Fprintf(cmd.ErrOrStderr(), "after %d evaluations, logarithms are off by %.3f on the cells that were fitted to\n", n, off)
			}
			report, err := calibrate.Run(c)
			if err != nil {
				return err
			}
			if machine != "" {
				if err := writeFile(machine, report.WriteMachine); err != nil {
					return err
				}
			}
			return out.printDrawn(cmd, report, figure)
		},
	}
	f := cmd.Flags()
	f.StringVar(&kernel, "kernel", "", "`file` of hachi bench kernel --json")
	f.StringVar(&rpc, "rpc", "", "`file` of hachi bench rpc --json; beside --fit only the CPU time of messages is read")
	f.StringSliceVar(&failovers, "failover", nil, "`files` of hachi bench failover --json, whose kills are simulated too")
	f.StringVar(&fit, "fit", "", "`file` of an earlier --json, whose fit is judged in place of a search")
	f.DurationVar(&c.Carry, "late-message", 0, "what takes a core for each message of a cluster whose packets are late")
	f.IntVar(&c.Evaluations, "evaluations", 150, "after which the search ends; 0 judges what the two files say alone")
	f.DurationVar(&c.Others.For, "others-for", 0, "how long other work had the cores in each --others-every in which the cluster left less than --others-idle of them")
	f.DurationVar(&c.Others.Every, "others-every", time.Second, "period of --others-for")
	f.Float64Var(&c.Others.Idle, "others-idle", 0.05, "share of the cores, 0 to 1")
	f.StringVar(&machine, "machine", "", "`file` for the sections machines and network of a cluster file")
	f.StringVar(&best, "best", "", "`directory` of files of hachi bench placement --json: the best of their options by the simulation, beside what was measured")
	f.StringVar(&figure, "figure", "", "`file` for an SVG of simulated over measured")
	out.register(cmd)
	return cmd
}

// readMeasured reads the files that a fit is made of, or the fit, and what it is compared with.
func readMeasured(c *calibrate.Config, kernel, rpc, fit, best string, failovers []string) (err error) {
	files := map[string]any{kernel: &c.Kernel, rpc: &c.RPC}
	var earlier calibrate.Report
	if fit != "" {
		delete(files, kernel)
		if rpc == "" {
			delete(files, rpc)
		}
		files[fit], c.Fit = &earlier, &earlier.Fit
	}
	c.Failovers = make([]cell.Failover, len(failovers))
	for i, path := range failovers {
		files[path] = &c.Failovers[i]
	}
	for path, to := range files {
		if err := readJSON(path, to); err != nil {
			return err
		}
	}
	if best != "" {
		c.Contests, err = cell.ReadContests(best)
	}
	return err
}

// readJSON reads a report.
func readJSON(path string, to any) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, to); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
