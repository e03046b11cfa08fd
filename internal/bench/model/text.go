package model

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// WriteText prints a report for people.
func (r Report) WriteText(out io.Writer) error {
	fmt.Fprintf(out, "%s, %s, kernels %s, %d threads, median of %d, context %d\n", r.Model, r.DType, r.Kernel, r.Threads, r.Rounds, r.Context)
	fmt.Fprintf(out, "stream %.1f GB/s, fma %.1f Gop/s\n", r.Limits.Stream, r.Limits.FMA)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\trows\ttokens/s\tGB/s\tGop/s\tof roofline\t")
	for _, k := range r.Results {
		fmt.Fprintf(t, "%s\t%d\t%.2f\t%.1f\t%.1f\t%.0f%%\t\n", k.Kind, k.Rows, k.TokensPerS, k.GBPerS, k.GopPerS, k.Percent)
	}
	return t.Flush()
}
