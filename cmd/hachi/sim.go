package main

import (
	"cmp"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/internal/role"
	"github.com/hachi-serve/hachi/internal/sim"
	"github.com/hachi-serve/hachi/internal/sim/scenario"
	"github.com/hachi-serve/hachi/internal/sim/trace"
)

// simulation is what `hachi sim` was asked for.
type simulation struct {
	preset    string
	trace     string
	synthetic string
	duration  time.Duration
	rate      float64
	seed      uint64
	limit     time.Duration
	printer   printer
}

func newSim() *cobra.Command {
	var s simulation
	cmd := &cobra.Command{
		Use:   "sim [CLUSTER.yaml]",
		Short: "simulate a cluster under a trace of requests, with hachi's own scheduler, planner and dispatch",
		Long: `sim runs a cluster that need not exist in virtual time: the scheduler, the
dispatcher, the queue of expert nodes, the coordinator and the gateway's choice of
routers are those of hachi; computing and the network are simulated from what the
file says of machines. docs/scaling.md explains the file and the model. --preset takes
one of the files that hachi has; sim presets lists them.

The trace is a file, --trace, in the format of the Azure LLM inference trace 2023
(CSV) or of Mooncake's traces (JSON lines), or a synthetic one with the statistics of
one of these, --synthetic. The same file, trace and seed print the same bytes.`,
		Args: argumentsBetween(0, 1),
		RunE: s.run,
	}
	f := cmd.Flags()
	f.StringVar(&s.preset, "preset", "", "`name` of a cluster file that hachi has, instead of CLUSTER.yaml")
	f.StringVar(&s.trace, "trace", "", "`file` with a trace of requests")
	f.StringVar(&s.synthetic, "synthetic", "", "make a trace: "+strings.Join(trace.Kinds(), ", "))
	f.DurationVar(&s.duration, "duration", 10*time.Minute, "requests of this long from the start of the trace; 0 is all of a file")
	f.Float64Var(&s.rate, "rate", 0, "`requests` per second, to which the times of the trace are scaled; 0 keeps them")
	f.Uint64Var(&s.seed, "seed", 0, "seed of the run and of a synthetic trace; 0 is that of the file")
	f.DurationVar(&s.limit, "limit", time.Hour, "how long the run goes on after the last request, in virtual time")
	s.printer.register(cmd)
	cmd.AddCommand(newSimTrace(), newSimPresets(), newSimSweep())
	return cmd
}

// run simulates. How fast it was goes to the error output: it differs between runs.
func (s *simulation) run(cmd *cobra.Command, files []string) error {
	cluster, err := s.cluster(files)
	if err != nil {
		return err
	}
	cluster.Seed = cmp.Or(s.seed, cluster.Seed)
	requests, err := s.requests(cluster.Seed)
	if err != nil {
		return err
	}
	began := time.Now()
	report, err := sim.Run(cluster, requests, sim.Options{Limit: s.limit, Workers: runtime.GOMAXPROCS(0)})
	if err != nil {
		return err
	}
	took := time.Since(began).Seconds()
	fmt.Fprintf(cmd.ErrOrStderr(), "%d events in %.1f s, %.3g events/s\n", report.Events, took, float64(report.Events)/max(took, 1e-9))
	return s.printer.print(cmd, report)
}

// cluster is what the file or the preset describes.
func (s *simulation) cluster(files []string) (*scenario.Scenario, error) {
	if (s.preset == "") == (len(files) == 0) {
		return nil, &role.ConfigError{Err: errors.New("want either CLUSTER.yaml or --preset")}
	}
	if s.preset == "" {
		return scenario.Read(files[0])
	}
	preset, err := scenario.FindPreset(s.preset)
	if err != nil {
		return nil, err
	}
	return preset.Read()
}

// requests are those of the trace that was asked for.
func (s *simulation) requests(seed uint64) (requests []trace.Request, err error) {
	if (s.trace == "") == (s.synthetic == "") {
		return nil, &role.ConfigError{Err: errors.New("want either --trace or --synthetic")}
	}
	if s.duration < 0 || s.limit < 0 || !(s.rate >= 0) {
		return nil, &role.ConfigError{Err: errors.New("--duration, --limit and --rate: want 0 or more")}
	}
	if s.synthetic != "" {
		made := trace.Synthetic{Kind: trace.Kind(s.synthetic), Seed: seed, Duration: s.duration, Rate: s.rate}
		if err := made.Validate(); err != nil {
			return nil, &role.ConfigError{Err: err}
		}
		requests = made.Make()
	} else if requests, err = trace.ReadFile(s.trace); err != nil {
		return nil, &role.ConfigError{Err: err}
	} else {
		requests = trace.Cut(trace.Paced(requests, s.rate), s.duration)
	}
	if len(requests) == 0 {
		return nil, &role.ConfigError{Err: errors.New("the trace has no request in this time: want a longer --duration or a higher --rate")}
	}
	return requests, nil
}

// newSimTrace describes a trace: what a synthetic one is fitted to.
func newSimTrace() *cobra.Command {
	var out printer
	cmd := &cobra.Command{
		Use:   "trace FILE",
		Short: "describe a trace: arrivals, lengths, shared prefixes",
		Args:  arguments(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			requests, err := trace.ReadFile(args[0])
			if err != nil {
				return &role.ConfigError{Err: err}
			}
			return out.print(cmd, trace.Describe(requests))
		},
	}
	out.register(cmd)
	return cmd
}

// newSimPresets lists the cluster files that hachi has, or prints one.
func newSimPresets() *cobra.Command {
	return &cobra.Command{
		Use:   "presets [NAME]",
		Short: "list the cluster files that hachi has, or print one, with the sources of its numbers",
		Args:  argumentsBetween(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			out := cmd.OutOrStdout()
			if len(args) > 0 {
				p, err := scenario.FindPreset(args[0])
				fmt.Fprint(out, p.Text)
				return err
			}
			for _, p := range scenario.Presets() {
				fmt.Fprintf(out, "%-10s  %s\n", p.Name, p.About)
			}
			return nil
		},
	}
}
