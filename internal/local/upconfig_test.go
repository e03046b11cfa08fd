package local

import (
	"errors"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/role"
)

func TestEveryFaultOfUpIsReportedAtOnce(t *testing.T) {
	c := UpConfig{
		Serving: role.ServingConfig{KVCacheMemory: 1, MaxSequences: -1, MaxQueued: -1, Attributes: []string{"helpfulness=9"}},
		Model:   role.ModelConfig{Numerics: role.NumericsConfig{KVCacheDtype: "f64"}, Threads: -1},
		Etcd:    []string{"e"}, Listen: "l", LogLevel: "loud",
	}
	err := c.Validate()
	if !errors.As(err, new(*role.ConfigError)) {
		t.Fatalf("error %v, want a ConfigError", err)
	}
	for _, want := range []string{
		"serving.kvCacheMemory: 1:", "serving.maxNumSeqs: -1", "serving.maxQueuedRequests: -1", "serving.requestDeadline: 0s",
		"serving.attributes:", "model.dir: required", "dataDir: required", `model.kvCacheDtype: "f64"`, "nodes: 0", "model.threads: -1",
		`etcd: "e"`, `listen: "l"`, "leaseTTL: 0s", `logLevel: "loud"`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not reported in\n%v", want, err)
		}
	}
}

func TestTheDefaultsAreValid(t *testing.T) {
	up := DefaultUp()
	up.Model.Dir, up.DataDir = "dir", "dir"
	if err := up.Validate(); err != nil {
		t.Error(err)
	}
}

// No client would know a port that the system chose.
func TestUpWantsAFixedPort(t *testing.T) {
	c := DefaultUp()
	c.Model.Dir, c.DataDir, c.Listen = "m", "d", "127.0.0.1:0"
	if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "want a fixed port") {
		t.Errorf("listen: 127.0.0.1:0: error %v", err)
	}
}
