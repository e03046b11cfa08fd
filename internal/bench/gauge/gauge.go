package gauge

import (
	"runtime"

	"github.com/hachi-serve/hachi/internal/bench/cell"
	"github.com/hachi-serve/hachi/internal/bench/kernel"
	"github.com/hachi-serve/hachi/internal/bench/measure"
	loops "github.com/hachi-serve/hachi/internal/compute/kernel"
)

// Gauge measures the machine's limits.
type Gauge struct {
	kernels *loops.Kernels
	memory  *kernel.Memory
	cores   int
}

// streamed is the memory that a gauge reads, many times a cache.
const streamed = 512 << 20

// New takes the memory that is read.
func New() (*Gauge, error) {
	k, err := loops.Choose("")
	if err != nil {
		return nil, err
	}
	m, err := kernel.NewMemory(streamed)
	if err != nil {
		return nil, err
	}
	return &Gauge{k, m, runtime.GOMAXPROCS(0)}, nil
}

// Close gives the memory back.
func (g *Gauge) Close() { g.memory.Close() }

// Machine is what the limits are of.
func (g *Gauge) Machine() cell.Machine { return cell.Machine{Cores: g.cores, Kernel: g.kernels.Name()} }

// Read measures each limit a few times.
func (g *Gauge) Read() cell.Limits {
	var all, one, fma []float64
	for range 3 {
		all = append(all, kernel.StreamRate(g.kernels, g.memory, g.cores))
		one = append(one, kernel.StreamRate(g.kernels, g.memory, 1))
		fma = append(fma, kernel.FMARate(g.kernels, g.cores))
	}
	return cell.Limits{Stream: measure.Median(all), CoreStream: measure.Median(one), FMA: measure.Median(fma)}
}
