package keys

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// entry makes an entry whose key is KEY-NAME.
func entry(name string, l Limits) Entry {
	return Entry{Name: name, SHA256: Hashes{HashOf("KEY-" + name)}, Limits: l}
}

// reasonOf is why a request was refused; "" if it was not.
func reasonOf(t *testing.T, err error) Reason {
	t.Helper()
	var r *Refusal
	if err == nil {
		return ""
	}
	if !errors.As(err, &r) || strings.Contains(err.Error(), "KEY-") {
		t.Fatalf("%v is no refusal, or has the key in it", err)
	}
	return r.Reason
}

// TestAViewerLooksAndDoesNotAct: a key of the file of admins may be a viewer's.
func TestAViewerLooksAndDoesNotAct(t *testing.T) {
	viewer := entry("vera", Limits{Concurrency: 1})
	viewer.Role = RoleViewer
	operator := entry("olga", Limits{})
	operator.Role = RoleOperator
	g := &Gate{Admins: NewGuard([]Entry{viewer, operator, entry("root", Limits{})})}
	for _, tt := range []struct {
		key              string
		look, act, keyed Reason
	}{
		{"", Missing, Missing, Missing}, {"KEY-mallory", Unknown, Unknown, Unknown}, {"KEY-vera", "", AdminOnly, AdminOnly}, {"KEY-olga", "", "", ""}, {"KEY-root", "", "", ""},
	} {
		for name, try := range map[string]struct {
			enter func(string) (*Caller, error)
			want  Reason
		}{"looks": {g.EnterViewer, tt.look}, "acts": {g.EnterAdmin, tt.act}, "is handed on": {g.EnterKeyed, tt.keyed}} {
			caller, err := try.enter(tt.key)
			if got := reasonOf(t, err); got != try.want {
				t.Errorf("%q %s: %q, want %q", tt.key, name, got, try.want)
			}
			caller.Leave() // the viewer may be there once: a refusal holds no place
		}
	}
	for _, open := range []*Gate{nil, {}, {Clients: NewGuard(nil)}} {
		if _, err := open.EnterKeyed("KEY-root"); reasonOf(t, err) != AdminOnly {
			t.Errorf("without keys of admins a process acts: %v", err)
		}
	}
	if _, err := (&Gate{}).EnterViewer(""); err != nil {
		t.Errorf("without keys not everyone looks: %v", err)
	}
	if _, err := Parse([]byte("- name: a\n  sha256: " + HashOf("x").String() + "\n  role: root\n")); err == nil || !strings.Contains(err.Error(), "expected operator or viewer") {
		t.Errorf("an unknown role: %v", err)
	}
}

func TestOnlyTheRightKeyEnters(t *testing.T) {
	expired := entry("old", Limits{})
	expired.Expires = time.Now().Add(-time.Second)
	clients := NewGuard([]Entry{entry("alice", Limits{}), entry("bob", Limits{}), expired})
	admins := NewGuard([]Entry{entry("root", Limits{})})
	for _, tt := range []struct {
		name          string
		gate          *Gate
		key           string
		client, admin Reason
	}{
		{"no gate", nil, "", "", ""},
		{"no keys", &Gate{}, "", "", ""},
		{"no key", &Gate{Clients: clients, Admins: admins}, "", Missing, Missing},
		{"unknown", &Gate{Clients: clients, Admins: admins}, "KEY-mallory", Unknown, Unknown},
		{"a hash", &Gate{Clients: clients, Admins: admins}, HashOf("KEY-alice").String(), Unknown, Unknown},
		{"a prefix", &Gate{Clients: clients, Admins: admins}, "KEY-alic", Unknown, Unknown},
		{"expired", &Gate{Clients: clients, Admins: admins}, "KEY-old", Expired, AdminOnly},
		{"a client", &Gate{Clients: clients, Admins: admins}, "KEY-bob", "", AdminOnly},
		{"an admin", &Gate{Clients: clients, Admins: admins}, "KEY-root", Unknown, ""},
		{"a client, no admins", &Gate{Clients: clients}, "KEY-alice", "", AdminOnly},
		{"no key, no admins", &Gate{Clients: clients}, "", Missing, AdminOnly},
		{"no key, admins only", &Gate{Admins: admins}, "", "", Missing},
		{"an admin, admins only", &Gate{Admins: admins}, "KEY-root", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			caller, err := tt.gate.Enter(tt.key)
			if got := reasonOf(t, err); got != tt.client {
				t.Errorf("as a client: %q, want %q", got, tt.client)
			}
			if err == nil {
				caller.Leave()
			}
			caller, err = tt.gate.EnterAdmin(tt.key)
			if got := reasonOf(t, err); got != tt.admin {
				t.Errorf("as an admin: %q, want %q", got, tt.admin)
			}
			if err == nil {
				caller.Leave()
			}
		})
	}
}

func TestRateRefillsAndSaysWhen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := &Gate{Clients: NewGuard([]Entry{entry("a", Limits{RequestsPerMinute: 3}), entry("b", Limits{})})}
		enter := func(key string) error {
			caller, err := gate.Enter(key)
			caller.Leave()
			return err
		}
		for range 3 {
			if err := enter("KEY-a"); err != nil {
				t.Fatal(err)
			}
		}
		var r *Refusal
		for range 5 { // what is refused costs nothing
			if !errors.As(enter("KEY-a"), &r) || r.Reason != TooFast || r.After != 20*time.Second {
				t.Fatalf("%+v", r)
			}
		}
		if err := enter("KEY-b"); err != nil {
			t.Errorf("another client is refused: %v", err)
		}
		time.Sleep(r.After)
		if err := enter("KEY-a"); err != nil {
			t.Errorf("after the time it said: %v", err)
		}
		if err := enter("KEY-a"); err == nil {
			t.Error("a second request of one refill is let in")
		}
	})
}

func TestConcurrencyEndsWithTheRequests(t *testing.T) {
	gate := &Gate{Clients: NewGuard([]Entry{entry("a", Limits{Concurrency: 2})})}
	first, _ := gate.Enter("KEY-a")
	if _, err := gate.Enter("KEY-a"); err != nil {
		t.Fatal(err)
	}
	if _, err := gate.Enter("KEY-a"); reasonOf(t, err) != TooMany {
		t.Errorf("a third: %v", err)
	}
	first.Leave()
	if _, err := gate.Enter("KEY-a"); err != nil {
		t.Errorf("after one has left: %v", err)
	}
}

func TestTokenBudgetRefills(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := &Gate{Clients: NewGuard([]Entry{entry("a", Limits{TokensPerDay: 240})})}
		spend := func(prompt, completion int) error {
			caller, err := gate.Enter("KEY-a")
			if err == nil {
				caller.Use(prompt, completion)
				caller.Leave()
			}
			return err
		}
		if err := errors.Join(spend(100, 100), spend(300, 240)); err != nil {
			t.Fatal(err) // the second has 40 left and uses 540
		}
		var r *Refusal
		if err := spend(1, 1); !errors.As(err, &r) || r.Reason != OutOfBudget {
			t.Fatal(err)
		}
		if want := 50*time.Hour + 6*time.Minute; r.After < want-time.Second || r.After > want+time.Second { // 501 tokens of 10 an hour
			t.Errorf("may come again after %v, want %v", r.After, want)
		}
		time.Sleep(r.After - time.Minute)
		time.Sleep(2 * time.Minute)
		if err := spend(1, 1); err != nil {
			t.Errorf("after the time it said: %v", err)
		}
	})
}

func TestPriorityIsBounded(t *testing.T) {
	gate := &Gate{Clients: NewGuard([]Entry{entry("usual", Limits{}), entry("late", Limits{MaxPriority: 5}), entry("urgent", Limits{MaxPriority: -10})})}
	for _, tt := range []struct {
		name     string
		priority int
		allowed  bool
	}{{"usual", 0, true}, {"usual", 7, true}, {"usual", -1, false}, {"late", 0, false}, {"late", 5, true}, {"urgent", -10, true}, {"urgent", -11, false}} {
		caller, err := gate.Enter("KEY-" + tt.name)
		if err != nil {
			t.Fatal(err)
		}
		if err := caller.CheckPriority(tt.priority); (err == nil) != tt.allowed || err != nil && reasonOf(t, err) != TooUrgent {
			t.Errorf("%s, priority %d: %v", tt.name, tt.priority, err)
		}
	}
	if err := (*Caller)(nil).CheckPriority(-100); err != nil {
		t.Errorf("without keys: %v", err)
	}
}

// TestSaltsSeparateClients: what two clients send never meets in a cache, whatever
// salts the clients send, unless the operator says so.
func TestSaltsSeparateClients(t *testing.T) {
	team := entry("c", Limits{})
	team.Salt = "team"
	mate := entry("d", Limits{})
	mate.Salt = "team"
	named := entry("team", Limits{}) // as the others' salt
	guard := NewGuard([]Entry{entry("a", Limits{}), entry("b", Limits{}), team, mate, named})
	salt := func(shared bool, name, own string) string {
		caller, err := (&Gate{Clients: guard, SharedCache: shared}).Enter("KEY-" + name)
		if err != nil {
			t.Fatal(err)
		}
		defer caller.Leave()
		return caller.Salt(own)
	}
	seen := map[string]string{}
	for _, name := range []string{"a", "b", "c", "team"} {
		for _, own := range []string{"", "x", "b", "name\x00b", "name\x00b\x00", "\x00x"} {
			s := salt(false, name, own)
			if other := seen[s]; other != "" || s != salt(false, name, own) {
				t.Errorf("%s with %q shares the cache of %s", name, own, other)
			}
			seen[s] = fmt.Sprintf("%s with %q", name, own)
		}
	}
	if salt(false, "c", "x") != salt(false, "d", "x") {
		t.Error("clients of one salt do not share")
	}
	if salt(true, "a", "x") != "x" || salt(true, "b", "") != "" || (*Caller)(nil).Salt("x") != "x" {
		t.Error("a shared cache has a salt")
	}
}

// TestReplaceKeepsWhatRunsAndWhatIsUsed: a client that stays has used its limits, and
// one that goes ends its request.
func TestReplaceKeepsWhatRunsAndWhatIsUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stays := entry("stays", Limits{RequestsPerMinute: 2, Concurrency: 9})
		guard := NewGuard([]Entry{stays, entry("goes", Limits{})})
		gate := &Gate{Clients: guard}
		running, err := gate.Enter("KEY-goes")
		if err != nil {
			t.Fatal(err)
		}
		one, _ := gate.Enter("KEY-stays")
		stays.SHA256 = Hashes{HashOf("KEY-stays"), HashOf("KEY-new")}
		guard.Replace([]Entry{stays})
		if _, err := gate.Enter("KEY-goes"); reasonOf(t, err) != Unknown {
			t.Errorf("a key that was taken back: %v", err)
		}
		running.Use(3, 4)
		running.Leave()
		if _, err := gate.Enter("KEY-new"); err != nil {
			t.Errorf("the new key: %v", err)
		}
		if _, err := gate.Enter("KEY-stays"); reasonOf(t, err) != TooFast {
			t.Errorf("a third request of two a minute, after a reload: %v", err)
		}
		stays.SHA256, stays.RequestsPerMinute = stays.SHA256[1:], 0
		guard.Replace([]Entry{stays})
		if _, err := gate.Enter("KEY-stays"); reasonOf(t, err) != Unknown {
			t.Errorf("a key that was rotated away: %v", err)
		}
		if _, err := gate.Enter("KEY-new"); err != nil {
			t.Errorf("without a limit: %v", err)
		}
		one.Leave()
		if u := guard.Usage()[1]; u.Client != "stays" || u.Requests != 3 || u.Running != 2 || u.Refused[TooFast] != 1 {
			t.Errorf("usage %+v", u)
		}
	})
}

func TestUsageIsShown(t *testing.T) {
	guard := NewGuard([]Entry{entry("a", Limits{Concurrency: 1})})
	gate := &Gate{Clients: guard}
	caller, _ := gate.Enter("KEY-a")
	caller.Use(5, 6)
	for _, key := range []string{"KEY-a", "", "", "KEY-x"} {
		if _, err := gate.Enter(key); err == nil {
			t.Fatalf("%q enters", key)
		}
	}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(Collector(guard))
	w := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for _, want := range []string{
		`hachi_client_requests_total{client="a"} 1`, `hachi_client_requests_running{client="a"} 1`, `hachi_client_prompt_tokens_total{client="a"} 5`,
		`hachi_client_generation_tokens_total{client="a"} 6`, `hachi_client_requests_refused_total{client="a",reason="concurrency"} 1`,
		`hachi_client_requests_refused_total{client="",reason="missing"} 2`, `hachi_client_requests_refused_total{client="",reason="unknown"} 1`,
	} {
		if !strings.Contains(w.Body.String(), want+"\n") {
			t.Errorf("%s is missing in\n%s", want, w.Body)
		}
	}
}
