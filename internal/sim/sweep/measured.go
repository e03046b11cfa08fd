package sweep

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/hachi-serve/hachi/internal/bench/measure"
)

// scaleCell is what is read of a cell of hachi bench scale; its package writes more.
type scaleCell struct {
	Setting struct {
		Quantize string `json:"quantize"`
		Nodes    int    `json:"nodes"`
		Replicas int    `json:"replicas"`
		Batch    int    `json:"batch"`
		Fault    string `json:"fault"`
	} `json:"setting"`
	Result struct {
		Throughput float64         `json:"output_tokens_per_second"`
		First      measure.Latency `json:"ttft"`
		Gap        measure.Latency `json:"itl"`
	} `json:"result"`
}

// measured reads the cells that clusters name, without those of faults.
func (f *File) measured() (out []Cell, err error) {
	for _, c := range f.Clusters {
		if c.Measured == "" {
			continue
		}
		paths, err := filepath.Glob(filepath.Join(f.dir, c.Measured))
		if err != nil || len(paths) == 0 {
			return nil, fmt.Errorf("measured %q of %s: no such files: %w", c.Measured, c.Name, cmp.Or(err, os.ErrNotExist))
		}
		for _, path := range paths {
			raw, err := os.ReadFile(path)
			if err != nil {
				return nil, err
			}
			var m scaleCell
			if err := json.Unmarshal(raw, &m); err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
			if m.Setting.Nodes < 1 || m.Setting.Batch < 1 || !(m.Result.Throughput > 0) {
				return nil, fmt.Errorf("%s: want setting.nodes, setting.batch and result.output_tokens_per_second above 0", path)
			}
			if m.Setting.Fault != "" {
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
