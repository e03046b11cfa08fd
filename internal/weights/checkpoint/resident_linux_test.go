package checkpoint_test

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
	"github.com/hachi-serve/hachi/internal/weights/preset"
	"github.com/hachi-serve/hachi/moe"
)

// One of four nodes pays for a quarter of the experts and for nothing else.
func TestANodeHoldsItsShareOnly(t *testing.T) {
	cfg := shape
	cfg.Hidden, cfg.FFN, cfg.Heads, cfg.HeadDim, cfg.Experts, cfg.Vocab = 256, 1024, 8, 32, 8, 2000
	dir := write(t, preset.Options{Config: cfg, Seed: 1})
	c := open(t, dir)
	if got := resident(t, dir); got != 0 {
		t.Errorf("%d bytes resident after Open, want none", got)
	}
	all := c.ExpertBytes() * int64(cfg.Layers*cfg.Experts)
	var maps []*checkpoint.ExpertMap
	for l := range cfg.Layers {
		for e := 0; e < cfg.Experts; e += 4 {
			m, err := c.MapExpert(moe.ExpertID{Layer: l, Expert: e})
			if err != nil {
				t.Fatal(err)
			}
			if err := m.Touch(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			maps = append(maps, m)
		}
	}
	// Three matrices may each share a page with their neighbors at both ends.
	edges := int64(3*len(maps)) * int64(os.Getpagesize())
	if got, want := resident(t, dir), all/4; got < want || got > want+edges {
		t.Errorf("%d bytes resident, want a quarter of %d, which is %d, and at most %d for page edges", got, all, want, edges)
	}
	for _, m := range maps {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
	if got := resident(t, dir); got != 0 {
		t.Errorf("%d bytes resident after Close, want none", got)
	}
}

// resident adds up the resident bytes of this process's mappings of files
// below dir.
func resident(t *testing.T, dir string) (bytes int64) {
	t.Helper()
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	ours := false
	for s := bufio.NewScanner(f); s.Scan(); {
		line := s.Text()
		var kb int64
		if n, _ := fmt.Sscanf(line, "Rss: %d kB", &kb); n == 1 && ours {
			bytes += kb << 10
		}
		if field, _, _ := strings.Cut(line, " "); strings.Contains(field, "-") {
			ours = strings.Contains(line, dir)
		}
	}
	return bytes
}
