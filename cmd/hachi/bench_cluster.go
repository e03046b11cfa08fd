package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/internal/bench/cluster"
	"github.com/hachi-serve/hachi/internal/local"
)

func newBenchCluster() *cobra.Command {
	c := cluster.Config{Up: local.DefaultUp()}
	c.Up.Nodes, c.Up.Listen = 4, "127.0.0.1:8089"
	c.ListenPlaintext = "127.0.0.1:8090"
	var out printer
	cmd := &cobra.Command{
		Use:   "cluster",
		Short: "measure decode with experts in other processes against one process that holds the model",
		Long: `cluster starts expert nodes on this machine and decodes the same tokens in turns
with all experts in one process, with the nodes, and with the nodes and as many
micro-batches as the router chooses. All three use the same cores, so the
difference is the cost of the calls. A logit that differs by a bit is an error.
--against-plaintext also measures a second cluster without TLS, the difference to
which is the cost of mTLS.`,
		Args: arguments(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runCluster(cmd, c, out)
		},
	}
	f := configFlags{cmd.Flags()}
	logLevelFlag(f, &c.Up.LogLevel)
	benchModelFlags(f, &c.Up.Model)
	backendFlags(f, &c.Up.Model)
	numericsFlags(f, &c.Up.Model.Numerics)
	quantizeFlag(f, &c.Up.Model.Quantize)
	f.integer("nodes", "nodes", &c.Up.Nodes, "expert-node processes")
	placementFlags(f, &c.Up.Placement)
	threadsFlag(f, &c.Up.Model.Threads)
	coreBudgetFlag(f, &c.Up.Model.CoreBudget)
	f.text("listen", "listen", &c.Up.Listen, "HTTP listener of the cluster, HOST:PORT")
	f.BoolVar(&c.Plaintext, "against-plaintext", false, "measure a second cluster too, whose connections are plaintext")
	f.text("listen-plaintext", "listen", &c.ListenPlaintext, "HTTP listener of the second cluster, HOST:PORT")
	f.IntSliceVar(&c.Sequences, "sequences", []int{1, 8}, "sequences of a decode step")
	f.IntVar(&c.Context, "context", 64, "positions before the decoded one")
	f.IntVar(&c.Steps, "steps", 32, "decode steps of each of the three in a round")
	f.IntVar(&c.Rounds, "rounds", 7, "repetitions; medians are reported")
	f.Uint64Var(&c.Seed, "seed", 1, "same seed, same tokens")
	out.register(cmd)
	return cmd
}

// runCluster measures in a data directory of its own.
func runCluster(cmd *cobra.Command, c cluster.Config, out printer) error {
	if err := ownCluster(cmd, &c.Up, "hachi-cluster"); err != nil {
		return err
	}
	defer os.RemoveAll(c.Up.DataDir)
	c.Progress = func(done, all int) { fmt.Fprintf(cmd.ErrOrStderr(), "round %d of %d\n", done, all) }
	report, err := cluster.Run(cmd.Context(), c)
	if err != nil {
		return err
	}
	return out.print(cmd, report)
}
