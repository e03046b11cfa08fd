//go:build !race

package console

import (
	"flag"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/hachi-serve/hachi/client"
	"github.com/hachi-serve/hachi/internal/browsertest"
	"github.com/hachi-serve/hachi/internal/status"
)

func TestMain(m *testing.M) { browsertest.Main(m) }

var figures = flag.String("figures", "", "write screenshots into this folder")

// open opens a page of a console and waits until it follows the cluster.
func open(p *browsertest.Tab, url string) {
	p.Open(url)
	p.Until(`document.readyState === "complete" && (!document.querySelector("#announce").dataset.live || document.documentElement.dataset.live === "on")`)
}

// TestAxeFindsNoViolation on any page, in light and dark.
func TestAxeFindsNoViolation(t *testing.T) {
	for name, dark := range map[string]bool{"light": false, "dark": true} {
		t.Run(name, func(t *testing.T) {
			s := clusterOf(4, 8, 3)
			s.Cluster.Placement[1][2] = []string{"expert-9"} // which is not there
			s.Cluster.Degraded = "1 of 2 replicas of an expert"
			s.Processes[0].Hops[1].Suspected = true
			s.Silent = map[string]string{"router-7": "it does not answer"}
			b := newBench(t, s, nil)
			url := b.serve()
			p := browsertest.New(t)
			p.Dark(dark)
			for _, path := range []string{
				"", "/experts", "/experts?sort=skew", "/nodes", "/hops", "/requests", "/placement", "/events", "/chat", "/plan?ask=1", "/nodes/expert-1/drain",
				"/requests/gateway/gateway-0/7/cancel", "/login", "/nodes/none/drain",
			} {
				open(p, url+Root+path)
				if path == "" {
					p.Until(`document.querySelectorAll(".uplot").length === 4`)
				}
				if path == "/experts" {
					p.Run(chromedp.Focus(chromedp.CSS("#grid td")), chromedp.KeyEvent(kb.Enter))
					p.WantText("#expert", "expert-0")
				}
				p.LoadAxe()
				p.CheckAxe(path)
			}
			p.Forgive("404")
		})
	}
}

// TestANodeIsDrainedByKeyboard: from signing in to the notice, without a pointer.
func TestANodeIsDrainedByKeyboard(t *testing.T) {
	b := newBench(t, clusterOf(4, 8, 3), keyed())
	url := b.serve()
	p := browsertest.New(t)
	open(p, url+Root)
	p.Until(`document.activeElement.id === "key"`)
	p.Run(chromedp.KeyEvent("OPERATOR"), chromedp.KeyEvent(kb.Enter))
	p.Arrive("Overview")
	p.TabTo("Nodes")
	p.Run(chromedp.KeyEvent(kb.Enter))
	p.Arrive("Nodes")
	p.TabTo("Drain expert-1")
	p.Run(chromedp.KeyEvent(kb.Enter))
	p.Arrive("Drain expert-1?")
	p.Until(`document.activeElement.textContent === "Drain expert-1"`)
	if got := b.acts.all(); got != "" {
		t.Errorf("before the confirmation: %s", got)
	}
	p.Run(chromedp.KeyEvent(kb.Enter))
	p.Arrive("Nodes")
	p.WantText(".notice", "The node is draining")
	if got := b.acts.all(); got != `drain expert-1 undo false by "OPERATOR"` {
		t.Errorf("the acts are %s", got)
	}
}

// TestTheGridIsWalkedByKeyboard: one cell is in the order of Tab; arrow keys move, Enter
// opens, Escape closes.
func TestTheGridIsWalkedByKeyboard(t *testing.T) {
	b := newBench(t, clusterOf(4, 8, 3), nil)
	p := browsertest.New(t)
	open(p, b.serve()+Root+"/experts")
	p.Until(`document.querySelectorAll('#grid [tabindex="0"]').length === 1`)
	p.Run(chromedp.Focus(chromedp.CSS("#grid td")))
	for _, step := range []struct{ key, at string }{
		{kb.ArrowRight, "0/1"}, {kb.ArrowDown, "1/1"}, {kb.End, "1/7"}, {kb.ArrowRight, "1/7"}, {kb.ArrowUp, "0/7"}, {kb.ArrowUp, "0/7"}, {kb.Home, "0/0"}, {kb.ArrowLeft, "0/0"},
	} {
		p.Run(chromedp.KeyEvent(step.key))
		if got := browsertest.Eval[string](p, `document.activeElement.dataset.e`); got != step.at {
			t.Errorf("a key leads to %s, want %s", got, step.at)
		}
	}
	p.Run(chromedp.KeyEvent(kb.Enter))
	p.WantText("#expert", "Layer 0, expert 0")
	p.Run(chromedp.KeyEvent(kb.Escape))
	p.Until(`document.querySelector("#expert").childElementCount === 0 && document.activeElement.dataset.e === "0/0"`)
}

// TestADeadNodeChangesItsCells on an open page, and the focus stays where it is. A page
// that is paused does not change.
func TestADeadNodeChangesItsCells(t *testing.T) {
	b := newBench(t, clusterOf(4, 8, 3), nil)
	p := browsertest.New(t)
	open(p, b.serve()+Root+"/experts")
	p.Run(chromedp.Focus(chromedp.CSS(`#grid td[data-e="0/1"]`)))
	kill := func(node string) {
		b.set(func(s *status.State) {
			s.Cluster.Nodes = slices.DeleteFunc(slices.Clone(s.Cluster.Nodes), func(n client.NodeStatus) bool { return n.Node == node })
		})
	}
	kill("expert-1")
	p.Until(`document.querySelector('#grid td[data-e="0/1"]').classList.contains("r1")`)
	p.WantText("#announce", "expert-1 left")
	if got := browsertest.Eval[string](p, `document.activeElement.dataset.e`); got != "0/1" {
		t.Errorf("the focus is at %q", got)
	}
	p.Run(chromedp.Click(chromedp.CSS("#pause")))
	p.Until(`document.querySelector("#pause").getAttribute("aria-pressed") === "true" && document.documentElement.dataset.live === "off"`)
	kill("expert-2")
	other := b.follow(t, "experts") // which sees it
	for e := range other {
		if strings.Contains(e.data, "✕") {
			break
		}
	}
	if got := browsertest.Eval[int](p, `document.querySelectorAll("#grid td.r0").length`); got != 0 {
		t.Errorf("a paused page shows %d experts without a replica", got)
	}
	p.Run(chromedp.Click(chromedp.CSS("#pause")))
	p.Until(`document.querySelectorAll("#grid td.r0").length > 0`)
}

// TestTheLargestModelIsRefreshedQuickly: 6,144 cells are changed in a page that stays
// usable. The time is logged: this machine may be busy.
func TestTheLargestModelIsRefreshedQuickly(t *testing.T) {
	b := newBench(t, clusterOf(48, 128, 16), nil)
	p := browsertest.New(t)
	open(p, b.serve()+Root+"/experts")
	p.Until(`document.querySelector("#grid").dataset.took !== undefined`)
	t.Logf("all 6,144 cells are set in %s ms", browsertest.Eval[string](p, `document.querySelector("#grid").dataset.took`))
	if width := browsertest.Eval[float64](p, `document.querySelector("#grid td").getBoundingClientRect().width`); width < 24 {
		t.Errorf("a cell is %g pixels wide", width)
	}
}

// TestPagesReflow at 400 %: a window of 320 CSS pixels has no scroll bar of its own,
// and nothing that is pressed is smaller than 24 pixels.
func TestPagesReflow(t *testing.T) {
	b := newBench(t, clusterOf(4, 8, 3), nil)
	url := b.serve()
	p := browsertest.New(t)
	p.Size(320, 640, 1, true)
	for _, s := range b.shown() {
		open(p, url+s.path())
		if width := browsertest.Eval[int](p, `document.documentElement.scrollWidth`); width > 320 {
			t.Errorf("%s is %d pixels wide", s.path(), width)
		}
		if small := browsertest.Eval[[]string](p, `[...document.querySelectorAll("button, .button, input, textarea, nav a, summary, #grid td")].filter((e) => e.checkVisibility()).filter((e) => {
			const box = e.getBoundingClientRect();
			return box.height < 24 || box.width < 24;
		}).map((e) => e.id || e.type || e.textContent)`); len(small) > 0 {
			t.Errorf("%s: too small to be pressed: %q", s.path(), small)
		}
	}
}

// TestReducedMotionHasNoTransition.
func TestReducedMotionHasNoTransition(t *testing.T) {
	b := newBench(t, clusterOf(1, 8, 3), nil)
	p := browsertest.New(t)
	open(p, b.serve()+Root+"/nodes")
	duration := `getComputedStyle(document.querySelector("#pause")).transitionDuration`
	if got := browsertest.Eval[string](p, duration); got == "0s" {
		t.Fatal("nothing moves, so the test shows nothing")
	}
	browsertest.Call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}}})
	p.Until(duration + ` === "0s"`)
}

// TestTheChatShowsTheNodesOfEachToken behind the token and in a table.
func TestTheChatShowsTheNodesOfEachToken(t *testing.T) {
	b := newBench(t, clusterOf(1, 8, 3), nil)
	p := browsertest.New(t)
	open(p, b.serve()+Root+"/chat")
	p.Run(chromedp.SendKeys(chromedp.CSS("#message"), "hello"), chromedp.Click(chromedp.CSS("#send")))
	p.WantText("#chat-state", "The answer is complete: stop.")
	p.WantText(`.turn[data-of="model"]`, "You 1said 1hello")
	p.WantText("#nodes tbody", "expert-0, expert-2")
}

// anHour is a console that has watched a cluster for an hour: a node died in its midst,
// and came back.
func anHour(t *testing.T) *bench {
	t.Helper()
	s := clusterOf(32, 8, 4)
	now := s.At
	s.At = now.Add(-time.Hour)
	b := newBench(t, s, nil)
	for i := 1; i < int(time.Hour/status.SampleEvery); i++ {
		s.At = s.At.Add(status.SampleEvery)
		s.Processes = slices.Clone(s.Processes)
		g := &s.Processes[len(s.Processes)-1]
		rate := 420 + 140*math.Sin(float64(i)/40) + float64(i*i%37)
		each, seen := time.Duration(18+i%7)*time.Millisecond, s
		if dead := i >= 180 && i < 195; dead {
			rate, each = rate/2, 2*each
			seen.Cluster.Nodes = slices.DeleteFunc(slices.Clone(s.Cluster.Nodes), func(n client.NodeStatus) bool { return n.Node == "expert-2" })
		}
		g.Tokens += uint64(rate * status.SampleEvery.Seconds())
		g.First.Observe(7*each, 5)
		g.First.Observe(20*each, 1)
		g.Next.Observe(each, 200)
		g.Next.Observe(4*each, 3)
		g.Running, g.Ended = nil, nil
		b.Watcher.Observe(seen)
	}
	fresh := clusterOf(32, 8, 4) // whose requests run
	s.Processes[len(s.Processes)-1].Running = fresh.Processes[len(fresh.Processes)-1].Running
	s.Cluster.Nodes = slices.DeleteFunc(slices.Clone(s.Cluster.Nodes), func(n client.NodeStatus) bool { return n.Node == "expert-3" })
	b.state.Store(&s)
	return b
}

// TestScreenshots writes the figures of docs/console.md; make screenshots runs it.
func TestScreenshots(t *testing.T) {
	if *figures == "" {
		t.Skip("-figures names no folder")
	}
	b := anHour(t)
	url := b.serve()
	p := browsertest.New(t)
	p.Size(3360, 1660, 1, false) // the largest model, whole
	open(p, newBench(t, clusterOf(48, 128, 16), nil).serve()+Root+"/experts")
	p.Until(`document.querySelector("#grid").dataset.took !== undefined`)
	p.Save(filepath.Join(*figures, "console-experts-128.png"))
	for _, shot := range []struct {
		name, path string
		dark       bool
	}{
		{"overview", "", false}, {"experts", "/experts", false}, {"experts-dark", "/experts", true}, {"nodes", "/nodes", false}, {"hops", "/hops", true},
		{"requests", "/requests", false}, {"placement", "/plan?ask=1", false}, {"events", "/events", true}, {"chat", "/chat", false},
	} {
		p.Size(1280, 860, 1, false)
		p.Dark(shot.dark)
		open(p, url+Root+shot.path)
		p.Save(filepath.Join(*figures, "console-"+shot.name+".png"))
	}
}
