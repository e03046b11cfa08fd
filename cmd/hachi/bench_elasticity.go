package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/internal/bench/elasticity"
	"github.com/hachi-serve/hachi/internal/local"
)

func newBenchElasticity() *cobra.Command {
	c := elasticity.Config{Up: local.DefaultUp(), SecondGateway: "127.0.0.1:8085"}
	c.Up.Nodes, c.Up.Placement.Policy, c.Up.Placement.Replicas, c.Up.Listen = 2, "balanced", 2, "127.0.0.1:8084"
	var figure string
	var out printer
	cmd := &cobra.Command{
		Use:   "elasticity",
		Short: "let a cluster grow, shrink and restart under load and show the timeline",
		Long: `elasticity starts a cluster with two routers behind two gateways on this machine.
While clients send one request after another, expert nodes join up to --most and
leave down to --final, and every expert node, router, coordinator and gateway is
restarted. A request that fails, and an answer that is not that of an undisturbed
run, is an error. It reports how long a node takes from its start to its first
row, and the longest wait of a client in every phase.`,
		Args: arguments(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runElasticity(cmd, c, figure, out)
		},
	}
	f := configFlags{cmd.Flags()}
	logLevelFlag(f, &c.Up.LogLevel)
	benchModelFlags(f, &c.Up.Model)
	f.integer("nodes", "nodes", &c.Up.Nodes, "expert-node processes at the beginning")
	placementFlags(f, &c.Up.Placement)
	threadsFlag(f, &c.Up.Model.Threads)
	f.text("listen", "listen", &c.Up.Listen, "HTTP listener of the first gateway, HOST:PORT")
	f.StringVar(&c.SecondGateway, "listen-second", c.SecondGateway, "HTTP listener of the second gateway, HOST:PORT")
	f.IntVar(&c.Most, "most", 8, "expert nodes at the peak")
	f.IntVar(&c.Final, "final", 3, "expert nodes at the end")
	f.IntVar(&c.Clients, "clients", 8, "clients at once")
	f.IntVar(&c.Tokens, "tokens", 32, "tokens of each answer")
	f.DurationVar(&c.Calm, "calm", 5*time.Second, "time between one change and the next")
	f.StringVar(&figure, "figure", "", "file for an SVG of the timeline")
	out.register(cmd)
	return cmd
}

// runElasticity measures in a data directory of its own.
func runElasticity(cmd *cobra.Command, c elasticity.Config, figure string, out printer) error {
	if err := ownCluster(cmd, &c.Up, "hachi-elasticity"); err != nil {
		return err
	}
	defer os.RemoveAll(c.Up.DataDir)
	c.Progress = func(what string) { fmt.Fprintln(cmd.ErrOrStderr(), what) }
	report, err := elasticity.Run(cmd.Context(), c)
	if err != nil {
		return err
	}
	return out.printDrawn(cmd, report, figure)
}
