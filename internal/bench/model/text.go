package model

import (
	"fmt"
	"io"
)

// WriteText writes a row for each kind of step.
func (r Report) WriteText(out io.Writer) {
	fmt.Fprintf(out, "%s, %s, kernels %s, %d threads, median of %d, context %d\n", r.Model, r.DType, r.Kernel, r.Threads, r.Rounds, r.Context)
	fmt.Fprintf(out, "stream %.1f GB/s, fma %.1f, bf16 %.1f, vnni %.1f Gop/s\n", r.Limits.Stream, r.Limits.FMA, r.Limits.BF16, r.Limits.VNNI)
	fmt.Fprintln(out, "\trows\ttokens/s\tGB/s\tGop/s\tof limit\t")
	for _, k := range r.Results {
		fmt.Fprintf(out, "%s\t%d\t%.2f\t%.1f\t%.1f\t%.0f%% of %s\t\n", k.Kind, k.Rows, k.TokensPerS, k.GBPerS, k.GopPerS, k.Percent, k.Limit)
	}
}
