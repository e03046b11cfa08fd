package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/identity"
)

// TestCertsOfACluster makes an authority, certificates, a new authority, and
// forgets the old one, as docs/security.md says.
func TestCertsOfACluster(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "certs")
	run := func(args ...string) string {
		t.Helper()
		out, _, err := execute(t, append([]string{"certs"}, append(args, "--dir", dir)...)...)
		if err != nil {
			t.Fatalf("%v: %v", args, err)
		}
		return out
	}
	run("init", "--cluster", "blue")
	run("issue", "expert", "expert-0", "expert-1")
	run("issue", "etcd", "etcd-0", "--host", "etcd-0.etcd", "--host", "10.0.0.1")
	if out := run("show"); strings.Count(out, "spiffe://blue/expert/") != 2 || !strings.Contains(out, "etcd-0.etcd,10.0.0.1") {
		t.Error(out)
	}
	if out := run("renew"); strings.Contains(out, "spiffe://") {
		t.Errorf("renewed what is new:\n%s", out)
	}
	run("init", "--rotate")
	if _, _, err := execute(t, "certs", "renew", "--forget", "--dir", dir); err == nil {
		t.Error("an authority was forgotten whose certificates are in use")
	}
	if out := run("renew", "--all"); strings.Count(out, "spiffe://") != 3 {
		t.Error(out)
	}
	run("renew", "--forget")
	s, err := identity.Open(filepath.Join(dir, "expert", "expert-1"), nil)
	if err != nil || s.ID() != (identity.ID{Cluster: "blue", Role: identity.Expert, Name: "expert-1"}) {
		t.Errorf("%v, %v", s, err)
	}
	for _, bad := range [][]string{{"issue", "admin", "a"}, {"issue", "expert", "a/b"}, {"issue", "expert"}, {"init"}} {
		if _, _, err := execute(t, append([]string{"certs"}, append(bad, "--dir", dir)...)...); err == nil {
			t.Errorf("%v is taken", bad)
		}
	}
}
