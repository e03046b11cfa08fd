package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/internal/bench/cell"
	"github.com/hachi-serve/hachi/internal/bench/scale"
	"github.com/hachi-serve/hachi/internal/local"
)

func newBenchScale() *cobra.Command {
	c := scale.Config{Up: local.DefaultUp()}
	c.Up.Listen = "127.0.0.1:8093"
	var fault string
	var out printer
	cmd := &cobra.Command{
		Use:   "scale",
		Short: "measure clusters of several sizes under several loads, one file for each",
		Long: `scale starts clusters on this machine, one after another: expert nodes by replicas by
threads by micro-batches. Each serves closed loops of several numbers of sequences,
with answers of a fixed length to prompts of a fixed length. Each cell of this table
becomes a JSON file in --out: throughput, latencies, what the router counted, the time
on the cores that processes had, and what the machine's memory and arithmetic gave
beside every round. A cell that has a file is not measured again. hachi calibrate
reads the files.

--delay and --loss befall the packets of every node, in network namespaces (Linux, root
and ip(8)). With --fault kill the first node is killed in each round, when every stream
has begun, and started again; the files have the stalls of the streams.`,
		Args: arguments(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c.Fault = cell.Fault(fault)
			if err := ownCluster(cmd, &c.Up, "hachi-scale"); err != nil {
				return err
			}
			defer os.RemoveAll(c.Up.DataDir)
			c.Progress = func(format string, args ...any) { fmt.Fprintf(cmd.ErrOrStderr(), format+"\n", args...) }
			report, err := scale.Run(cmd.Context(), c)
			if err != nil {
				return err
			}
			return out.print(cmd, report)
		},
	}
	f := configFlags{cmd.Flags()}
	logLevelFlag(f, &c.Up.LogLevel)
	benchModelFlags(f, &c.Up.Model)
	quantizeFlag(f, &c.Up.Model.Quantize)
	f.text("listen", "listen", &c.Up.Listen, "HTTP listener of the clusters, HOST:PORT")
	f.StringVar(&c.Out, "out", "", "`directory` of the files")
	f.IntSliceVar(&c.Nodes, "nodes", []int{1, 2, 4, 8}, "expert-node processes")
	f.IntSliceVar(&c.Replicas, "replicas", []int{1}, "copies of each expert; more than nodes are left out")
	f.IntSliceVar(&c.Threads, "threads", []int{0}, "cores of each process; 0 shares them")
	f.IntSliceVar(&c.MicroBatches, "micro-batches", []int{0}, "micro-batches of a step; 0 lets the router choose")
	f.IntSliceVar(&c.Batch, "batch", []int{1, 4, 8, 16, 32}, "sequences at once")
	f.IntVar(&c.Prompt, "prompt", 32, "tokens of a prompt")
	f.IntVar(&c.Answer, "answer", 32, "tokens of an answer")
	f.IntVar(&c.Tokens, "tokens", 256, "tokens of all answers in a round, at least: a sequence writes as many answers, one after another, as that takes")
	f.IntVar(&c.Rounds, "rounds", 3, "repetitions; medians are kept")
	f.Uint64Var(&c.Seed, "seed", 1, "same seed, same prompts")
	f.DurationVar(&c.Delay, "delay", 0, "by how much packets are late, each way")
	f.Float64Var(&c.Loss, "loss", 0, "share of packets that are lost, 0 to 1")
	f.StringVar(&fault, "fault", "", "kill: a node dies in every round")
	out.register(cmd)
	return cmd
}
