package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/client"
	"github.com/hachi-serve/hachi/internal/api/keys"
	"github.com/hachi-serve/hachi/internal/journal"
	"github.com/hachi-serve/hachi/internal/status"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// clusterOf is a state with layers of experts on nodes, each expert on two of them, and
// a load that is different everywhere.
func clusterOf(layers, experts, nodes int) status.State {
	s := status.State{At: time.Now(), ExpertBytes: 336 << 20, Clocks: map[string]status.Clock{
		"expert-1": {Known: true, Offset: -3 * time.Second}, "router-1": {Known: true, Offset: 62 * time.Second}, "expert-0": {Known: true, Offset: time.Millisecond},
	}}
	s.Cluster = client.Status{
		Leader: "coordinator-0", Standbys: []string{"coordinator-1"}, Policy: "balanced", Replicas: 2, Epoch: 12, WindowSeconds: 60,
		Routers:  []client.RouterStatus{{Router: "router-0", HTTP: "10.0.0.8:8080", Acked: 12}, {Router: "router-1", HTTP: "10.0.0.9:8080", Acked: 12}},
		Gateways: []client.GatewayStatus{{Gateway: "gateway-0", HTTP: "10.0.0.7:8080"}},
	}
	for i := range nodes {
		s.Cluster.Nodes = append(s.Cluster.Nodes, client.NodeStatus{
			Node: fmt.Sprint("expert-", i), State: "serving", Addr: fmt.Sprintf("10.0.1.%d:7070", i), Backend: "cpu", Serving: layers * experts * 2 / nodes,
			Resident: layers * experts * 2 / nodes, Bytes: 40 << 30, Capacity: 64 << 30, Epoch: 12, RowsPerSecond: 1000 + float64(i), Process: client.Process{Host: "h", PID: 100 + i, Version: "1a2b3c4d5e6f"},
		})
	}
	for layer := range layers {
		var placed [][]string
		var rates []float64
		for expert := range experts {
			placed = append(placed, []string{fmt.Sprint("expert-", (layer+expert)%nodes), fmt.Sprint("expert-", (layer+expert+1)%nodes)})
			rates = append(rates, float64((layer*31+expert*expert*7)%4000)/3)
		}
		s.Cluster.Placement, s.Cluster.RowsPerSecond = append(s.Cluster.Placement, placed), append(s.Cluster.RowsPerSecond, rates)
	}
	return busy(s, nodes)
}

// busy adds the processes of a cluster that serves.
func busy(s status.State, nodes int) status.State {
	began := s.At.Add(-3 * time.Second)
	for _, id := range []string{"router-0", "router-1"} {
		p := status.Process{ID: id, Role: status.RouterRole, Version: "1a2b3c4d5e6f", Started: began, Load: 2, Queue: 1, KVUsage: 0.4}
		for i := range nodes {
			h := status.Hop{Node: fmt.Sprint("expert-", i), Bytes: 5 << 20, HedgesWon: 1}
			h.Calls.Observe(time.Duration(i+1)*time.Millisecond, 50)
			p.Hops = append(p.Hops, h)
		}
		s.Processes = append(s.Processes, p)
	}
	g := status.Process{ID: "gateway-0", Role: status.GatewayRole, Version: "1a2b3c4d5e6f", Started: began, Load: 4}
	g.Tokens = 500
	g.First.Observe(120*time.Millisecond, 4)
	g.Next.Observe(21*time.Millisecond, 496)
	g.Running = []journal.Request{
		{Number: 7, ID: "req-7", Client: "alice", Phase: journal.Decoding, Prompt: 40, Cached: 16, Tokens: 120, Trace: "4bf92f3577b34da6a3ce929d0e0e4736", Began: began, First: began.Add(120 * time.Millisecond), Last: s.At, Felt: 1,
			Stalls: []journal.Stall{{At: s.At.Add(-time.Second), Took: 340 * time.Millisecond, Cause: "failover from expert-1: unreachable"}}},
		{Number: 8, ID: "req-8", Phase: journal.Prefill, Prompt: 9000, Computed: 4096, Began: s.At.Add(-time.Second), Last: s.At.Add(-time.Second)},
		{Number: 9, ID: "req-9", Phase: journal.Waiting, Prompt: 30, Began: s.At.Add(-time.Second), Last: s.At.Add(-time.Second)},
		{Number: 10, ID: "req-10", Phase: journal.Waiting, Prompt: 30, Tokens: 6, Began: began, First: began.Add(time.Second), Last: s.At.Add(-time.Second)},
	}
	g.Ended = []journal.Request{{Number: 6, ID: "req-6", Phase: journal.Done, Prompt: 12, Tokens: 64, Began: began, First: began.Add(time.Second), Last: s.At, Why: "stop"}}
	s.Processes = append(s.Processes, g)
	return s
}

// acts remembers what operators asked for.
type acts struct {
	mu   sync.Mutex // guards done
	done []string
	err  error
}

func (a *acts) note(format string, args ...any) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.done = append(a.done, fmt.Sprintf(format, args...))
	return a.err
}

func (a *acts) all() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return strings.Join(a.done, "; ")
}

func (a *acts) Drain(_ context.Context, key, node string, undo bool) error {
	return a.note("drain %s undo %v by %q", node, undo, key)
}

func (a *acts) Cancel(_ context.Context, key, role, process string, number uint64) error {
	return a.note("cancel %s %s %d by %q", role, process, number, key)
}

func (a *acts) Plan(_ context.Context, key string, r *hachiv1.PlanPlacementRequest) (*hachiv1.PlanPlacementResponse, error) {
	err := a.note("plan without %v rebalance %v by %q", r.GetWithout(), r.GetRebalance(), key)
	return &hachiv1.PlanPlacementResponse{
		Policy: "balanced", Replicas: 2, Notes: []string{"one node is full"},
		Nodes: []*hachiv1.PlannedNode{{NodeId: "expert-0", ExpertsBefore: 8, ExpertsAfter: 9, Bytes: 1 << 30, LoadBytes: 336 << 20, LoadSeconds: 2}},
		Moves: []*hachiv1.PlannedMove{{Layer: 1, Expert: 2, From: "expert-1", To: "expert-0", Why: "load of layer 1"}},
	}, err
}

// saying is a chat that says some tokens.
type saying struct{}

func (saying) Attributes() []Attribute { return []Attribute{{"helpfulness", true}, {"humor", false}} }

func (saying) Answer(_ context.Context, q Question, say func(Spoken) error) (string, error) {
	if len(q.Messages) == 0 {
		return "", errors.New("no turn")
	}
	for _, text := range []string{"You ", "said ", q.Messages[len(q.Messages)-1].Content} {
		if err := say(Spoken{text, []string{"expert-0", "expert-2"}}); err != nil {
			return "", err
		}
	}
	return "stop", nil
}

// bench is a console whose cluster a test changes.
type bench struct {
	*Console
	t      testing.TB
	acts   *acts
	state  atomic.Pointer[status.State]
	looked *status.State // whose requests that have ended were seen
	server *httptest.Server
}

// newBench makes a console that has observed a state. It looks again as a console does
// whose pages are open.
func newBench(t testing.TB, s status.State, gate *keys.Gate) *bench {
	t.Helper()
	b := &bench{t: t, acts: &acts{}}
	b.state.Store(&s)
	b.looked = &s
	w := status.NewWatcher()
	b.Console = New(Config{
		Watcher: w, Acts: b.acts, Gate: gate, Process: "gateway gateway-0", Chat: saying{}, TracePage: func(id string) string { return "/traces/" + id },
	})
	w.Observe(s)
	return b
}

// serve serves the console until the test ends.
func (b *bench) serve() string {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.Watcher.Run(ctx, func(context.Context) status.State {
			now := b.state.Load()
			s := *now
			s.At, s.Processes = time.Now(), slices.Clone(now.Processes)
			for i := range s.Processes {
				if now == b.looked {
					s.Processes[i].Ended = nil
				}
			}
			b.looked = now
			return s
		})
	}()
	b.server = httptest.NewServer(b.Console)
	b.t.Cleanup(func() {
		b.server.CloseClientConnections()
		b.server.Close()
		cancel()
		<-done
	})
	return b.server.URL
}

// set changes what the console sees at its next look.
func (b *bench) set(change func(*status.State)) {
	s := *b.state.Load()
	change(&s)
	b.state.Store(&s)
}

// keyed is a gate with the keys VIEWER and OPERATOR.
func keyed() *keys.Gate {
	return &keys.Gate{Admins: keys.NewGuard([]keys.Entry{
		{Name: "vera", SHA256: keys.Hashes{keys.HashOf("VIEWER")}, Role: keys.RoleViewer},
		{Name: "olga", SHA256: keys.Hashes{keys.HashOf("OPERATOR")}},
	})}
}

// ask sends a request with a key; "" is none.
func (b *bench) ask(method, path, key string, form url.Values) *httptest.ResponseRecorder {
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r := httptest.NewRequest(method, path, body)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	return w
}

var _ http.Handler = (*Console)(nil)
