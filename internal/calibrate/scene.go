package calibrate

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/hachi-serve/hachi/internal/bench/cell"
	"github.com/hachi-serve/hachi/internal/sim/scenario"
)

// scene is a cluster that was measured.
type scene struct {
	setting     cell.Setting
	config      json.RawMessage
	machine     cell.Machine
	routing     [][]float64
	policy      string
	prefixCache bool
}

// scenario derives a scenario from a scene and nothing else. A machine that every process
// shares is in it; its numbers are a Fit's.
func (s scene) scenario() (out scenario.Scenario, err error) {
	routing, err := json.Marshal(s.routing)
	if err != nil {
		return out, err
	}
	v := s.setting
	text := fmt.Sprintf(`seed: 1
model: {config: config.json, quantize: %q}
%s
routers: {machine: this, host: this, threads: %d, prefixCache: %t, microBatches: %d}
nodes: [{name: expert, count: %d, machine: this, host: this, threads: %d}]
placement: {policy: %s, replicas: %d}
routing: {kind: counts, file: routing.json}
`, v.Quantize, machineText(s.machine.Cores), v.RouterThreads, s.prefixCache, v.MicroBatches, v.Nodes, v.NodeThreads, s.policy, v.Replicas)
	if out, err = scenarioOf(s.config, routing, text); err != nil {
		return out, fmt.Errorf("cell %s: %w", v.Name(), err)
	}
	return out, nil
}

// machineText are the sections of a machine and a network whose numbers are a Fit's.
func machineText(cores int) string {
	return fmt.Sprintf(`machines: {this: {cores: %d, memory: 1Ti, bandwidth: 1Gi, arithmetic: {f32: 1e12}, load: 1Gi}}
network: {latency: {p50: 1ms}, bandwidth: 1Gi}`, cores)
}

// scenarioOf reads a cluster file beside config.json and routing.json.
func scenarioOf(config, routing []byte, cluster string) (s scenario.Scenario, err error) {
	dir, err := os.MkdirTemp("", "hachi-calibrate")
	if err != nil {
		return s, err
	}
	defer os.RemoveAll(dir)
	for name, text := range map[string][]byte{"config.json": config, "routing.json": routing, "cluster.yaml": []byte(cluster)} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			return s, err
		}
	}
	read, err := scenario.Read(filepath.Join(dir, "cluster.yaml"))
	if err != nil {
		return s, err
	}
	return *read, nil
}
