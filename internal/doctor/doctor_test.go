package doctor

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/client"
	"github.com/hachi-serve/hachi/internal/compute/tune"
	"github.com/hachi-serve/hachi/internal/status"
)

var now = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

// healthy are the facts of a cluster without a fault: three nodes with two replicas of
// each of eight experts, on a machine of 64 GiB.
func healthy() Facts {
	f := Facts{
		Now:    now,
		Config: &ConfigFacts{Path: "node.yaml", Role: "expertnode", Capacity: 8 << 30},
		Model:  &ModelFacts{Dir: "/models/m", Manifest: true, ExpertBytes: 1 << 30, Experts: 8},
		Ports:  []PortFacts{{Field: "listen", Addr: "10.0.0.1:7070"}, {Field: "gossip", Addr: "10.0.0.1:7946"}},
		Certificates: []CertificateFacts{
			{Where: "/certs/expert-0", From: now.Add(-87 * 24 * time.Hour), Until: now.Add(80 * 24 * time.Hour), KeyMode: 0o600},
			{Where: "of hachi up, which begins a year ago", From: now.Add(-367 * 24 * time.Hour), Until: now.Add(112 * time.Hour), KeyMode: 0o600},
			{Where: "short lived", From: now.Add(-time.Hour), Until: now.Add(23 * time.Hour)},
		},
		Etcd: []EtcdFacts{
			{Endpoint: "10.0.0.7:2379", Latency: 2 * time.Millisecond, Size: 10 << 20, Quota: 2 << 30, Leader: 1, Version: "3.7.3"},
			{Endpoint: "10.0.0.8:2379", Latency: 2 * time.Millisecond, Size: 10 << 20, Quota: 2 << 30, Leader: 1, Version: "3.7.3"},
			{Endpoint: "10.0.0.9:2379", Latency: 2 * time.Millisecond, Size: 10 << 20, Quota: 2 << 30, Leader: 1, Version: "3.7.3"},
		},
		Cluster: &ClusterFacts{Host: "here", ExpertBytes: 1 << 30, Fingerprints: map[string]string{"expert-0": "f", "expert-1": "f", "expert-2": "f"}, RouterFingerprints: map[string]string{"router-0": "f"}},
		Machine: &MachineFacts{Memory: 64 << 30, Available: 40 << 30, Kernel: "avx512", Fastest: "avx512", Threads: 8, Bandwidth: 40},
		Device:  &DeviceFacts{Backend: "cpu", Backends: []string{"cpu", "cuda"}, Kernel: "avx512"},
	}
	s := client.Status{Leader: "coordinator-0", Policy: "column", Replicas: 2, Epoch: 4, Fingerprint: "f", NodesNeeded: 3}
	for _, name := range []string{"expert-0", "expert-1", "expert-2"} {
		s.Nodes = append(s.Nodes, client.NodeStatus{Node: name, State: "serving", Bytes: 6 << 30, Capacity: 8 << 30, Epoch: 4, ExpertSeconds: 0.01, Process: client.Process{Host: "here"}})
		f.Cluster.Processes = append(f.Cluster.Processes, process(roleNode, name))
	}
	s.Routers = []client.RouterStatus{{Router: "router-0", Acked: 4, Process: client.Process{Host: "here"}}, {Router: "router-1", Acked: 4, Process: client.Process{Host: "here"}}}
	s.Gateways = []client.GatewayStatus{{Gateway: "gateway-0"}}
	f.Cluster.Processes = append(f.Cluster.Processes, router("router-0"), router("router-1"), process("gateway", "gateway-0"), process("coordinator", "coordinator-0"))
	var layer [][]string
	for e := range 8 {
		layer = append(layer, []string{s.Nodes[e%3].Node, s.Nodes[(e+1)%3].Node})
	}
	s.Placement = [][][]string{layer}
	f.Cluster.Status = s
	return f
}

func process(role, name string) ProcessFacts {
	return ProcessFacts{Role: role, Name: name, Addr: "10.0.0.1:1", Serving: true, Clock: status.Clock{Known: true, Offset: 20 * time.Millisecond, RoundTrip: time.Millisecond}, Version: "hachi v1"}
}

func router(name string) ProcessFacts {
	p := process(roleRouter, name)
	p.Weights, p.KV = 20<<30, 4<<30
	return p
}

// TestAHealthyClusterHasNoFinding, and every check has looked.
func TestAHealthyClusterHasNoFinding(t *testing.T) {
	r := Examine(healthy())
	if len(r.Findings) != 0 || !r.Healthy() || len(r.Checks) != len(checks()) {
		t.Errorf("%d checks of %d, findings %+v", len(r.Checks), len(checks()), r.Findings)
	}
	if r := Examine(Facts{Now: now}); len(r.Findings) != 0 || len(r.Checks) != 0 {
		t.Errorf("without facts: %+v", r)
	}
}

// TestPlantedFaultsAreFound: each changes one fact of a healthy cluster, and is found by
// its check, with what to do.
func TestPlantedFaultsAreFound(t *testing.T) {
	status := func(f *Facts) *client.Status { return &f.Cluster.Status }
	for _, tt := range []struct {
		name, check string
		severity    Severity
		says        string
		plant       func(*Facts)
	}{
		{"a field that is unknown", "configuration", Fault, "unknown field", func(f *Facts) { f.Config.Faults = []string{"unknown field capcity"} }},
		{"a file that is missing", "files", Fault, "tokenizer.json", func(f *Facts) { f.Model.Faults = []string{"tokenizer.json: no such file"} }},
		{"a tensor that was damaged", "digests", Fault, "hash", func(f *Facts) { f.Model.Differs = "layers.0.w1: another hash" }},
		{"no hashes", "digests", Note, "no hashes", func(f *Facts) { f.Model.Manifest = false }},
		{"a node of another model", "digests", Fault, "gets no experts", func(f *Facts) { f.Cluster.Fingerprints["expert-1"] = "other" }},
		{"a router of another model", "digests", Fault, "its requests wait", func(f *Facts) { f.Cluster.RouterFingerprints["router-0"] = "other" }},
		{"a gateway of another template", "digests", Fault, "passes over router-0", func(f *Facts) {
			status(f).Gateways[0].PassedOver = []client.PassedOver{{Router: "router-0", Why: "its tokenizer or chat template differs"}}
		}},
		{"a damaged record", "digests", Fault, "passed over", func(f *Facts) { status(f).Damaged = map[string]string{"/hachi/nodes/x": "not signed"} }},
		{"a port in use", "ports", Fault, "in use", func(f *Facts) { f.Ports[0].Err = "address already in use" }},
		{"two listeners at one address", "ports", Fault, "same address", func(f *Facts) { f.Ports[1].Addr = f.Ports[0].Addr }},
		{"an expired certificate", "certificates", Fault, "ended at", func(f *Facts) { f.Certificates[0].Until = now.Add(-time.Hour) }},
		{"a certificate that ends soon", "certificates", Warning, "ends in 72h", func(f *Facts) { f.Certificates[0].Until = now.Add(3 * 24 * time.Hour) }},
		{"a certificate of tomorrow", "certificates", Fault, "begins at", func(f *Facts) { f.Certificates[0].From = now.Add(time.Hour) }},
		{"a certificate of another authority", "certificates", Fault, "unknown authority", func(f *Facts) { f.Certificates[0].Err = "unknown authority" }},
		{"a key that others may read", "certificates", Fault, "0644", func(f *Facts) { f.Certificates[0].KeyMode = 0o644 }},
		{"a member of etcd that is away", "etcd", Fault, "does not answer", func(f *Facts) { f.Etcd[1] = EtcdFacts{Endpoint: "b", Err: "refused"} }},
		{"etcd without a majority", "etcd", Fault, "nothing can be written", func(f *Facts) { f.Etcd[1].Err, f.Etcd[2].Err = "refused", "refused" }},
		{"a full etcd", "etcd", Fault, "full", func(f *Facts) { f.Etcd[0].Alarms = []string{"NOSPACE"} }},
		{"a corrupt etcd", "etcd", Fault, "CORRUPT", func(f *Facts) { f.Etcd[0].Alarms = []string{"CORRUPT"} }},
		{"etcd near its quota", "etcd", Warning, "quota", func(f *Facts) { f.Etcd[0].Size = 1900 << 20 }},
		{"etcd without a leader", "etcd", Fault, "no leader", func(f *Facts) { f.Etcd[0].Leader = 0 }},
		{"a slow etcd", "etcd", Warning, "2s", func(f *Facts) { f.Etcd[0].Latency = 2 * time.Second }},
		{"records that cannot be read", "cluster", Fault, "cannot be read: etcd does not answer", func(f *Facts) { f.Cluster, f.Unreadable = nil, "etcd does not answer" }},
		{"a node that is silent", "processes", Fault, "does not answer", func(f *Facts) { f.Cluster.Processes[0].Err = "deadline" }},
		{"a node that does not serve", "processes", Warning, "not serve", func(f *Facts) { f.Cluster.Processes[0].Serving = false }},
		{"no coordinator", "processes", Fault, "frozen", func(f *Facts) { status(f).Leader = "" }},
		{"a leader that is silent", "processes", Fault, "does not answer: x", func(f *Facts) { status(f).NoLeader = "x" }},
		{"no router", "processes", Fault, "none is registered", func(f *Facts) { status(f).Routers = nil }},
		{"an older build", "versions", Warning, "v0", func(f *Facts) { f.Cluster.Processes[3].Version = "hachi v0" }},
		{"a clock that is wrong", "clocks", Warning, "1m0s", func(f *Facts) { f.Cluster.Processes[2].Clock.Offset = time.Minute }},
		{"a clock that is behind", "clocks", Warning, "-1m0s", func(f *Facts) { f.Cluster.Processes[2].Clock.Offset = -time.Minute }},
		{"experts without a replica", "replicas", Fault, "no live replica", func(f *Facts) { f.Cluster.Processes[0].Err, f.Cluster.Processes[1].Err = "gone", "gone" }},
		{"experts with one replica of two", "replicas", Warning, "one live replica", func(f *Facts) { status(f).Nodes = status(f).Nodes[1:] }},
		{"one replica by choice", "replicas", Note, "pauses streams", func(f *Facts) {
			status(f).Replicas = 1
			for e, nodes := range status(f).Placement[0] {
				status(f).Placement[0][e] = nodes[:1]
			}
		}},
		{"a degraded placement", "placement", Warning, "loading: expert-1", func(f *Facts) { status(f).Degraded = "loading: expert-1" }},
		{"a node that cannot load", "placement", Fault, "cannot load", func(f *Facts) { status(f).Nodes[0].LoadError = "hash" }},
		{"a router that lags", "placement", Warning, "epoch 1", func(f *Facts) { status(f).Routers[0].Acked = 1 }},
		{"too few nodes", "placement", Warning, "need 5", func(f *Facts) { status(f).NodesNeeded = 5 }},
		{"more memory than there is", "memory", Fault, "this machine has", func(f *Facts) { f.Config.KVCache = 60 << 30 }},
		{"dense weights that do not fit beside the KV cache", "memory", Fault, "20480 of other weights", func(f *Facts) { f.Config.Capacity, f.Config.KVCache, f.Config.Dense = 0, 50<<30, 20<<30 }},
		{"a router that does not fit beside nodes", "memory", Fault, "routers 20480 MiB of weights and 30720 MiB of KV cache", func(f *Facts) {
			for i := range f.Cluster.Processes {
				if f.Cluster.Processes[i].Role == roleRouter {
					f.Cluster.Processes[i].KV = 15 << 30
				}
			}
		}},
		{"a capacity below one expert", "memory", Fault, "holds no expert", func(f *Facts) { f.Config.Capacity = 1 << 20 }},
		{"nodes that do not fit the machine", "memory", Fault, "read from the disk", func(f *Facts) { f.Machine.Memory = 16 << 30 }},
		{"a placement that does not fit", "memory", Fault, "for every replica", func(f *Facts) { f.Cluster.ExpertBytes = 3 << 30 }},
		{"a machine that swaps", "memory", Warning, "swapped", func(f *Facts) { f.Machine.SwapUsed = 8 << 30 }},
		{"a slower kernel than there is", "kernel", Warning, "the kernel go", func(f *Facts) { f.Machine.Kernel = "go" }},
		{"a measured kernel", "kernel", Note, "int4 x 1 rows: near (1.10 times the default), measured 3h0m0s ago", func(f *Facts) {
			f.Machine.Choice = &tune.Plan{Measured: now.Add(-3 * time.Hour), Picks: []tune.Pick{{Product: "int4 x 1 rows", Variant: "near", Times: []tune.Time{{Variant: "far", Micros: 110}, {Variant: "near", Micros: 100}}}}}
		}},
		{"slow memory", "kernel", Warning, "GB/s", func(f *Facts) { f.Machine.Bandwidth = 0.7 }},
		{"a slow node", "kernel", Warning, "5.0 times", func(f *Facts) { status(f).Nodes[1].ExpertSeconds = 0.05 }},
		{"a backend that the binary lacks", "device", Fault, "this binary has", func(f *Facts) { f.Device.Backend = "rocm" }},
		{"a driver that is missing", "device", Fault, "libcuda", func(f *Facts) { f.Device.Backend, f.Device.Err = "cuda", "libcuda.so.1 not found" }},
	} {
		f := healthy()
		tt.plant(&f)
		r := Examine(f)
		at := slices.IndexFunc(r.Findings, func(x Finding) bool {
			return x.Check == tt.check && x.Severity == tt.severity && strings.Contains(x.Says, tt.says)
		})
		if at < 0 {
			t.Errorf("%s: not found by %s; findings %+v", tt.name, tt.check, r.Findings)
			continue
		}
		if r.Findings[at].Do == "" || r.Healthy() != (tt.severity == Note) {
			t.Errorf("%s: healthy %v, %+v", tt.name, r.Healthy(), r.Findings[at])
		}
		var out bytes.Buffer
		if r.Print(&out); !strings.Contains(out.String(), tt.says) || !strings.Contains(out.String(), "do: ") {
			t.Errorf("%s: prints %q", tt.name, out.String())
		}
	}
}
