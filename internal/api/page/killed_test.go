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
	p.Run(typeInto("#temperature", "0"))
	// answer is the text of a whole answer, and whether during was called in its middle: a
	// fast machine may be done before a browser has looked.
	answer := func(during func()) (text string, middle bool) {
		t.Helper()
		p.click("#new")
		p.say("Tell me a story about a dragon.")
		p.Until(`document.querySelector(".answer-text")?.innerText.length > 20`)
		if middle = eval[string](p, `document.querySelector(".answer").dataset.state`) == "answering"; middle {
			during()
		}
		p.answered(1, "done")
		return eval[string](p, `document.querySelector(".answer-text").innerText`), middle
	}
	nothing := func() {}
	want, _ := answer(nothing)
	got, killed := "", false
	for range 50 {
		if got, killed = answer(func() {
			if err := cluster.Kill(cluster.Nodes()[2]); err != nil {
				t.Error(err)
			}
		}); killed {
			break
		}
	}
	if !killed {
		t.Fatal("every answer was done before its middle was seen")
	}
	if got != want || len(want) < 200 {
		t.Errorf("with a node killed the page shows\n%q, want\n%q", got, want)
	}
	p.Until(`document.querySelector(".failure").hidden`)
	if got, _ := answer(nothing); got != want {
		t.Errorf("after that the page shows\n%q, want\n%q", got, want)
	}
}
