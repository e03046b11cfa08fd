package sweep

import (
	"cmp"
	"fmt"
	"path/filepath"

	"github.com/hachi-serve/hachi/internal/bench/cell"
)

// measured reads the cells that clusters name, without those of faults.
func (f *File) measured() (out []Cell, err error) {
	for _, c := range f.Clusters {
		if c.Measured == "" {
			continue
		}
		cells, err := cell.Glob(filepath.Join(f.dir, c.Measured))
		if err != nil {
			return nil, fmt.Errorf("measured of %s: %w", c.Name, err)
		}
		for _, m := range cells {
			if m.Setting.Fault != cell.None {
				continue
			}
			out = append(out, Cell{
				Setting:    Setting{Cluster: c.Name, Format: cmp.Or(m.Setting.Quantize, "bf16"), Replicas: m.Setting.Replicas, Nodes: m.Setting.Nodes, Load: float64(m.Setting.Batch)},
				Throughput: m.Result.Throughput, FirstP50: m.Result.First.P50, FirstP99: m.Result.First.P99, GapP50: m.Result.Gap.P50, GapP99: m.Result.Gap.P99, measured: true,
			})
		}
	}
	return out, nil
}
