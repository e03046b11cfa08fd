package role

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/api/keys"
	"github.com/hachi-serve/hachi/internal/console"
	"github.com/hachi-serve/hachi/internal/identity"
	"github.com/hachi-serve/hachi/internal/journal"
	"github.com/hachi-serve/hachi/internal/router/dispatch"
	"github.com/hachi-serve/hachi/internal/status"
)

// adminWithConsole is the admin API of a router that has not joined its cluster.
func adminWithConsole(gate *keys.Gate, source *identity.Source) http.Handler {
	w := newWatched(status.Self{Role: status.RouterRole, ID: "router-0", Describe: func(uint64) status.Process { return status.Process{} }, Journal: &journal.Journal{}}, &security{})
	return adminAPI{routes: processRoutes(), gate: gate, source: source, console: w.console, logger: slog.New(slog.DiscardHandler)}.handler(true)
}

// TestTheConsoleAsksForItsOwnKeys: pages lead a stranger to the page that asks for a key,
// whatever the spelling of their path, and pages of other sites are refused. A viewer's
// key opens the pages and nothing else of the admin API.
func TestTheConsoleAsksForItsOwnKeys(t *testing.T) {
	authority, err := identity.NewAuthority("c", time.Now(), 2*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	gate := &keys.Gate{Admins: keys.NewGuard([]keys.Entry{
		{Name: "vera", SHA256: keys.Hashes{keys.HashOf("VIEWER")}, Role: keys.RoleViewer}, {Name: "olga", SHA256: keys.Hashes{keys.HashOf("OPERATOR")}},
	})}
	keyed, certified, open := adminWithConsole(gate, nil), adminWithConsole(&keys.Gate{}, &identity.Source{}), adminWithConsole(&keys.Gate{}, nil)
	operator := state(t, authority, identity.Operator)
	for _, tt := range []struct {
		name         string
		api          http.Handler
		path, key    string
		certificate  bool
		code         int
		leads, shows string
	}{
		{"the root", keyed, "/", "", false, 303, "/console", ""},
		{"a stranger", keyed, "/console", "", false, 303, "/console/login", ""},
		{"a stranger, spelled otherwise", keyed, "//console//nodes/", "", false, 307, "/console/nodes/", ""},
		{"a stranger beside", keyed, "/console/../metrics", "", false, 307, "/metrics", ""},
		{"the page that asks", keyed, "/console/login", "", false, 200, "", "Sign in"},
		{"a viewer", keyed, "/console/nodes", "VIEWER", false, 200, "", "Expert nodes"},
		{"a viewer at the metrics", keyed, "/metrics", "VIEWER", false, 403, "", ""},
		{"an operator at the metrics", keyed, "/metrics", "OPERATOR", false, 200, "", ""},
		{"a viewer who drains", keyed, "/console/nodes/n/drain", "VIEWER", false, 403, "", ""},
		{"an operator's certificate", certified, "/console/nodes", "", true, 200, "", "Expert nodes"},
		{"no certificate", certified, "/console/nodes", "", false, 303, "/console/login", ""},
		{"a key where there are none", certified, "/console/nodes", "OPERATOR", false, 401, "", ""},
		{"loopback", open, "/console", "", false, 200, "", "no placement is published yet"},
		{"its chat", open, "/console/chat", "", false, 200, "", "creativity"},
	} {
		r := httptest.NewRequest("GET", tt.path, nil)
		r.Host = "localhost"
		if tt.certificate {
			r.TLS = operator
		}
		if tt.key != "" {
			r.Header.Set("Authorization", "Bearer "+tt.key)
		}
		w := httptest.NewRecorder()
		tt.api.ServeHTTP(w, r)
		if w.Code != tt.code || tt.leads != "" && w.Header().Get("Location") != tt.leads || !strings.Contains(w.Body.String(), tt.shows) {
			t.Errorf("%s: %d, leads to %q\n%s", tt.name, w.Code, w.Header().Get("Location"), w.Body)
		}
	}
	r := httptest.NewRequest("GET", console.Root, nil)
	r.Host = "evil.example"
	w := httptest.NewRecorder()
	if open.ServeHTTP(w, r); w.Code != 403 {
		t.Errorf("a page of another site reads the console: %d", w.Code)
	}
}

// TestHopsHaveTheTimesOfCalls as the dispatcher counted them.
func TestHopsHaveTheTimesOfCalls(t *testing.T) {
	n := dispatch.NodeStats{Node: "a", Suspected: true, Suspicions: 1, Failovers: 2, HedgesWon: 3, Bytes: 4}
	n.Answered.Count, n.Answered.Buckets[0], n.Answered.Buckets[4] = 100, 90, 9
	h := hopsOf([]dispatch.NodeStats{n})[0]
	if h.Node != "a" || !h.Suspected || h.Suspicions != 1 || h.Failovers != 2 || h.HedgesWon != 3 || h.Bytes != 4 {
		t.Errorf("hop %+v", h)
	}
	if p50, p99, all := h.Calls.Quantile(0.5), h.Calls.Quantile(0.99), h.Calls.Quantile(1); p50 > time.Millisecond || p99 < time.Millisecond || p99 > 2*time.Millisecond || all < 2*time.Second {
		t.Errorf("p50 %v, p99 %v, the longest %v", p50, p99, all)
	}
}

// TestAProcessThatHasNotJoinedDoesNothing for operators.
func TestAProcessThatHasNotJoinedDoesNothing(t *testing.T) {
	w := newWatched(status.Self{Role: status.RouterRole, ID: "router-0", Describe: func(uint64) status.Process { return status.Process{} }, Journal: &journal.Journal{}}, &security{})
	if err := w.source.Drain(t.Context(), "", "n", false); err == nil {
		t.Error("it drains")
	}
	if _, err := w.chat.Answer(t.Context(), console.Question{}, nil); !errors.Is(err, errNotServing) {
		t.Errorf("it chats: %v", err)
	}
	if s := w.source.Look(t.Context()); s.Fault == "" || len(s.Processes) != 1 || s.Processes[0].ID != "router-0" || s.Processes[0].Started.IsZero() {
		t.Errorf("it sees %+v", s)
	}
}
