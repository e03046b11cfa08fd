package doctor

import (
	"bufio"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"golang.org/x/sys/cpu"

	"github.com/hachi-serve/hachi/internal/backend"
	bench "github.com/hachi-serve/hachi/internal/bench/kernel"
	"github.com/hachi-serve/hachi/internal/compute/kernel"
	"github.com/hachi-serve/hachi/internal/compute/tune"
)

// benchBytes is more than the cache of the largest machine holds.
const benchBytes = 512 << 20

// rounds of the measurement; the best counts, because other programs only slow it.
const rounds = 3

// GatherMachine measures this machine: its memory, and how fast a kernel reads it. name
// is the kernel that a configuration asks for; "" is the fastest, whose choices of
// variants are in a store. Without measure it
// reads no memory.
func GatherMachine(name string, choices *tune.Store, measure bool) (*MachineFacts, error) {
	chosen, err := kernel.Choose(name)
	if err != nil {
		return nil, err
	}
	out := &MachineFacts{Kernel: chosen.Name(), Fastest: fastestHere(), Threads: runtime.GOMAXPROCS(0)}
	if plan, err := choices.Load(chosen); err == nil {
		out.Choice = &plan
	}
	if file, err := os.Open("/proc/meminfo"); err == nil {
		defer file.Close()
		out.readMemory(file)
	}
	if limit, err := memlimit.FromCgroup(); err == nil && limit > 0 && int64(min(limit, 1<<62)) < out.Memory {
		out.Memory = int64(limit)
	}
	if !measure {
		return out, nil
	}
	memory, err := bench.NewMemory(benchBytes)
	if err != nil {
		return out, nil //nolint:nilerr // less free memory than that: the other facts say so
	}
	defer memory.Close()
	for range rounds {
		out.Bandwidth = max(out.Bandwidth, bench.StreamRate(chosen, memory, out.Threads))
	}
	return out, nil
}

// fastestHere is the fastest kernel of this processor. A binary that was built without
// assembly has none but Go's.
func fastestHere() string {
	best := kernel.Best().Name()
	switch {
	case best != kernel.Go().Name():
	case cpu.X86.HasAVX512F:
		return "avx512"
	case cpu.X86.HasAVX2:
		return "avx2"
	case cpu.ARM64.HasASIMD:
		return "neon"
	}
	return best
}

// readMemory reads what Linux says of the memory.
func (m *MachineFacts) readMemory(in io.Reader) {
	values := map[string]int64{}
	for lines := bufio.NewScanner(in); lines.Scan(); {
		name, rest, _ := strings.Cut(lines.Text(), ":")
		kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
		if err == nil {
			values[name] = kib << 10
		}
	}
	m.Memory, m.Available, m.SwapUsed = values["MemTotal"], values["MemAvailable"], values["SwapTotal"]-values["SwapFree"]
}

// GatherDevice opens the device of a backend and closes it again.
func GatherDevice(name string, options backend.Options, all []backend.Backend) *DeviceFacts {
	out := &DeviceFacts{Backend: name, Number: options.Device}
	for _, b := range all {
		out.Backends = append(out.Backends, b.Name)
	}
	at := slices.IndexFunc(all, func(b backend.Backend) bool { return b.Name == name })
	if at < 0 {
		return out
	}
	device, err := all[at].Open(options)
	if err != nil {
		out.Err = err.Error()
		return out
	}
	out.Kernel = device.Info().Kernel
	if err := device.Close(); err != nil {
		out.Err = err.Error()
	}
	return out
}
