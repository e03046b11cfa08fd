package main

import (
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/internal/bench/rpc"
	"github.com/hachi-serve/hachi/internal/role"
)

// benchRPC is what `hachi bench rpc` was asked for.
type benchRPC struct {
	config            rpc.Config
	payloads, fanOuts []int
	sequential        int
	pins, cores       []string
	printer           printer
}

func newBenchRPC() *cobra.Command {
	var b benchRPC
	cmd := &cobra.Command{
		Use:   "rpc",
		Short: "measure the hop to an expert node with and without mTLS, beside raw TCP and a default unary gRPC call",
		Long: `rpc starts node processes that answer every call with its own rows and measures,
one after another in every round, a raw TCP ping-pong, an expert call as the
router makes it, in plaintext and with mTLS, and a default unary gRPC call, by
payload and by number of nodes called at once. Allocations are those of the calling process.

The result depends on where the processes run, which --pin says (none: anywhere;
same: all on one core; apart: the caller on one core, the nodes on the others),
and on what else the cores do, which --cores says (idle: they halt; awake: a
process of the lowest scheduling class keeps them from halting; busy: a process
of the usual class competes on each).`,
		Args: arguments(0),
		RunE: func(cmd *cobra.Command, _ []string) error { return b.run(cmd) },
	}
	f := cmd.Flags()
	f.IntSliceVar(&b.payloads, "payload", []int{8, 64, 512}, "KiB to each node and back")
	f.IntSliceVar(&b.fanOuts, "fan-out", []int{1, 4, 8}, "node processes called at once")
	f.IntVar(&b.sequential, "sequential", 32, "round trips one after another that are measured as one, with the smallest payload; 1 leaves it out")
	f.StringSliceVar(&b.pins, "pin", []string{string(rpc.Same), string(rpc.Apart), string(rpc.Unpinned)}, "none, same, apart: one part of the run each")
	f.StringSliceVar(&b.cores, "cores", []string{string(rpc.Idle)}, "idle, awake, busy: one part of the run each")
	f.BoolVar(&b.config.Unix, "unix", false, "Unix sockets instead of TCP")
	f.DurationVar(&b.config.Spin, "busy-poll", 0, "how long both ends of the hop poll before they block, as with the roles' --busy-poll")
	f.IntVar(&b.config.Rounds, "rounds", 5, "repetitions; medians are reported")
	f.DurationVar(&b.config.Span, "span", 200*time.Millisecond, "how long each kind of call is measured in a round")
	b.printer.register(cmd)
	cmd.AddCommand(newBenchRPCChild())
	return cmd
}

func (b *benchRPC) run(cmd *cobra.Command) error {
	binary, err := os.Executable()
	if err != nil {
		return err
	}
	c := &b.config
	c.Child = func(args ...string) *exec.Cmd {
		return exec.Command(binary, append([]string{"bench", "rpc", "child"}, args...)...)
	}
	for _, p := range b.pins {
		c.Pins = append(c.Pins, rpc.Pin(p))
	}
	for _, s := range b.cores {
		c.Cores = append(c.Cores, rpc.Cores(s))
	}
	for i := range b.payloads {
		b.payloads[i] <<= 10
	}
	c.Shapes = rpc.Shapes(b.payloads, b.fanOuts, b.sequential)
	if err := c.Validate(); err != nil {
		return &role.ConfigError{Err: err}
	}
	c.Progress = func(p rpc.Pin, s rpc.Cores) { fmt.Fprintf(cmd.ErrOrStderr(), "pin %s, cores %s\n", p, s) }
	report, err := rpc.Run(cmd.Context(), *c)
	if err != nil {
		return err
	}
	return b.printer.print(cmd, report)
}

// newBenchRPCChild is what bench rpc starts.
func newBenchRPCChild() *cobra.Command {
	return &cobra.Command{
		Use: "child", Hidden: true, Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return rpc.Child(args, cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
}
