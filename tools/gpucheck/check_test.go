package gpucheck

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/hachi-serve/hachi/internal/backend/cuda/fakecuda"
)

// TestTheCheckRunsOnAFakeDriver runs check.sh from its first part to its report, with
// small experts: the conformance suite for one format, two processes at once, a node, a
// cluster of one node against one process, and a node that is killed under streams.
func TestTheCheckRunsOnAFakeDriver(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds two programs and starts clusters: skipped by -short")
	}
	fake, dir := fakecuda.Need(t), t.TempDir()
	for _, args := range [][]string{
		{"build", "-buildvcs=false", "-tags", "cuda", "-o", filepath.Join(dir, "hachi"), "../../cmd/hachi"},
		{"test", "-c", "-o", filepath.Join(dir, "cuda.test"), "../../internal/backend/cuda"},
	} {
		cmd := exec.Command("go", args...)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("go %v: %v\n%s", args, err, out)
		}
	}
	for _, name := range []string{"check.sh", "cublas.py"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(filepath.Join(dir, "check.sh"))
	cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+fake, "OUT="+filepath.Join(dir, "results"), "HIDDEN=192", "FFN=320", "CALLS=1", "SEQUENCES=2", "POSITIONS=20",
		"SLICE=0", "PATIENCE=20", "CONFORMANCE=TestBackend/wgmma/experts_of_int4$")
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "results", "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	var report struct {
		Parts []struct {
			Part   string
			Passed bool
		}
		Experts struct {
			Device  string
			Timings []struct{ Format string }
		}
		Attention []struct{ Sequences int }
		Node      []struct{ Experts int }
		Kill      struct{ Repeat int }
	}
	if err := json.Unmarshal(text, &report); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	if len(report.Parts) != 7 || report.Kill.Repeat != 2 || len(report.Node) != 3 || len(report.Attention) != 2 || report.Attention[0].Sequences != 2 || report.Experts.Device != "fake H100" || len(report.Experts.Timings) != 8*5 {
		t.Errorf("the report is %s", text)
	}
	for _, p := range report.Parts {
		if !p.Passed {
			t.Errorf("part %s failed", p.Part)
		}
	}
}
