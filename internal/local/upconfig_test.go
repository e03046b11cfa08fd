package local

import (
	"errors"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/role"
)

func TestEveryFaultOfUpIsReportedAtOnce(t *testing.T) {
	c := UpConfig{
		Serving: role.ServingConfig{KVCacheMemory: 1, MaxSequences: -1, MaxQueued: -1, APIConfig: role.APIConfig{Attributes: []string{"helpfulness=9"}}},
		Model:   role.ModelConfig{Numerics: role.NumericsConfig{KVCacheDtype: "f64"}, Threads: -1},
		Etcd:    []string{"e"}, Listen: "l", LogLevel: "loud",
	}
	err := c.Validate()
	if !errors.As(err, new(*role.ConfigError)) {
		t.Fatalf("error %v, want a ConfigError", err)
	}
	for _, want := range []string{
		"serving.kvCacheMemory: 1:", "serving.maxNumSeqs: -1", "serving.maxQueuedRequests: -1", "serving.requestDeadline: 0s",
		"serving.attributes:", "model.dir: required", "dataDir: required", `model.kvCacheDtype: "f64"`, "nodes: 0", `numa: "": want auto or off`, "routers: 0", "routerTimeout: 0s", "model.threads: -1",
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

// TestUpRefusesClientsOfOtherMachinesWithoutKeysAndTLS, and admins in plaintext.
func TestUpRefusesClientsOfOtherMachinesWithoutKeysAndTLS(t *testing.T) {
	for _, tt := range []struct {
		listen, admin string
		security      SecurityConfig
		want          string // part of the fault; "" is none
	}{
		{"127.0.0.1:1", "", SecurityConfig{}, ""},
		{"0.0.0.0:1", "", SecurityConfig{}, "--api-keys"},
		{"0.0.0.0:1", "", SecurityConfig{AccessConfig: role.AccessConfig{APIKeys: "k"}}, "--http-certificates"},
		{"0.0.0.0:1", "", SecurityConfig{AccessConfig: role.AccessConfig{APIKeys: "k", HTTPCertificates: "c"}}, ""},
		{"0.0.0.0:1", "", SecurityConfig{Insecure: true}, ""},
		{"127.0.0.1:1", "0.0.0.0:2", SecurityConfig{}, ""}, // with the certificates of the cluster
		{"127.0.0.1:1", "0.0.0.0:2", SecurityConfig{Plaintext: true}, "--certificates"},
		{"127.0.0.1:1", "127.0.0.1:2", SecurityConfig{Plaintext: true}, ""},
	} {
		c := DefaultUp()
		c.Model.Dir, c.DataDir, c.Listen, c.Security = "m", "d", tt.listen, tt.security
		c.Security.AdminListen = tt.admin
		if err := c.Validate(); (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v", tt, err)
		}
	}
}
