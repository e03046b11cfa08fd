package main

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/internal/compute/kernel"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/role"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
	"github.com/hachi-serve/hachi/internal/weights/quantize"
)

// formatNames lists the formats that weights can be quantized to.
func formatNames() string {
	var names []string
	for _, d := range tensor.Targets() {
		names = append(names, d.String())
	}
	return strings.Join(names, ", ")
}

// quantizedType reads the name of a format.
func quantizedType(name string) (tensor.DType, error) {
	d, err := tensor.Target(name)
	if err != nil {
		return d, &role.ConfigError{Err: err}
	}
	return d, nil
}

func newModelQuantize() *cobra.Command {
	var to string
	o := quantize.Options{Kernels: kernel.Best()}
	cmd := &cobra.Command{
		Use:   "quantize SOURCE DIR",
		Short: "write a checkpoint with 8-bit or 4-bit experts",
		Args:  arguments(2),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if o.To, err = quantizedType(to); err != nil {
				return err
			}
			src, err := checkpoint.Open(args[0])
			if err != nil {
				return err
			}
			defer src.Close()
			side, err := quantize.SideFiles(args[0])
			if err != nil {
				return err
			}
			out, shown := cmd.OutOrStdout(), int64(-1)
			o.Progress = func(done, total int64) {
				if percent := done * 100 / max(1, total); percent/10 != shown {
					shown = percent / 10
					fmt.Fprintf(out, "%3d%% of %.1f GB\n", percent, float64(total)/1e9)
				}
			}
			if err := quantize.Directory(cmd.Context(), args[1], quantize.Checkpoint{Checkpoint: src}, side, o); err != nil {
				return err
			}
			fmt.Fprintf(out, "wrote %s weights to %s\n", to, args[1])
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&to, "to", "int8", formatNames())
	f.BoolVar(&o.Dense, "dense", false, "quantize attention and head too")
	f.IntVar(&o.Threads, "threads", runtime.GOMAXPROCS(0), "cores to work with")
	return cmd
}
