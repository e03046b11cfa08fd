package e2e

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
	"github.com/hachi-serve/hachi/internal/weights/preset"
	"github.com/hachi-serve/hachi/test/e2e/internal/harness"
)

// A process of an N-node cluster pays for 1/N of the experts and for no other
// weights; the router pays for none of them. TestANodeHoldsItsShareOfAMixtral
// (make soak) shows the same at the true dimensions of Mixtral 8x7B.
func TestANodeHoldsItsShare(t *testing.T) {
	harness.Slow(t)
	dir := filepath.Join(t.TempDir(), "wide")
	err := preset.WriteModel(t.Context(), dir, preset.Options{Seed: 1, Config: model.Config{
		Layers: 2, Hidden: 256, FFN: 1024, Heads: 8, KVHeads: 4, HeadDim: 32, Vocab: 32000, Experts: 8, TopK: 2,
		RopeTheta: 1e6, NormEps: 1e-5, MaxContext: 4096, DType: tensor.BF16, BOS: 1, EOS: []int{2},
	}})
	if err != nil {
		t.Fatal(err)
	}
	checkShares(t, dir, 4)
}

// checkShares serves a checkpoint from a number of nodes that divides its
// experts and looks at the resident pages of every process.
func checkShares(t *testing.T, dir string, nodes int) {
	t.Helper()
	ckpt, err := checkpoint.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	cfg, expertBytes := ckpt.Config(), ckpt.ExpertBytes()
	ckpt.Close()
	cluster := hachi.Cluster(t, func(c *local.UpConfig) { c.Model.Dir, c.Nodes = dir, nodes })
	experts := int64(cfg.Layers * cfg.Experts)
	share := experts / int64(nodes) * expertBytes
	edges := experts / int64(nodes) * 3 * pageEdges(expertBytes/3)
	for i := range nodes {
		name := fmt.Sprintf("expert-%d", i)
		got := residentWeights(t, cluster.Child(name).PID(), dir)
		t.Logf("%s: %d MB of weights resident, 1/%d of the experts is %d MB", name, got>>20, nodes, share>>20)
		if got < share || got > share+edges {
			t.Errorf("%s: %d bytes of weights resident, want %d and at most %d for page edges", name, got, share, edges)
		}
	}
	got := residentWeights(t, cluster.Child("router-0").PID(), dir)
	t.Logf("router-0: %d MB of weights resident", got>>20)
	edges = int64(2+4*cfg.Layers) * pageEdges(totalBytes(t, dir)) // embedding, head and four matrices a layer
	if attention := totalBytes(t, dir) - experts*expertBytes + edges; got > attention {
		t.Errorf("router-0: %d bytes of weights resident, all but the experts are %d with page edges", got, attention)
	}
}

// pageEdges is what a matrix may share with the matrices beside it at both ends: pages,
// huge ones if it is as large as they are.
func pageEdges(matrix int64) int64 {
	const hugePage = 2 << 20
	if matrix >= hugePage {
		return 2 * hugePage
	}
	return 2 * int64(os.Getpagesize())
}

func totalBytes(t *testing.T, dir string) (n int64) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		n += info.Size()
	}
	return n
}

// residentWeights adds up a process's resident pages of files below dir.
func residentWeights(t *testing.T, pid int, dir string) (bytes int64) {
	t.Helper()
	f, err := os.Open(fmt.Sprintf("/proc/%d/smaps", pid))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	ours := false
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := lines.Text()
		var kb int64
		if n, _ := fmt.Sscanf(line, "Rss: %d kB", &kb); n == 1 && ours {
			bytes += kb << 10
		}
		if field, _, _ := strings.Cut(line, " "); strings.Contains(field, "-") {
			ours = strings.Contains(line, dir)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return bytes
}
