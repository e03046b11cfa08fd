package console

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/client"
	"github.com/hachi-serve/hachi/internal/api/keys"
	"github.com/hachi-serve/hachi/internal/status"
)

// inline matches what the Content-Security-Policy would refuse.
var inline = regexp.MustCompile(`<script>|<script [^>]*[^r]>[^<]|<style| style="| on[a-z]+="|javascript:|https?://`)

// TestEveryPageShowsTheCluster without a script, a style or a file from elsewhere in it.
func TestEveryPageShowsTheCluster(t *testing.T) {
	b := newBench(t, clusterOf(4, 8, 3), nil)
	for path, want := range map[string][]string{
		"/console":                      {"Yes: every expert has a replica", "Tokens per second", "aria-current=\"page\"", "gateway-0"},
		"/console/experts":              {`data-e="3/7"`, "layer 0 expert 1: 2.3 rows/s, 2 of 2 replicas answer", "Times the mean"},
		"/console/experts?sort=skew":    {"In the order of the layers"},
		"/console/experts/1/2":          {"Layer 1, expert 2", "expert-0: answers"},
		"/console/nodes":                {"expert-2", "40.0 GiB", "Drain<span", "1a2b3c4d5e6f", "coordinator-1", "stands by", "4 running", "⚠ clock 3 s behind", "⚠ clock 62 s ahead"},
		"/console/nodes/expert-1/drain": {"Drain expert-1?", `method="post"`},
		"/console/hops":                 {"router-1", "expert-2"},
		"/console/requests": {"req-7", "failover from expert-1: unreachable", "340 ms", "16 cached", "alice", "req-6", "done: stop", "/console/requests/gateway/gateway-0/7/cancel",
			`href="/traces/4bf92f3577b34da6a3ce929d0e0e4736"`, "prefill: 4096 of 9000 tokens", "<td>waiting</td>", "waiting after a preemption", "<td>decoding</td>"},
		"/console/requests?stalled=1":                  {"req-7", "All requests"},
		"/console/placement":                           {"Epoch 12", "balanced placement, 2 replicas", "coordinator-0 leads"},
		"/console/plan":                                {"Show the plan"},
		"/console/plan?ask=1&without=a%2Cb":            {"1 copy would change, 336.0 MiB would be loaded", "− expert-1", "+ expert-0", "one node is full"},
		"/console/events":                              {"the console began to watch"},
		"/console/events?kind=node":                    {"Nothing happened"},
		"/console/chat":                                {"helpfulness", "Nodes that computed the tokens"},
		"/console/login":                               {"Sign in"},
		"/console/requests/gateway/gateway-0/7/cancel": {"Cancel the request req-7?"},
	} {
		w := b.ask("GET", path, "", nil)
		text := w.Body.String()
		if w.Code != 200 {
			t.Errorf("%s: %d %s", path, w.Code, text)
		}
		for _, part := range want {
			if !strings.Contains(text, part) {
				t.Errorf("%s does not show %q", path, part)
			}
		}
		if found := inline.FindString(text); found != "" {
			t.Errorf("%s has %q in it", path, found)
		}
		if got := w.Header().Get("Content-Security-Policy"); got != policy || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %q", path, got)
		}
		if strings.Contains(text, "<html") && strings.Count(text, "<h1>") != 1 {
			t.Errorf("%s has %d titles", path, strings.Count(text, "<h1>"))
		}
	}
	if got := b.acts.all(); got != `plan without [a b] rebalance false by ""` {
		t.Errorf("the acts are %s", got)
	}
}

// TestEveryFileOfAPageIsServed, and stays in caches.
func TestEveryFileOfAPageIsServed(t *testing.T) {
	b := newBench(t, clusterOf(1, 8, 3), nil)
	files := map[string]bool{}
	for _, p := range b.shown() {
		for _, m := range regexp.MustCompile(`(?:src|href)="(/console/assets/[^"]+)"`).FindAllStringSubmatch(b.ask("GET", p.path(), "", nil).Body.String(), -1) {
			files[m[1]] = true
		}
	}
	if len(files) < 10 {
		t.Errorf("the pages name %d files", len(files))
	}
	for file := range files {
		w := b.ask("GET", file, "", nil)
		if w.Code != 200 || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") || w.Body.Len() == 0 {
			t.Errorf("%s: %d, %q, %d bytes", file, w.Code, w.Header().Get("Cache-Control"), w.Body.Len())
		}
	}
	if w := b.ask("GET", "/console/assets/0123456789abcdef/console.css", "", nil); w.Code != 404 {
		t.Errorf("a file of another version: %d", w.Code)
	}
}

// example is a request for a route of the table.
func example(pattern string) (method, path string) {
	method, path, _ = strings.Cut(pattern, " ")
	for name, value := range map[string]string{
		"{$}": "", "{hash}": "x", "{file...}": "y.css", "{page}": "none", "{layer}": "0", "{expert}": "1", "{node}": "expert-1", "{role}": "gateway", "{process}": "gateway-0", "{number}": "7",
	} {
		path = strings.ReplaceAll(path, name, value)
	}
	return method, path
}

// TestOnlyTheRightPeopleCall every route of the table: a viewer looks, an operator acts,
// and others are asked who they are.
func TestOnlyTheRightPeopleCall(t *testing.T) {
	b := newBench(t, clusterOf(2, 8, 3), keyed())
	for _, r := range b.routes() {
		method, path := example(r.pattern)
		for _, who := range []struct {
			name, key string
			may       []access
		}{
			{"no key", "", []access{everyone}}, {"a wrong key", "WRONG", []access{everyone}},
			{"a viewer's key", "VIEWER", []access{everyone, viewers}}, {"an operator's key", "OPERATOR", []access{everyone, viewers, operators}},
		} {
			before := b.acts.all()
			code := b.ask(method, path, who.key, url.Values{}).Code
			refused := code == 401 || code == 403 || code == 303 && !slices.Contains(who.may, r.access)
			if path == "/console/login" && method == "POST" {
				refused = false // it asks for the key in its form
			}
			if may := slices.Contains(who.may, r.access); may == refused {
				t.Errorf("%s with %s: %d", r.pattern, who.name, code)
			}
			if !slices.Contains(who.may, operators) && b.acts.all() != before {
				t.Errorf("%s with %s acts: %s", r.pattern, who.name, b.acts.all())
			}
		}
	}
	if w := b.ask("GET", "/console/nodes", "VIEWER", nil); strings.Contains(w.Body.String(), "/drain") || strings.Contains(w.Body.String(), "<th scope=\"col\">Action") {
		t.Error("a viewer is offered to drain")
	}
	if got := b.acts.all(); !strings.Contains(got, `drain expert-1 undo false by "OPERATOR"`) || !strings.Contains(got, `cancel gateway gateway-0 7 by "OPERATOR"`) {
		t.Errorf("the operator's acts are %s", got)
	}
}

// browser keeps cookies.
type browser struct {
	b       *bench
	cookies []*http.Cookie
}

func (r *browser) send(method, path string, form url.Values, site string) *httptest.ResponseRecorder {
	req := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", site)
	for _, c := range r.cookies {
		req.AddCookie(c)
	}
	w := httptest.NewRecorder()
	r.b.ServeHTTP(w, req)
	if got := w.Result().Cookies(); len(got) > 0 {
		r.cookies = got
	}
	return w
}

// TestASessionEndsWithItsKey: signing in makes a cookie that no script and no other site
// uses, and that is worth nothing once the key was taken back, or the person has left.
func TestASessionEndsWithItsKey(t *testing.T) {
	gate := keyed()
	b := newBench(t, clusterOf(1, 8, 3), gate)
	r := &browser{b: b}
	if w := r.send("GET", "/console", nil, "none"); w.Code != 303 || w.Header().Get("Location") != "/console/login" {
		t.Errorf("a stranger gets %d %s", w.Code, w.Header().Get("Location"))
	}
	if w := r.send("POST", "/console/login", url.Values{"key": {"WRONG"}}, "same-origin"); w.Code != 401 || len(r.cookies) != 0 || !strings.Contains(w.Body.String(), "not known") {
		t.Errorf("a wrong key: %d, %v", w.Code, r.cookies)
	}
	if w := r.send("POST", "/console/login", url.Values{"key": {"OPERATOR"}}, "same-origin"); w.Code != 303 || len(r.cookies) != 1 {
		t.Fatalf("signing in: %d, %v", w.Code, r.cookies)
	}
	if c := r.cookies[0]; !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != Root || strings.Contains(c.Value, "OPERATOR") {
		t.Errorf("cookie %+v", c)
	}
	if w := r.send("GET", "/console/nodes", nil, "same-origin"); w.Code != 200 || !strings.Contains(w.Body.String(), "Sign out olga") {
		t.Errorf("a page with the cookie: %d", w.Code)
	}
	if w := r.send("POST", "/console/nodes/expert-1/drain", nil, "cross-site"); w.Code != 403 || b.acts.all() != "" {
		t.Errorf("another site drains: %d, %s", w.Code, b.acts.all())
	}
	if w := r.send("POST", "/console/nodes/expert-1/drain", nil, "same-origin"); w.Code != 303 || b.acts.all() != `drain expert-1 undo false by "OPERATOR"` {
		t.Errorf("draining: %d, %s", w.Code, b.acts.all())
	}
	gate.Admins.Replace([]keys.Entry{{Name: "vera", SHA256: keys.Hashes{keys.HashOf("VIEWER")}, Role: keys.RoleViewer}})
	if w := r.send("GET", "/console/nodes", nil, "same-origin"); w.Code != 303 {
		t.Errorf("after the key was taken back: %d", w.Code)
	}
	if w := r.send("POST", "/console/login", url.Values{"key": {"VIEWER"}}, "same-origin"); w.Code != 303 {
		t.Fatalf("signing in as a viewer: %d", w.Code)
	}
	left := *r
	if w := r.send("POST", "/console/logout", nil, "same-origin"); w.Code != 303 || r.cookies[0].MaxAge >= 0 {
		t.Errorf("signing out: %d, %v", w.Code, r.cookies)
	}
	if w := left.send("GET", "/console", nil, "same-origin"); w.Code != 303 {
		t.Errorf("a cookie after signing out: %d", w.Code)
	}
}

// TestSessionsAreBounded: the one that was used least lately gives way.
func TestSessionsAreBounded(t *testing.T) {
	s := newSessions()
	first := s.begin("first", false)
	for i := range maxSessions + 10 {
		s.begin(fmt.Sprint(i), true)
	}
	r := httptest.NewRequest("GET", "/console", nil)
	r.AddCookie(first)
	if len(s.all) != maxSessions || s.key(r) != "" {
		t.Errorf("%d sessions, the first has the key %q", len(s.all), s.key(r))
	}
}

// TestNamesOfPeersAreText: a node may call itself anything.
func TestNamesOfPeersAreText(t *testing.T) {
	const evil = `x"><script>alert(1)</script>`
	s := clusterOf(1, 8, 3)
	s.Cluster.Nodes[0].Node, s.Cluster.Nodes[0].LoadError, s.Cluster.Leader, s.Cluster.Degraded = evil, evil, evil, evil
	s.Cluster.Placement[0][0] = []string{evil}
	s.Processes[2].Running[0].ID, s.Processes[2].Running[0].Client = evil, evil
	s.Silent = map[string]string{evil: evil}
	b := newBench(t, s, nil)
	for _, path := range []string{"/console", "/console/experts", "/console/experts/0/0", "/console/nodes", "/console/hops", "/console/requests", "/console/placement", "/console/events", "/console/nodes/" + url.PathEscape(evil) + "/drain"} {
		w := b.ask("GET", path, "", nil)
		if w.Code != 200 || strings.Contains(w.Body.String(), "<script>alert") {
			t.Errorf("%s: %d, or a name is markup", path, w.Code)
		}
	}
}

// sent is an event of a stream.
type sent struct{ name, data string }

// follow reads the events of a page until the test ends.
func (b *bench) follow(t *testing.T, page string) <-chan sent {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r, err := http.NewRequestWithContext(ctx, "GET", b.server.URL+"/console/live/"+page, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("%v, %v", resp, err)
	}
	out, done := make(chan sent, 100), make(chan struct{})
	go func() {
		defer close(done)
		in := bufio.NewScanner(resp.Body)
		in.Buffer(nil, 8<<20)
		name := ""
		for in.Scan() {
			if text, ok := strings.CutPrefix(in.Text(), "event: "); ok {
				name = text
			} else if text, ok := strings.CutPrefix(in.Text(), "data: "); ok {
				out <- sent{name, text}
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		resp.Body.Close()
		<-done
	})
	return out
}

// TestADeathReachesAnOpenPage: the cells of a node that does not answer change, and it is
// announced once.
func TestADeathReachesAnOpenPage(t *testing.T) {
	b := newBench(t, clusterOf(2, 8, 3), nil)
	b.serve()
	events := b.follow(t, "experts")
	if e := <-events; e.name != "part" || !strings.Contains(e.data, "busiest") {
		t.Errorf("the first event is %s", e.name)
	}
	var cells [][4]any
	if e := <-events; e.name != "cells" || json.Unmarshal([]byte(e.data), &cells) != nil || len(cells) != 16 {
		t.Errorf("the second event is %s with %d cells", e.name, len(cells))
	}
	b.set(func(s *status.State) {
		s.Cluster.Nodes = slices.DeleteFunc(slices.Clone(s.Cluster.Nodes), func(n client.NodeStatus) bool { return n.Node == "expert-1" })
	})
	for seen := map[string]int{}; seen["cells"] == 0 || seen["announce"] == 0; {
		select {
		case e := <-events:
			seen[e.name]++
			switch e.name {
			case "cells":
				if json.Unmarshal([]byte(e.data), &cells) != nil || len(cells) == 0 || len(cells) == 16 || cells[0][2] != "1" || !strings.Contains(fmt.Sprint(cells[0][1]), "r1") {
					t.Errorf("cells %s", e.data)
				}
			case "announce":
				if e.data != `"expert-1 left"` {
					t.Errorf("announced %s", e.data)
				}
			}
		case <-time.After(time.Minute):
			t.Fatalf("only %v came", seen)
		}
	}
}

// TestALivePageOfAKeyThatWasTakenBackEnds at the next change.
func TestALivePageOfAKeyThatWasTakenBackEnds(t *testing.T) {
	gate := keyed()
	b := newBench(t, clusterOf(1, 8, 3), gate)
	url := b.serve()
	r, err := http.NewRequestWithContext(t.Context(), "GET", url+"/console/live/nodes", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer VIEWER")
	resp, err := http.DefaultClient.Do(r)
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("%v, %v", resp, err)
	}
	defer resp.Body.Close()
	gate.Admins.Replace(nil)
	for in := bufio.NewScanner(resp.Body); in.Scan(); { // until the server ends it
	}
}

// TestAnAnswerNamesTheNodesOfEachToken on the page Chat.
func TestAnAnswerNamesTheNodesOfEachToken(t *testing.T) {
	b := newBench(t, clusterOf(1, 8, 3), nil)
	r := httptest.NewRequest("POST", "/console/chat", strings.NewReader(`{"messages":[{"role":"user","content":"hi"}],"attributes":{"humor":4},"max_tokens":5,"temperature":0}`))
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	want := `{"text":"You ","nodes":["expert-0","expert-2"]}` + "\n" + `{"text":"said ","nodes":["expert-0","expert-2"]}` + "\n" + `{"text":"hi","nodes":["expert-0","expert-2"]}` + "\n" + `{"finish":"stop"}` + "\n"
	if w.Body.String() != want {
		t.Errorf("answer %s", w.Body)
	}
	for body, part := range map[string]string{`{"messages":[]}`: `{"error":"no turn"}`, `{"x":1}`: "cannot be read", `{`: "cannot be read"} {
		w := httptest.NewRecorder()
		b.ServeHTTP(w, httptest.NewRequest("POST", "/console/chat", strings.NewReader(body)))
		if !strings.Contains(w.Body.String(), part) {
			t.Errorf("%s is answered with %s", body, w.Body)
		}
	}
}

func TestHistoryHasTheNumbersOfTheCharts(t *testing.T) {
	b := newBench(t, clusterOf(1, 8, 3), nil)
	s := clusterOf(1, 8, 3)
	s.At = s.At.Add(status.SampleEvery)
	s.Processes[2].Tokens += 100
	s.Processes[2].Started = b.state.Load().Processes[2].Started
	b.Watcher.Observe(s)
	var got series
	w := b.ask("GET", "/console/history?hours=24", "", nil)
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || len(got.Time) != 2 || got.Tokens[1] < 9 || got.First50[1] != nil || got.Running[1] != 4 {
		t.Errorf("%s, %v", w.Body, err)
	}
}

func TestLevelsOfLoad(t *testing.T) {
	for rate, want := range map[float64]int{0: 0, 0.5: 1, 1: 2, 3.1: 2, 3.2: 3, 10: 4, 99: 5, 100: 6, 1000: 8, 3200: 9, 1e9: 9} {
		if got := levelOf(rate); got != want {
			t.Errorf("%g rows/s are level %d, want %d", rate, got, want)
		}
	}
	for level := 2; level < levels; level++ {
		if got := levelOf(levelFrom(level) * 1.001); got != level {
			t.Errorf("level %d begins at %g, which is level %d", level, levelFrom(level), got)
		}
	}
}

// TestTheLargestModelIsWhole: each of 6,144 experts has a cell that says what it is.
func TestTheLargestModelIsWhole(t *testing.T) {
	b := newBench(t, clusterOf(48, 128, 16), nil)
	text := b.ask("GET", "/console/experts", "", nil).Body.String()
	if n := strings.Count(text, `<td class="l`); n != 6144 {
		t.Errorf("%d cells", n)
	}
	if n := strings.Count(text, `tabindex="0" aria-label="layer`); n != 1 {
		t.Errorf("%d cells are in the order of Tab", n)
	}
}

// BenchmarkRefresh is what an open page of the largest model costs the server each
// second: 48 layers of 128 experts on 16 nodes. whole is a page that is loaded, every
// is a refresh in which every cell has changed, none one in which none has.
func BenchmarkRefresh(b *testing.B) {
	s := clusterOf(48, 128, 16)
	c := newBench(b, s, nil)
	v := view{state: s, query: func(string) string { return "" }, now: time.Now()}
	b.Run("whole", func(b *testing.B) {
		for b.Loop() {
			if w := c.ask("GET", "/console/experts", "", nil); w.Code != 200 {
				b.Fatal(w.Code)
			}
		}
	})
	for name, before := range map[string][]cell{"every": nil, "none": c.experts(v).(expertsBody).Grid.cells} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				f := follower{c: c.Console, page: c.shown()[1], r: httptest.NewRequest("GET", "/console/live/experts", nil), w: httptest.NewRecorder(), cells: before}
				f.out = http.NewResponseController(f.w)
				if err := f.send(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
