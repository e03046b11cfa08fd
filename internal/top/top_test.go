package top

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/hachi-serve/hachi/client"
	"github.com/hachi-serve/hachi/internal/journal"
	"github.com/hachi-serve/hachi/internal/status"
)

// big is a cluster of 48 layers with 128 experts each, of which one has no replica.
func big() client.Status {
	s := client.Status{Leader: "coordinator-0", Policy: "balanced", Replicas: 2, Epoch: 7, NodesNeeded: 9, Degraded: "loading: expert-3; no room"}
	for i := range 40 {
		s.Nodes = append(s.Nodes, client.NodeStatus{Node: fmt.Sprintf("expert-%d", i), State: "serving", Addr: "10.0.0.1:7070", Backend: "cpu", Serving: 100, Resident: 110, Bytes: 5 << 30, Capacity: 8 << 30, RowsPerSecond: 1234, Epoch: 7})
	}
	for layer := range 48 {
		var on [][]string
		var rates []float64
		for e := range 128 {
			on = append(on, []string{fmt.Sprintf("expert-%d", e%40), fmt.Sprintf("expert-%d", (e+1)%40)})
			rates = append(rates, float64(1+e*layer))
		}
		s.Placement, s.RowsPerSecond = append(s.Placement, on), append(s.RowsPerSecond, rates)
	}
	s.Placement[3][7] = []string{"gone"}
	s.Routers = []client.RouterStatus{{Router: "router-0", HTTP: "10.0.0.8:8080", GRPC: "10.0.0.8:8081", Acked: 7, Load: 12}, {Router: "evil\x1b[31m\nrouter", Acked: 6}}
	s.Gateways = []client.GatewayStatus{{Gateway: "gateway-0", HTTP: "10.0.0.9:8080", PassedOver: []client.PassedOver{{Router: "router-9", Why: "its tokenizer or chat template differs"}}}}
	s.Busiest = []client.ExpertStatus{{Layer: 47, Expert: 127, RowsPerSecond: 5970, TimesMean: 2, Nodes: []string{"expert-7"}}}
	return s
}

// reading is the state of a cluster at second 1, with a router that answers.
func reading(c client.Status) arrived {
	at := time.Unix(1, 0)
	r := status.Process{ID: "router-0", Role: status.RouterRole, Load: 12, Queue: 3, KVUsage: 0.4}
	r.Running = []journal.Request{
		{Number: 2, ID: "req-2", Phase: journal.Prefill, Prompt: 900, Computed: 512, Began: at.Add(-2 * time.Second)},
		{Number: 3, ID: "evil\x1b[2J", Phase: journal.Waiting, Prompt: 3, Began: at},
	}
	r.Ended = []journal.Request{{
		Number: 1, ID: "req-1", Phase: journal.Done, Tokens: 9, Began: at.Add(-5 * time.Second), First: at.Add(-4 * time.Second), Last: at.Add(-time.Second), Felt: 2,
		Stalls: []journal.Stall{{Took: 340 * time.Millisecond, Cause: "failover from expert-1"}},
	}}
	c.Gateways = nil
	return arrived{status.State{At: at, Cluster: c, Processes: []status.Process{r}, Silent: map[string]string{"router-9": "refused"}}}
}

// plain is the state of a cluster whose processes say nothing.
func plain(c client.Status) arrived { return arrived{status.State{At: time.Unix(1, 0), Cluster: c}} }

// blank is a model without a state.
func blank() model { return newModel(context.Background(), nil, time.Second) }

// send feeds a model with messages.
func send(m tea.Model, all ...tea.Msg) model {
	for _, msg := range all {
		m, _ = m.Update(msg)
	}
	return m.(model)
}

func key(text string) tea.Msg {
	switch text {
	case "down":
		return tea.KeyPressMsg{Code: tea.KeyDown}
	case "end":
		return tea.KeyPressMsg{Code: tea.KeyEnd}
	case "right":
		return tea.KeyPressMsg{Code: tea.KeyRight}
	}
	return tea.KeyPressMsg{Code: rune(text[0]), Text: text}
}

// TestEveryPageFitsEveryTerminal: no line is wider, the keys are always shown, and no
// text of the network moves the cursor.
func TestEveryPageFitsEveryTerminal(t *testing.T) {
	for _, size := range []tea.WindowSizeMsg{{Width: 80, Height: 24}, {Width: 200, Height: 60}, {Width: 20, Height: 5}, {Width: 1, Height: 1}} {
		for i, p := range pages() {
			for _, s := range []arrived{plain(client.Status{}), plain(big()), reading(big())} {
				m := send(blank(), size, s, key(fmt.Sprint(i+1)), key("end"))
				lines := strings.Split(m.render(), "\n")
				if len(lines) != size.Height || lines[len(lines)-1] != fit(keys, size.Width) {
					t.Errorf("%s at %v: %d lines, the last %q", p.name, size, len(lines), lines[len(lines)-1])
				}
				for _, line := range lines {
					if len([]rune(line)) > size.Width || strings.ContainsFunc(line, func(r rune) bool { return r < ' ' }) {
						t.Errorf("%s at %v: %q", p.name, size, line)
					}
				}
			}
		}
	}
	if len([]rune(keys)) > 80 {
		t.Errorf("the keys take %d columns", len([]rune(keys)))
	}
}

// TestPagesShowTheState: what an operator looks for is on its page at 80x24.
func TestPagesShowTheState(t *testing.T) {
	m := send(blank(), tea.WindowSizeMsg{Width: 80, Height: 24}, plain(big()))
	for page, wants := range map[string][]string{
		"1": {"PAUSES: 1 of 6144 experts have no replica", "epoch 7, balanced, 2 replicas", "40 registered, 9 needed", "! degraded: loading: expert-3", "! degraded: no room", "L47/E127", "[1 overview]"},
		"2": {"_ none, from least", "x no replica", "a glyph is the busiest of 2 experts", "L0", "skew 2.0", "lines 1-21 of 50", "[2 experts]"},
		"3": {"NODE", "expert-0", "5120.0Mi", "8192.0Mi", "serving", "[3 nodes]"},
		"4": {"router-0", "12", `evil\u001b[31m\nrouter`, "behind", "router-9 (its tokenizer", "[4 requests]"},
	} {
		text := send(m, key(page)).render()
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("page %s has no %q:\n%s", page, want, text)
			}
		}
	}
	lost := strings.Split(strings.Join(experts(m.state, 80), "\n"), "L4 ")[0]
	if !strings.Contains(lost[strings.Index(lost, "L3 "):], "x") {
		t.Errorf("the map hides the expert without a replica:\n%s", lost)
	}
}

// TestRequestsHaveTheirPhase, where each is, and the stall that its client felt.
func TestRequestsHaveTheirPhase(t *testing.T) {
	m := send(blank(), tea.WindowSizeMsg{Width: 120, Height: 24}, reading(big()), key("4"))
	text := m.render()
	for _, want := range []string{"12  ", "3  ", "40%", "2 run", "prefill 512", "900", `evil\u001b[2J`, "waiting", "the last 1 that ended", "req-1", "done", "1s", "4s", "2: 340ms failover from expert-1"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q:\n%s", want, text)
		}
	}
	if text := send(m, key("1")).render(); !strings.Contains(text, "! router-9 does not answer: refused") {
		t.Errorf("a silent router is missing:\n%s", text)
	}
}

// TestKeysMove between pages and lines, and a pause stops the readings.
func TestKeysMove(t *testing.T) {
	m := send(newModel(t.Context(), func(context.Context) status.State { return status.State{} }, time.Second),
		tea.WindowSizeMsg{Width: 80, Height: 24}, plain(big()), key("right"), key("down"), key("down"))
	if m.page != 1 || m.top != 2 {
		t.Errorf("page %d, line %d", m.page, m.top)
	}
	if m = send(m, key("end")); m.top != 50-21 {
		t.Errorf("the end is line %d", m.top)
	}
	if m = send(m, key("g"), key("k"), key("h"), key("h")); m.page != 3 || m.top != 0 {
		t.Errorf("page %d, line %d", m.page, m.top)
	}
	m = send(m, key("p"))
	if _, cmd := m.Update(due{}); cmd == nil || !strings.Contains(m.render(), "PAUSED") {
		t.Error("a paused model stops for good, or does not say so")
	}
	if _, cmd := m.Update(key("q")); cmd == nil || cmd() != tea.Quit() {
		t.Error("q does not quit")
	}
}

// TestAStateThatIsOldSaysSo, and stays.
func TestAStateThatIsOldSaysSo(t *testing.T) {
	away := arrived{status.State{At: time.Unix(2, 0), Fault: "etcd is away"}}
	m := send(blank(), tea.WindowSizeMsg{Width: 80, Height: 24}, plain(big()), away)
	if text := m.render(); !strings.Contains(text, "NOT CURRENT: etcd") || !strings.Contains(text, "epoch 7") {
		t.Errorf("%s", text)
	}
	if text := send(blank(), tea.WindowSizeMsg{Width: 80, Height: 24}, away).render(); !strings.Contains(text, "NOT KNOWN") {
		t.Errorf("%s", text)
	}
}

// TestGlyphsRise with the logarithm of the value.
func TestGlyphsRise(t *testing.T) {
	last := -1
	for _, v := range []float64{0, 0.001, 0.01, 0.1, 0.5, 1} {
		at := strings.IndexByte(ramp, glyph(v, 1))
		if at < last {
			t.Errorf("%v is %q", v, glyph(v, 1))
		}
		last = at
	}
	if last != len(ramp)-1 || glyph(0, 1) != ramp[0] || glyph(1, 0) != ramp[0] || ramp[0] == ' ' {
		t.Errorf("the maximum is %q", glyph(1, 1))
	}
}

// TestRunEnds when its reader quits.
func TestRunEnds(t *testing.T) {
	in, press := io.Pipe()
	read := make(chan struct{}, 8)
	source := func(context.Context) status.State { read <- struct{}{}; return plain(big()).State }
	go func() {
		<-read
		_, _ = press.Write([]byte("q"))
	}()
	var out bytes.Buffer
	if err := Run(t.Context(), source, time.Hour, in, &out); err != nil {
		t.Fatal(err)
	}
}
