package kernel

import (
	"context"
	"fmt"
	"time"

	"github.com/hachi-serve/hachi/internal/backend/cpu"
	"github.com/hachi-serve/hachi/internal/bench/measure"
	"github.com/hachi-serve/hachi/internal/compute/kernel"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/compute/tune"
)

// outputsOfThread are enough that the last thread to end does not count.
const outputsOfThread = 256

// Options say what to measure.
type Options struct {
	Pool   *cpu.Pool
	Memory int // bytes of weights, many times the cache
	Rounds int
}

// Report is one run.
type Report struct {
	Kernel  string   `json:"kernel"`
	Threads int      `json:"threads"`
	Memory  int      `json:"memory_bytes"`
	Rounds  int      `json:"rounds"`
	Limits  Limits   `json:"limits"`
	Kernels []Result `json:"kernels"`
	// Choice is what a process would choose of the variants, measured for longer.
	Choice tune.Plan `json:"choice"`
}

// Result is what one kernel reached.
type Result struct {
	Name    string  `json:"name"`
	Rate    float64 `json:"rate"`
	Unit    string  `json:"unit"`
	Limit   string  `json:"limit"` // which of Limits
	Percent float64 `json:"percent"`
}

// job is one kernel at one shape. units is bytes or operations of a run.
type job struct {
	name, unit, limit string
	units             float64
	run               func()
	samples           []float64
}

// Measure runs all jobs round after round, the limits between them.
func Measure(ctx context.Context, o Options) (Report, error) {
	mem, err := NewMemory(o.Memory)
	if err != nil {
		return Report{}, err
	}
	defer mem.Close()
	k, threads := o.Pool.Kernels(), o.Pool.Threads()
	jobs := products(o.Pool, mem)
	var stream, fma, bf16, vnni []float64
	for range o.Rounds {
		stream = append(stream, StreamRate(k, mem, threads))
		fma = append(fma, FMARate(k, threads))
		bf16 = append(bf16, BF16Rate(k, threads))
		vnni = append(vnni, VNNIRate(k, threads))
		for _, j := range jobs {
			if err := ctx.Err(); err != nil {
				return Report{}, err
			}
			took := each(1, 1, func(int, int, int) { j.run() })
			j.samples = append(j.samples, j.units/float64(took.Nanoseconds()))
		}
	}
	r := Report{Kernel: k.Name(), Threads: threads, Memory: o.Memory, Rounds: o.Rounds,
		Limits: Limits{measure.Median(stream), measure.Median(fma), measure.Median(bf16), measure.Median(vnni)}}
	of := map[string]float64{"stream": r.Limits.Stream, "fma": r.Limits.FMA, "vnni": r.Limits.VNNI}
	for _, j := range jobs {
		res := Result{Name: j.name, Rate: measure.Median(j.samples), Unit: j.unit, Limit: j.limit}
		if limit := of[j.limit]; limit > 0 {
			res.Percent = 100 * res.Rate / limit
		}
		r.Kernels = append(r.Kernels, res)
	}
	r.Choice, err = tune.Measure(k, threads, time.Duration(o.Rounds)*tune.Budget)
	return r, err
}

// products have the shapes of Mixtral 8x7B: few rows read all of the memory, many
// rows read a matrix of an expert, whose outputs any number of threads can share.
func products(p *cpu.Pool, mem *Memory) []*job {
	const hidden, ffn = 4096, 14336
	var jobs []*job
	add := func(d tensor.DType, rows, outputs int) {
		w := tensor.Weight{DType: d, Rows: outputs, Cols: hidden, Data: mem.Bytes[:d.Bytes(outputs, hidden)]}
		x, y := tensor.NewMatrix(rows, hidden), tensor.NewMatrix(rows, outputs)
		for i := range x.Data {
			x.Data[i] = float32(i%17) - 8
		}
		j := &job{name: fmt.Sprintf("%v x %d rows", d, rows), run: func() { p.MatMul(y, x, w) }}
		if rows <= 4 {
			j.unit, j.limit, j.units = "GB/s", "stream", float64(len(w.Data))
		} else {
			j.unit, j.limit, j.units = "Gop/s", "fma", 2*float64(rows)*float64(outputs)*hidden
			if d.Quantized() {
				j.limit = "vnni"
			}
		}
		jobs = append(jobs, j)
	}
	for _, d := range tensor.Formats() {
		all := len(mem.Bytes) / d.Bytes(tensor.BlockRows, hidden) * tensor.BlockRows
		if !kernel.Native(d) {
			all = min(all, 4096) // enough: they are not bound by memory
		}
		add(d, 1, all)
		if d == tensor.BF16 || d.Quantized() {
			add(d, 4, all)
			add(d, 8, min(all, ffn))
			add(d, 32, min(all, ffn))
		}
		add(d, 512, min(all, max(1024, outputsOfThread*p.Threads())))
	}
	return jobs
}
