package kernel

import (
	"fmt"
	"io"
)

// WriteText writes the limits of the machine and what each kernel reaches.
func (r Report) WriteText(out io.Writer) {
	fmt.Fprintf(out, "kernels %s, %d threads, %.2f GiB, median of %d\n", r.Kernel, r.Threads, float64(r.Memory)/(1<<30), r.Rounds)
	limit := func(name, unit string, v float64) {
		if v > 0 {
			fmt.Fprintf(out, "%s\t%.1f\t%s\t\t\n", name, v, unit)
		}
	}
	limit("stream", "GB/s", r.Limits.Stream)
	limit("fma", "Gop/s", r.Limits.FMA)
	limit("vnni", "Gop/s", r.Limits.VNNI)
	for _, k := range r.Kernels {
		percent := ""
		if k.Percent > 0 {
			percent = fmt.Sprintf("%.0f%% of %s", k.Percent, k.Limit)
		}
		fmt.Fprintf(out, "%s\t%.1f\t%s\t%s\t\n", k.Name, k.Rate, k.Unit, percent)
	}
}
