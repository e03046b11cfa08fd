package main

import (
	"context"
	"log/slog"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/internal/backend/cpu"
	benchkernel "github.com/hachi-serve/hachi/internal/bench/kernel"
	"github.com/hachi-serve/hachi/internal/bench/model"
	"github.com/hachi-serve/hachi/internal/compute/kernel"
	"github.com/hachi-serve/hachi/internal/role"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
)

// computeFlags are what both measurements of arithmetic share.
type computeFlags struct {
	threads, rounds int
	memory          float64
	kernel          string
	spin            time.Duration
	printer
}

func (c *computeFlags) register(cmd *cobra.Command, rounds int) {
	f := cmd.Flags()
	f.IntVar(&c.threads, "threads", runtime.GOMAXPROCS(0), "cores to compute with")
	f.IntVar(&c.rounds, "rounds", rounds, "repetitions; medians are reported")
	f.Float64Var(&c.memory, "memory-gb", 1, "memory for the stream of reads, far more than the cache")
	f.StringVar(&c.kernel, "kernel", "", "kernels to use, with their defaults; when empty, the fastest with the variants measured on this machine")
	f.DurationVar(&c.spin, "busy-poll", time.Millisecond, "how long a worker looks for work before it parks, while that pays")
	c.printer.register(cmd)
}

// pool computes in a family of kernel.Numerics.
func (c *computeFlags) pool(numerics string) (*cpu.Pool, error) {
	k, err := kernel.Choose(c.kernel)
	if err == nil {
		k, err = k.In(numerics)
	}
	if err != nil {
		return nil, &role.ConfigError{Err: err}
	}
	if c.kernel == "" {
		k = role.KernelChoices().Kernels(k, nil)
	}
	return cpu.NewPool(cpu.PoolOptions{Threads: c.threads, Kernels: k, Spin: c.spin}), nil
}

// bytes is the memory, in whole pages of 2 MiB.
func (c *computeFlags) bytes() int { return max(1, int(c.memory*1e9)>>21) << 21 }

func newBenchKernel() *cobra.Command {
	var c computeFlags
	var numerics role.NumericsConfig
	cmd := &cobra.Command{
		Use:   "kernel",
		Short: "measure memory, arithmetic and what the kernels reach of them",
		Args:  arguments(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			pool, err := c.pool(numerics.Order)
			if err != nil {
				return err
			}
			defer pool.Close()
			report, err := benchkernel.Measure(cmd.Context(), benchkernel.Options{Pool: pool, Memory: c.bytes(), Rounds: c.rounds})
			if err != nil {
				return err
			}
			return c.print(cmd, report)
		},
	}
	c.register(cmd, 7)
	orderFlag(configFlags{cmd.Flags()}, &numerics)
	return cmd
}

func newBenchModel() *cobra.Command {
	var c computeFlags
	var o model.Options
	var numerics role.NumericsConfig
	var from role.SourceConfig
	cmd := &cobra.Command{
		Use:   "model DIR|URL",
		Short: "measure prefill and decode of a checkpoint in this process, without a network",
		Args:  arguments(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			pool, err := c.pool(numerics.Order)
			if err != nil {
				return err
			}
			defer pool.Close()
			o.Dir, o.Pool, o.Rounds, o.Memory = args[0], pool, c.rounds, c.bytes()
			o.Numerics, o.Open = numerics.Overrides(), openPlace(from)
			report, err := model.Measure(cmd.Context(), o)
			if err != nil {
				return err
			}
			return c.print(cmd, report)
		},
	}
	c.register(cmd, 7)
	f := cmd.Flags()
	f.IntSliceVar(&o.Prefill, "prefill", []int{512}, "prompt lengths")
	f.IntSliceVar(&o.Decode, "decode", []int{1, 8, 32}, "sequences of a decode step")
	numericsFlags(configFlags{f}, &numerics)
	orderFlag(configFlags{f}, &numerics)
	sourceFlags(configFlags{f}, &from)
	f.IntVar(&o.Context, "context", 64, "positions before the decoded one")
	f.Uint64Var(&o.Seed, "seed", 1, "same seed, same tokens")
	return cmd
}

// openPlace opens checkpoints wherever they are.
func openPlace(from role.SourceConfig) model.Open {
	return func(ctx context.Context, place string) (*checkpoint.Checkpoint, error) {
		opened, err := role.ModelConfig{Dir: place, Source: from}.Open(ctx, slog.New(slog.DiscardHandler))
		return opened.Checkpoint, err
	}
}
