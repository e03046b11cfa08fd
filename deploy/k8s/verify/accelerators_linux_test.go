package verify

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestGPUPodsServe runs every pod of the overlay gpu with the driver that the tests of the
// backend have: experts and attention are on a GPU of each pod.
func TestGPUPodsServe(t *testing.T) {
	t.Parallel()
	fs := load(t)
	change(t, fs, "base/router.yaml", "--kv-cache-memory=16Gi", "--kv-cache-memory=64Mi") // this driver's memory is that of this machine
	m, err := Render(fs, "k8s/overlays/gpu")
	if err != nil {
		t.Fatal(err)
	}
	k := newKubelet(t, m)
	k.Images["hachi-cuda"] = Program{built(t, cudaDockerfile).program(), []string{"LD_LIBRARY_PATH=" + fakeDriver(t)}}
	k.Model = filepath.Join(t.TempDir(), "mini") // its weights are in bf16
	if out, err := exec.Command(k.hachi, "model", "export", "mini", k.Model).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	c := k.operate(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	k.startAll(ctx, t)
	k.waitForColumns(ctx, t)
	c.answers(ctx, t)
}

// fakeDriver compiles the driver of package fakecuda.
func fakeDriver(t *testing.T) (dir string) {
	t.Helper()
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		t.Skip("the fake CUDA driver needs gcc, which is not installed")
	}
	dir = t.TempDir()
	const backend = root + "/internal/backend/cuda"
	cmd := exec.Command(gcc, "-O2", "-march=native", "-ffp-contract=off", "-fno-strict-aliasing", "-shared", "-fPIC", "-Wno-unknown-pragmas",
		"-I", backend+"/kernels", "-o", filepath.Join(dir, "libcuda.so.1"), backend+"/fakecuda/driver/libcuda.c", "-lm", "-lpthread")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}

// TestPodsWithoutTheirDeviceSayWhy: on a machine with neither a GPU nor a Trainium chip,
// pods that need one end for good, and say what is missing.
func TestPodsWithoutTheirDeviceSayWhy(t *testing.T) {
	t.Parallel()
	for overlay, c := range map[string]struct {
		pods []string
		want string
	}{
		"gpu":  {[]string{"expert-0", "router-0"}, "libcuda.so.1 not found: install the NVIDIA driver, or give the container a GPU"},
		"trn1": {[]string{"expert-0"}, "it ended before it called"},
	} {
		k := newKubelet(t, render(t, overlay))
		k.Images["hachi-cuda"] = Program{built(t, cudaDockerfile).program(), []string{"LD_LIBRARY_PATH=" + t.TempDir()}}
		k.Images["hachi-neuron"] = Program{k.hachi, []string{"PATH=" + os.Getenv("PATH")}} // of python3
		k.operate(t)
		for _, name := range c.pods {
			p := k.pod(t, name)
			if err := k.mount(p); err != nil {
				t.Fatal(err)
			}
			cmd := k.command(t, p)
			out, err := cmd.CombinedOutput()
			if code := cmd.ProcessState.ExitCode(); code != 78 {
				t.Errorf("%s, %s: %v, exit status %d, want 78", overlay, name, err, code)
			}
			if !strings.Contains(string(out), c.want) {
				t.Errorf("%s, %s said %q, want %q", overlay, name, out, c.want)
			}
		}
	}
}
