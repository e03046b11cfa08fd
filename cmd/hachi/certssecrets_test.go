package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestSecretsHoldWhatPodsNeed, and neither the key of the authority nor that of an
// operator.
func TestSecretsHoldWhatPodsNeed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "certs")
	run := func(args ...string) string {
		t.Helper()
		out, _, err := execute(t, append([]string{"certs"}, append(args, "--dir", dir)...)...)
		if err != nil {
			t.Fatalf("%v: %v", args, err)
		}
		return out
	}
	if _, _, err := execute(t, "certs", "secrets", "--dir", dir); err == nil {
		t.Error("a directory without an authority has Secrets")
	}
	run("init")
	run("issue", "expert", "expert-0", "expert-1")
	run("issue", "router", "router-0")
	run("issue", "operator", "alice")
	var list struct{ Items []secret }
	out := run("secrets", "--namespace", "blue")
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for _, s := range list.Items {
		got[s.Metadata["namespace"]+"/"+s.Metadata["name"]] = slices.Sorted(maps.Keys(s.Data))
		for key, value := range s.Data {
			for _, secret := range []string{"ca.key", "operator/alice/tls.key"} {
				raw, err := os.ReadFile(filepath.Join(dir, secret))
				if err != nil || bytes.Equal(raw, value) {
					t.Errorf("%s of %v is %s, %v", key, s.Metadata, secret, err)
				}
			}
		}
	}
	want := map[string][]string{
		"blue/gossip-keys":         {"gossip.keys"},
		"blue/expert-certificates": {"ca.crt", "expert-0.crt", "expert-0.key", "expert-1.crt", "expert-1.key"},
		"blue/router-certificates": {"ca.crt", "router-0.crt", "router-0.key"},
	}
	if !maps.EqualFunc(got, want, slices.Equal) {
		t.Errorf("Secrets %v, want %v", got, want)
	}
	key, err := os.ReadFile(filepath.Join(dir, "expert", "expert-1", "tls.key"))
	if err != nil || !bytes.Equal(list.Items[1].Data["expert-1.key"], key) {
		t.Errorf("expert-1.key is not the key of expert-1: %v", err)
	}
}
