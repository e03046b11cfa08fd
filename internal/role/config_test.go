package role

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/backend/cpu"
)

func TestEveryFaultIsReportedAtOnce(t *testing.T) {
	cluster := ClusterConfig{ID: "a/b", Cluster: "", Gossip: "nowhere", AdvertiseGossip: "x:y", Etcd: []string{"etcd"}, TTL: time.Millisecond, GossipLabel: strings.Repeat("l", 300)}
	clusterWants := []string{`cluster.id: "a/b"`, "cluster.name: required", `cluster.gossip: "nowhere"`, `cluster.advertiseGossip: "x:y"`,
		`cluster.etcd: "etcd"`, "cluster.leaseTTL: 1ms", "cluster.gossipLabel: 300"}
	weights := ModelConfig{Backend: "abacus", Backends: []backend.Backend{cpu.Backend()}, Numerics: NumericsConfig{KVCacheDtype: "int4", FFNActivationDtype: "f16", DenseActivationDtype: "int8", Order: "tf32"}, Threads: -1, MaxStepTokens: -1}
	modelWants := []string{"model.dir: required", `model.backend: "abacus"`, `model.kvCacheDtype: "int4"`, `model.ffnActivationDtype: "f16"`, `model.denseActivationDtype: "int8"`, `model.numerics: "tf32"`,
		"model.threads: -1", "model.maxStepTokens: -1"}
	serving := ServingConfig{KVCacheMemory: 1, MaxSequences: -1, MaxQueued: -1, MaxStepSlowdown: 0.5, APIConfig: APIConfig{Attributes: []string{"helpfulness=9"}}}
	servingWants := []string{"serving.kvCacheMemory: 1:", "serving.maxNumSeqs: -1", "serving.maxQueuedRequests: -1", "serving.requestDeadline: 0s",
		"serving.maxStepSlowdown: 0.5", "serving.attributes:"}
	for _, tt := range []struct {
		name  string
		cfg   interface{ Validate() error }
		wants []string
	}{
		{"coordinator", CoordinatorConfig{ClusterConfig: cluster, Listen: "0.0.0.0:1", Placement: PlacementConfig{Policy: "spiral"}, LogLevel: "loud"},
			append(clusterWants, "advertise: required", `placement.policy: "spiral"`, "placement.replicas: 0", "expectNodes: 0", `logLevel: "loud"`)},
		{"expertnode", ExpertNodeConfig{ClusterConfig: cluster, ModelConfig: weights, Listen: "l", Advertise: "a", BusyPoll: time.Second, Capacity: -1},
			append(append(clusterWants, modelWants...), "busyPoll: 1s", `listen: "l"`, `advertise: "a"`, "capacity: -1")},
		{"router", RouterConfig{ClusterConfig: cluster, ModelConfig: weights, Serving: serving, Listen: "l:70000", GRPC: "g", BusyPoll: -1},
			append(append(append(clusterWants, modelWants...), servingWants...), "busyPoll: -1ns", `listen: "l:70000"`, `grpc: "g"`)},
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

func TestReservedCoreDoesNotCompute(t *testing.T) {
	for _, tt := range []struct {
		threads int
		reserve bool
		want    int
	}{{1, false, 1}, {8, false, 8}, {8, true, 7}, {2, true, 1}, {1, true, 1}} {
		m := ModelConfig{Backend: "cpu", Backends: []backend.Backend{cpu.Backend()}, Threads: tt.threads, ReserveCore: tt.reserve}
		device, err := m.openDevice(0, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		if got := device.(cpu.Device).Pool.Threads(); got != tt.want {
			t.Errorf("threads %d, reserveCore %v: %d workers, want %d", tt.threads, tt.reserve, got, tt.want)
		}
		device.Close()
	}
}
