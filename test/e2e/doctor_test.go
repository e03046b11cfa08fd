package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/doctor"
	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/freeport"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/test/e2e/internal/harness"
)

// examine runs `hachi doctor --json` without a measurement.
func examine(t *testing.T, args ...string) (code int, report doctor.Report) {
	t.Helper()
	code, said := hachi.Run(t, append([]string{"doctor", "--json", "--no-measure"}, args...)...)
	from, to := strings.Index(said, "{"), strings.LastIndex(said, "}")
	if from < 0 || to < from {
		t.Fatalf("doctor %v: %s", args, said)
	}
	if err := json.Unmarshal([]byte(said[from:to+1]), &report); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	return code, report
}

// found reports whether a check of the report says something.
func found(r doctor.Report, check, says string) bool {
	return slices.ContainsFunc(r.Findings, func(f doctor.Finding) bool { return f.Check == check && strings.Contains(f.Says, says) })
}

// TestDoctorOfACluster: nothing is found in one that is healthy, and a node that is killed is.
// What a busy machine slows is no part of it.
func TestDoctorOfACluster(t *testing.T) {
	harness.Slow(t)
	var dir string
	cluster := hachi.Cluster(t, func(c *local.UpConfig) { c.Placement.Replicas, dir = 2, c.DataDir })
	// A router that has just begun may not have said yet which placement it uses.
	var code int
	var report doctor.Report
	eventually.True(t, "nothing is found in a healthy cluster", func() bool {
		code, report = examine(t, "--data-dir", dir)
		for _, f := range report.Findings {
			if speed := f.Check == "kernel" || f.Check == "etcd" && strings.Contains(f.Says, "took") || strings.Contains(f.Says, "swapped"); f.Severity != doctor.Note && !speed {
				t.Logf("not yet healthy: %+v", f)
				return false
			}
		}
		return true
	})
	if code != 0 && len(report.Findings) == 0 || len(report.Checks) < 8 {
		t.Errorf("status %d, checks %v", code, report.Checks)
	}
	cluster.Kill(t, "expert-1")
	eventually.True(t, "the doctor misses the node", func() bool {
		code, report := examine(t, "--data-dir", dir)
		return code == 1 && (found(report, "processes", "does not answer") || found(report, "replicas", "one live replica"))
	})
}

// TestDoctorWithoutEtcd: a cluster whose records cannot be read is a finding, and what is
// left is examined.
func TestDoctorWithoutEtcd(t *testing.T) {
	t.Parallel()
	nowhere := freeport.Address(t)
	code, report := examine(t, "--etcd", nowhere)
	if code != 1 || !found(report, "etcd", "does not answer") || !found(report, "cluster", "cannot be read") || !slices.Contains(report.Checks, "memory") {
		t.Errorf("status %d, checks %v, %+v", code, report.Checks, report.Findings)
	}
	code, report = examine(t, "--data-dir", t.TempDir())
	if code != 1 || !found(report, "cluster", "hachi up") || !slices.Contains(report.Checks, "kernel") {
		t.Errorf("no cluster: status %d, checks %v, %+v", code, report.Checks, report.Findings)
	}
}

// TestDoctorOfAConfiguration: faults of a file are found before its process starts.
func TestDoctorOfAConfiguration(t *testing.T) {
	file := filepath.Join(t.TempDir(), "router.yaml")
	write := func(listen, more string) {
		t.Helper()
		text := fmt.Sprintf("cluster: {id: router-0}\nmodel: {dir: %q}\nlisten: %q\ngrpc: %q\nserving: {kvCacheMemory: 64Mi}\n%s", hachi.Model, listen, freeport.Address(t), more)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(freeport.Address(t), "")
	if code, report := examine(t, "--role", "router", "--role-config", file); code != 0 {
		t.Errorf("a sound file: %+v", report.Findings)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	write(taken.Addr().String(), "securty: {}\n")
	code, report := examine(t, "--role", "router", "--role-config", file, "--backend", "rocm")
	if code != 1 || !found(report, "configuration", "securty") || !found(report, "ports", "cannot listen") {
		t.Errorf("status %d, %+v", code, report.Findings)
	}
	if code, report := examine(t, "--model", t.TempDir()); code != 1 || !found(report, "files", "") {
		t.Errorf("no model: status %d, %+v", code, report.Findings)
	}
	if code, report := examine(t, "--backend", "cuda"); code != 1 || !found(report, "device", "does not open") {
		t.Errorf("no driver: status %d, %+v", code, report.Findings)
	}
}
