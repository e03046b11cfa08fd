package role

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/backend/cpu"
	"github.com/hachi-serve/hachi/internal/model"
)

// TestEveryFaultIsReportedAtOnce: who fixes one flag must not find the next
// fault only then.
func TestEveryFaultIsReportedAtOnce(t *testing.T) {
	cluster := ClusterConfig{ID: "a/b", Cluster: "", Gossip: "nowhere", AdvertiseGossip: "x:y", Etcd: []string{"etcd"}, TTL: time.Millisecond, GossipLabel: strings.Repeat("l", 300)}
	clusterWants := []string{"--id \"a/b\"", "--cluster is required", "--gossip \"nowhere\"", "--advertise-gossip \"x:y\"", "--etcd \"etcd\"", "--lease-ttl 1ms", "--gossip-label"}
	weights := ModelConfig{Backend: "abacus", Numerics: model.Overrides{KV: "int4", Inner: "f16"}}
	modelWants := []string{"--model is required", "--backend \"abacus\"", "--kv \"int4\"", "--inner \"f16\"", "--threads 0"}
	serving := ServingConfig{KVBytes: 1, MaxSequences: -1, MaxQueue: -1, Attributes: []string{"helpfulness=9"}}
	servingWants := []string{"--kv-bytes 1", "--max-sequences -1", "--max-queue -1", "--request-deadline 0s", "--attribute"}
	for _, tt := range []struct {
		name  string
		cfg   interface{ Validate() error }
		wants []string
	}{
		{"coordinator", CoordinatorConfig{ClusterConfig: cluster, Listen: "0.0.0.0:1", Placement: PlacementConfig{Policy: "spiral"}},
			append(clusterWants, "--advertise must name", "--placement \"spiral\"", "--replicas 0", "--expect-nodes 0")},
		{"expertnode", ExpertNodeConfig{ClusterConfig: cluster, ModelConfig: weights, Listen: "l", Advertise: "a", Spin: time.Second},
			append(append(clusterWants, modelWants...), "--spin 1s", "--listen \"l\"", "--advertise \"a\"")},
		{"router", RouterConfig{ClusterConfig: cluster, ModelConfig: weights, Serving: serving, Listen: "l:70000", GRPC: "g", Spin: -1},
			append(append(append(clusterWants, modelWants...), servingWants...), "--spin -1ns", "--listen \"l:70000\"", "--grpc \"g\"")},
	} {
		err := tt.cfg.Validate()
		if !errors.As(err, new(*ConfigError)) {
			t.Errorf("%s: error %v, want a ConfigError", tt.name, err)
			continue
		}
		for _, want := range tt.wants {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q is not reported in\n%v", tt.name, want, err)
			}
		}
	}
}

func TestASpareCoreIsNotComputedWith(t *testing.T) {
	for _, tt := range []struct {
		threads int
		spare   bool
		want    int
	}{{1, false, 1}, {8, false, 8}, {8, true, 7}, {2, true, 1}, {1, true, 1}} {
		m := ModelConfig{Backend: "cpu", Backends: []backend.Backend{cpu.Backend()}, Threads: tt.threads, SpareCore: tt.spare}
		device, err := m.openDevice(0)
		if err != nil {
			t.Fatal(err)
		}
		if got := device.(cpu.Device).Pool.Threads(); got != tt.want {
			t.Errorf("--threads %d, --spare-core %v: %d workers, want %d", tt.threads, tt.spare, got, tt.want)
		}
		device.Close()
	}
}
