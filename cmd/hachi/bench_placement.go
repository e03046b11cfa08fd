package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/internal/bench/placement"
	"github.com/hachi-serve/hachi/internal/local"
)

func newBenchPlacement() *cobra.Command {
	c := placement.Config{Up: local.DefaultUp()}
	c.Up.Nodes, c.Up.Listen = 4, "127.0.0.1:8087"
	var out printer
	cmd := &cobra.Command{
		Use:   "placement",
		Short: "measure decode by several placements and numbers of replicas and micro-batches, on unequal nodes under an uneven load",
		Long: `placement starts expert nodes on this machine, each of which holds every expert,
and decodes the same tokens in turns: with the experts where one policy and where
another places them, with some replicas of each, and in some micro-batches. --cores
limits the CPU time of the nodes (control groups of Linux, root), --delay makes their
packets late (network namespaces, root and ip(8)). Tokens choose experts by Zipf's law, with other ranks in each layer.
The cluster's leader makes the placements, from the load and the speeds that it
has measured. A logit that differs by a bit is an error. hachi calibrate --best reads
files of --json.`,
		Args: arguments(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runPlacement(cmd, c, out)
		},
	}
	f := configFlags{cmd.Flags()}
	logLevelFlag(f, &c.Up.LogLevel)
	benchModelFlags(f, &c.Up.Model)
	quantizeFlag(f, &c.Up.Model.Quantize)
	f.integer("nodes", "nodes", &c.Up.Nodes, "expert-node processes")
	f.integer("redundant-experts", "placement.redundantExperts", &c.Up.Placement.Redundant, "copies more that a layer has, of its busiest experts; balanced and eplb only")
	threadsFlag(f, &c.Up.Model.Threads)
	f.text("listen", "listen", &c.Up.Listen, "HTTP listener of the cluster, HOST:PORT")
	f.StringSliceVar(&c.Policies, "policies", []string{"column", "balanced"}, "column, balanced, eplb")
	f.IntSliceVar(&c.Replicas, "replicas", []int{1}, "replicas of each expert")
	f.IntSliceVar(&c.MicroBatches, "micro-batches", []int{1}, "micro-batches of a step; 0 lets the router choose")
	f.DurationVar(&c.Delay, "delay", 0, "by how much packets between router and nodes are late, each way")
	f.Float64SliceVar(&c.Cores, "cores", nil, "`cores` of CPU time for each node, for example 0.2,0.2,0.2,0.4; no limit when empty")
	f.Float64Var(&c.Skew, "skew", 1, "exponent of Zipf's law; 0 is an even load")
	f.IntVar(&c.Sequences, "sequences", 64, "sequences of a decode step")
	f.IntVar(&c.Context, "context", 64, "positions before the decoded one")
	f.IntVar(&c.WarmUp, "warm-up", 32, "steps that measure load and speeds")
	f.IntVar(&c.Steps, "steps", 4, "decode steps of each policy in a round")
	f.IntVar(&c.Rounds, "rounds", 7, "repetitions; medians are reported")
	f.Uint64Var(&c.Seed, "seed", 1, "same seed, same tokens and same popular experts")
	out.register(cmd)
	return cmd
}

// runPlacement measures in a data directory of its own.
func runPlacement(cmd *cobra.Command, c placement.Config, out printer) error {
	if err := ownCluster(cmd, &c.Up, "hachi-placement"); err != nil {
		return err
	}
	defer os.RemoveAll(c.Up.DataDir)
	c.Progress = func(done, all int) { fmt.Fprintf(cmd.ErrOrStderr(), "round %d of %d\n", done, all) }
	report, err := placement.Run(cmd.Context(), c)
	if err != nil {
		return err
	}
	return out.print(cmd, report)
}
