package local

import (
	"errors"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/role"
)

func TestEveryFaultOfUpIsReportedAtOnce(t *testing.T) {
	serving := role.ServingConfig{KVBytes: 1, MaxSequences: -1, MaxQueue: -1, Attributes: []string{"helpfulness=9"}}
	c := UpConfig{Serving: serving, Numerics: model.Overrides{KV: "f64"}, Threads: -1, Etcd: []string{"e"}, Listen: "l"}
	err := c.Validate()
	if !errors.As(err, new(*role.ConfigError)) {
		t.Fatalf("error %v, want a ConfigError", err)
	}
	for _, want := range []string{
		"--kv-bytes 1", "--max-sequences -1", "--max-queue -1", "--request-deadline 0s", "--attribute", "--model is required",
		"--data-dir is required", "--kv \"f64\"", "--nodes 0", "--threads -1", "--etcd \"e\"", "--listen \"l\"", "--lease-ttl 0s",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not reported in\n%v", want, err)
		}
	}
}

func TestTheDefaultsAreValid(t *testing.T) {
	up := DefaultUp()
	up.Model, up.DataDir = "dir", "dir"
	if err := up.Validate(); err != nil {
		t.Error(err)
	}
}

// A port chosen by the system would be one nobody knows.
func TestUpWantsAFixedPort(t *testing.T) {
	c := DefaultUp()
	c.Model, c.DataDir, c.Listen = "m", "d", "127.0.0.1:0"
	if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "want a port of its own") {
		t.Errorf("--listen 127.0.0.1:0: error %v", err)
	}
}
