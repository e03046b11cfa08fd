//go:build !nomini

package page_test

import (
	"path/filepath"
	"testing"

	"github.com/hachi-serve/hachi"
	"github.com/hachi-serve/hachi/internal/weights/mini"
)

// TestAKilledNodeLeavesTheAnswerWhole: the page shows the same text, and no failure,
// when one of three nodes is killed in the middle of an answer.
func TestAKilledNodeLeavesTheAnswerWhole(t *testing.T) {
	p := newTab(t)
	cfg := hachi.DefaultConfig()
	cfg.Model, cfg.KVCacheBytes = filepath.Join(t.TempDir(), mini.Name), 64<<20
	if err := mini.Write(cfg.Model); err != nil {
		t.Fatal(err)
	}
	cluster, err := hachi.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Close(); err != nil {
			t.Error(err)
		}
	})
	p.open(cluster.URL())
	p.click("#settings-toggle")
	p.run(typeInto("#temperature", "0"))
	answer := func(during func()) string {
		t.Helper()
		p.click("#new")
		p.say("Tell me a story about a dragon.")
		p.until(`document.querySelector(".answer-text")?.innerText.length > 20`)
		if state := eval[string](p, `document.querySelector(".answer").dataset.state`); state != "answering" {
			t.Fatalf("the answer is %s: nothing shows what happens in its middle", state)
		}
		during()
		p.answered(1, "done")
		return eval[string](p, `document.querySelector(".answer-text").innerText`)
	}
	want := answer(func() {})
	got := answer(func() {
		if err := cluster.Kill(cluster.Nodes()[2]); err != nil {
			t.Error(err)
		}
	})
	if got != want || len(want) < 200 {
		t.Errorf("with a node killed the page shows\n%q, want\n%q", got, want)
	}
	p.until(`document.querySelector(".failure").hidden`)
	if got := answer(func() {}); got != want {
		t.Errorf("after that the page shows\n%q, want\n%q", got, want)
	}
}
