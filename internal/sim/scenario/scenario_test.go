package scenario

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/role"
)

const full = `seed: 7
model: {preset: 8x7b, quantize: int8}
machines:
  cpu:
    cores: 16
    memory: 64Gi
    bandwidth: 200GB
    coreBandwidth: 20GB
    arithmetic: {bf16: 1.5e12, int8: 6e12}
    launch: 5us
    load: 2GB
    efficiency: {memory: 0.8}
network:
  latency: {p50: 30us, p99: 100us}
  bandwidth: 1250MB
  message: 10us
  incast: {buffer: 1Mi, timeout: 5ms}
routers: {count: 2, machine: cpu, gateway: true, kvCacheMemory: 8Gi}
nodes:
  - {name: a, count: 3, machine: cpu, zone: r1}
  - {name: b, machine: cpu, capacity: 16Gi}
placement: {policy: column, replicas: 1}
routing: {kind: zipf, skew: 1.1}
faults:
  - {at: 20s, slow: a-0, factor: 3, for: 5s}
  - {at: 10s, kill: a-1}
  - {at: 30s, join: {name: c, machine: cpu}}
  - {at: 40s, partition: [c, b]}
  - {at: 41s, kill: coordinator}
  - {at: 42s, kill: router-1, for: 5s}
`

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cluster.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAClusterIsRead(t *testing.T) {
	s, err := Read(write(t, full))
	if err != nil {
		t.Fatal(err)
	}
	if s.Seed != 7 || s.Policy != "column" || s.Replicas != 1 || s.Shape.Experts != tensor.Int8 || s.Shape.Config.Layers != 32 {
		t.Errorf("%+v", s)
	}
	if len(s.Nodes) != 4 || s.Nodes[2].ID != "a-2" || s.Nodes[2].Capacity != 64<<30 || s.Nodes[3].ID != "b" || s.Nodes[3].Capacity != 16<<30 {
		t.Errorf("nodes %+v", s.Nodes)
	}
	m := s.Nodes[0].Machine
	if m.Bandwidth != 200e9 || m.Rates[tensor.Int8] != 6e12 || m.Fallback != 1.5e12 || m.MemoryShare != 0.8 || m.ArithmeticShare != 1 || m.Units != 1 {
		t.Errorf("machine %+v", m)
	}
	if s.Control.LeaseTTL != 10*time.Second || s.Network.P99 != 100*time.Microsecond || s.Network.Buffer != 1<<20 {
		t.Errorf("%+v, %+v", s.Control, s.Network)
	}
	// 8 GiB hold 4096 blocks of 16 positions of 128 KiB.
	if r := s.Routers; r.Blocks != 4096 || r.Limits.StepTokens != 512 || r.Limits.MaxSequences != 128 || !r.Gateway || !r.PrefixCache {
		t.Errorf("routers %+v", r)
	}
	var kinds []FaultKind
	for _, f := range s.Faults {
		kinds = append(kinds, f.Kind)
	}
	if len(kinds) != 6 || kinds[0] != Kill || kinds[1] != Slow || s.Faults[2].Nodes[0].ID != "c" {
		t.Errorf("faults %+v", s.Faults)
	}
}

// TestEveryFaultIsNamedWithItsLine: all at once, each with its line and its field.
func TestEveryFaultIsNamedWithItsLine(t *testing.T) {
	tests := []struct {
		name, old, new string
		want           []string
	}{
		{"an unknown field", "  latency: {p50: 30us, p99: 100us}", "  latency: {p50: 30us, p90: 100us}", []string{`line 14: unknown field "p90" in network.latency`}},
		{"a wrong value", "cores: 16", "cores: many", []string{`line 5: machines.cpu.cores "many": want a whole number`}},
		{"several faults", "    memory: 64Gi\n    bandwidth: 200GB", "    memory: 0\n    bandwidth: 1", []string{"line 6: machines.cpu.memory: ", "line 8: machines.cpu.coreBandwidth: "}},
		{"a format that is none", "{bf16: 1.5e12, int8: 6e12}", "{bf16: 0, fp8: 1}", []string{"line 9: machines.cpu.arithmetic.bf16: 0: want above 0", "line 9: machines.cpu.arithmetic.fp8: want one of the formats"}},
		{"a seed below 0", "seed: 7", "seed: -7", []string{`line 1: seed "-7": want a whole number, not negative`}},
		{"no number of cores", "cores: 16", "cores: -1", []string{"line 5: machines.cpu.cores: -1: want 1 to 65536"}},
		{"a disk that never ends", "load: 2GB", "load: 1", []string{"line 11: machines.cpu.load: 1: want at least 1Mi a second"}},
		{"a network that never ends", "bandwidth: 1250MB", "bandwidth: 1", []string{"line 15: network.bandwidth: 1: want at least 1Mi a second"}},
		{"replicas without number", "replicas: 1", "replicas: 1000000", []string{"line 22: placement.replicas: 1000000: want 0 to "}},
		{"no numbers", "efficiency: {memory: 0.8}", "efficiency: {memory: .nan}", []string{"line 12: machines.cpu.efficiency.memory: NaN: want 0 to 1"}},
		{"a list of victims", "kill: a-1}", "kill: [a-1]}", []string{"line 26: faults.kill: want a text"}},
		{"a time beyond numbers", "at: 10s, kill", "at: 9999999999h, kill", []string{`line 26: faults.at "9999999...": want a duration`}},
		{"a key twice", "{at: 10s, kill", "{at: 10s, at: 11s, kill", []string{`line 26: mapping key "at" already defined`}},
		{"no model", "model: {preset: 8x7b, quantize: int8}", "model: {}", []string{"line 2: model: want either config"}},
		{"another model", "preset: 8x7b", "preset: 9x7b", []string{`line 2: model.preset: preset "9x7b" is not known`}},
		{"no config.json", "preset: 8x7b", "config: config.json", []string{"line 2: model.config: open "}},
		{"another machine", "name: b, machine: cpu", "name: b, machine: gpu", []string{`line 21: nodes[1].machine: "gpu": want one of machines: [cpu]`}},
		{"a name twice", "name: b,", "name: a-0,", []string{`line 21: nodes[1].name: "a-0" is there twice`}},
		{"a small cache", "kvCacheMemory: 8Gi", "kvCacheMemory: 1Mi", []string{"line 18: routers.kvCacheMemory: 1Mi: want at least one block of 2097152 bytes"}},
		{"half an incast", "incast: {buffer: 1Mi, timeout: 5ms}", "incast: {buffer: 1Mi}", []string{"line 17: network.incast: "}},
		{"a quota of a machine alone", "capacity: 16Gi}", "quota: {cores: 0.2}}", []string{"line 21: nodes[1].quota: want a host too"}},
		{"a period without a quota", "capacity: 16Gi}", "host: h, quota: {period: 5ms}}", []string{"line 21: nodes[1].quota.period: want cores too"}},
		{"a quota without number", "capacity: 16Gi}", "host: h, quota: {cores: -1}}", []string{"line 21: nodes[1].quota.cores: -1: want at least 0"}},
		{"a long period", "capacity: 16Gi}", "host: h, quota: {cores: 1, period: 1m}}", []string{"line 21: nodes[1].quota.period: 1m0s: want 1ms to 1s"}},
		{"another policy", "policy: column", "policy: row", []string{`line 22: placement.policy: "row": want column, balanced or eplb`}},
		{"another routing", "kind: zipf", "kind: zip", []string{`line 23: routing.kind: "zip": want uniform, zipf, adversarial or counts`}},
		{"a fault without a kind", "{at: 10s, kill: a-1}", "{at: 10s}", []string{"line 26: faults[1]: want one of kill, slow, partition and join"}},
		{"a fault of two kinds", "{at: 10s, kill: a-1}", "{at: 10s, kill: a-1, partition: [b]}", []string{"line 26: faults[1]: want one of"}},
		{"no factor", "factor: 3, ", "", []string{"line 25: faults[0].factor: 0: want 1 to 1000000 with slow"}},
		{"a node that joins later", "{at: 10s, kill: a-1}", "{at: 10s, kill: c}", []string{`line 26: faults[1].kill: "c": no process is called so before this fault`}},
		{"a router that is cut off", "partition: [c, b]", "partition: [router-0]", []string{"line 28: faults[3].partition: ", "only expert nodes can be cut off"}},
		{"routers without number", "routers: {count: 2,", "routers: {count: 2000000000,", []string{"line 18: routers.count: 2000000000: want 1 to 1024"}},
		{"nodes without number", "name: a, count: 3", "name: a, count: 2000000000", []string{"line 20: nodes[0].count: 2000000000: want 0 to "}},
		{"times of control", "seed: 7", "control: {tick: 0s, leaseTTL: 1ms}", []string{"line 1: control.tick: 0s", "line 1: control.leaseTTL: 1ms: want at least 1s"}},
	}
	for _, tt := range tests {
		if !strings.Contains(full, tt.old) {
			t.Fatalf("%s: the file has no %q", tt.name, tt.old)
		}
		_, err := Read(write(t, strings.Replace(full, tt.old, tt.new, 1)))
		var config *role.ConfigError
		if !errors.As(err, &config) {
			t.Errorf("%s: %v is no ConfigError", tt.name, err)
			continue
		}
		for _, want := range tt.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v\nwant %q", tt.name, err, want)
			}
		}
	}
}

func TestHostsHaveOneMachine(t *testing.T) {
	text := strings.Replace(full, "  cpu:\n", "  gpu: {cores: 1, memory: 1Gi, bandwidth: 1GB, load: 1GB, arithmetic: {bf16: 1e12}}\n  cpu:\n", 1)
	text = strings.Replace(text, "name: a, count: 3", "name: a, host: box, count: 3", 1)
	text = strings.Replace(text, "name: b, machine: cpu", "name: b, host: box, machine: gpu", 1)
	if _, err := Read(write(t, text)); err == nil || !strings.Contains(err.Error(), `nodes[1].host: "box": its processes name different machines`) {
		t.Error(err)
	}
}

func TestCountsOfExpertsAreChecked(t *testing.T) {
	for counts, want := range map[string]string{
		"[[1]]": "counts of 1 layers: the model has 4", "[": "unexpected end", "[[1,2,3,4,5,6,7],[],[],[]]": "layer 0: counts of 7 experts: the model has 8",
		"[[1,0,0,0,0,0,0,0],[],[],[]]":  "layer 0: rows of 1 experts: a token chooses 2",
		"[[1,-1,0,0,0,0,0,0],[],[],[]]": "layer 0, expert 1: -1 rows",
	} {
		text := strings.Replace(full, "{preset: 8x7b, quantize: int8}", "{preset: tiny}", 1)
		path := write(t, strings.Replace(text, "{kind: zipf, skew: 1.1}", "{kind: counts, file: counts.json}", 1))
		if err := os.WriteFile(filepath.Join(filepath.Dir(path), "counts.json"), []byte(counts), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", counts, err, want)
		}
	}
}

// FuzzRead: no file makes a scenario that cannot be built, and none ends the program.
func FuzzRead(f *testing.F) {
	f.Add([]byte(full))
	f.Add([]byte("nodes: [{name: x, count: 99999999}]\nmodel: {preset: tiny}\n"))
	f.Add([]byte("faults: [{at: -1s, kill: x}]\nrouters: {count: -1}\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		path := filepath.Join(t.TempDir(), "cluster.yaml")
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Read(path)
		if err != nil {
			return
		}
		if s.Routers.Machine == nil || s.Routers.Blocks < 1 || len(s.Nodes) == 0 {
			t.Fatalf("%+v", s)
		}
		for _, n := range s.Nodes {
			if n.Machine == nil || n.Machine.Fallback <= 0 || n.Machine.Bandwidth <= 0 || n.Machine.Load <= 0 {
				t.Fatalf("%+v", n)
			}
		}
	})
}
