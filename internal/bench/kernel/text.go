package kernel

import (
	"fmt"
	"io"
	"strings"

	"github.com/hachi-serve/hachi/internal/compute/tune"
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
	limit("bf16", "Gop/s", r.Limits.BF16)
	limit("vnni", "Gop/s", r.Limits.VNNI)
	for _, k := range r.Kernels {
		percent := ""
		if k.Percent > 0 {
			percent = fmt.Sprintf("%.0f%% of %s", k.Percent, k.Limit)
		}
		fmt.Fprintf(out, "%s\t%.1f\t%s\t%s\t\n", k.Name, k.Rate, k.Unit, percent)
	}
	for _, p := range r.Choice.Picks {
		fmt.Fprintf(out, "choice for %s\t%s\t\t%s\t\n", p.Product, p.Variant, times(p))
	}
}

// times of all variants of a product, the default first.
func times(p tune.Pick) string {
	var parts []string
	for _, t := range p.Times {
		parts = append(parts, fmt.Sprintf("%s %.0f us", t.Variant, t.Micros))
	}
	return strings.Join(parts, ", ")
}
