package gossip

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/hachi-serve/hachi/internal/leaktest"
)

// TestMain waits for memberlist's last probes, which it does not join: they
// end when their answers are overdue.
func TestMain(m *testing.M) { leaktest.Main(m) }

// process is a member and the changes that it saw.
type process struct {
	*Member
	changes chan Change
	latest  map[string]Change // by name; the test's
	seeds   atomic.Value      // []string
}

func start(t *testing.T, name, label string, seeds ...string) *process {
	t.Helper()
	return startSecure(t, name, label, nil, seeds...)
}

func startSecure(t *testing.T, name, label string, keys *Keys, seeds ...string) *process {
	t.Helper()
	p := &process{changes: make(chan Change, 100), latest: map[string]Change{}}
	p.seeds.Store(seeds)
	var err error
	p.Member, err = Start(Config{
		Name: name, Role: "expertnode", Label: label, Bind: "127.0.0.1:0", // no Logger: a silent one
		Keys:     keys,
		Seeds:    func(context.Context) []string { return p.seeds.Load().([]string) },
		OnChange: func(c Change) { p.changes <- c },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Kill() })
	return p
}

// hears waits until the last change of a member that the process saw is this.
// Changes of several members come in any order.
func (p *process) hears(t *testing.T, want Change) {
	t.Helper()
	deadline := time.After(2 * time.Minute)
	for {
		if p.latest[want.Name] == want {
			return
		}
		select {
		case c := <-p.changes:
			p.latest[c.Name] = c
		case <-deadline:
			t.Fatalf("never heard %+v, last %+v", want, p.latest)
		}
	}
}

func TestMembersHearOfEachOther(t *testing.T) {
	t.Parallel() // it waits most of the time
	a := start(t, "a", "l")
	b := start(t, "b", "l", a.Addr())
	c := start(t, "c", "l", b.Addr())
	a.hears(t, Change{"b", "expertnode", Alive})
	a.hears(t, Change{"c", "expertnode", Alive})
	c.hears(t, Change{"a", "expertnode", Alive})
	if err := b.Leave(); err != nil {
		t.Error(err)
	}
	a.hears(t, Change{"b", "expertnode", Suspect})
	if err := c.Kill(); err != nil {
		t.Error(err)
	}
	a.hears(t, Change{"c", "expertnode", Suspect})
}

func TestAMemberThatRestartsIsFoundThroughNewSeeds(t *testing.T) {
	t.Parallel() // it waits most of the time
	a := start(t, "a", "l")
	b := start(t, "b", "l", a.Addr())
	b.hears(t, Change{"a", "expertnode", Alive})
	if err := a.Kill(); err != nil {
		t.Error(err)
	}
	b.hears(t, Change{"a", "expertnode", Suspect})
	again := start(t, "a", "l") // it knows no member; b gets its address
	b.seeds.Store([]string{again.Addr(), "127.0.0.1:1"})
	b.hears(t, Change{"a", "expertnode", Alive})
	again.hears(t, Change{"b", "expertnode", Alive})
}

func TestClustersDoNotMix(t *testing.T) {
	t.Parallel() // it waits most of the time
	a := start(t, "a", "one")
	b := start(t, "b", "two", a.Addr())
	c := start(t, "c", "two", b.Addr())
	c.hears(t, Change{"b", "expertnode", Alive})
	select {
	case got := <-a.changes:
		t.Errorf("a heard of %+v", got)
	case <-time.After(3 * time.Second): // more than one try to join
	}
}

func TestStartRefusesWhatMemberlistCannotCarry(t *testing.T) {
	good := Config{Name: "n", Role: "router", Bind: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler)}
	for name, change := range map[string]func(*Config){
		"no name":    func(c *Config) { c.Name = "" },
		"long role":  func(c *Config) { c.Role = strings.Repeat("r", memberlist.MetaMaxSize+1) },
		"long label": func(c *Config) { c.Label = strings.Repeat("l", memberlist.LabelMaxSize+1) },
		"bind":       func(c *Config) { c.Bind = "127.0.0.1" },
		"port":       func(c *Config) { c.Bind = "127.0.0.1:http" },
		"advertise":  func(c *Config) { c.Advertise = "host:70000" },
	} {
		c := good
		change(&c)
		if m, err := Start(c); err == nil {
			t.Errorf("%s: started", name)
			_ = m.Kill()
		}
	}
}

func TestNews(t *testing.T) {
	at := func(run int64) string { return memberName("n", time.Unix(0, run)) }
	event := func(kind memberlist.NodeEventType, name string) memberlist.NodeEvent {
		return memberlist.NodeEvent{Event: kind, Node: &memberlist.Node{Name: name, Meta: []byte("r")}}
	}
	heard := news{self: "me@1", runs: map[string]map[string]bool{}}
	for i, tt := range []struct {
		e    memberlist.NodeEvent
		want string
	}{
		{event(memberlist.NodeJoin, "me@1"), "nothing"},
		{event(memberlist.NodeJoin, at(5)), "{n r 0}"},
		{event(memberlist.NodeLeave, at(5)), "{n r 1}"},
		{event(memberlist.NodeJoin, at(5)), "{n r 0}"},
		{event(memberlist.NodeJoin, at(9)), "{n r 0}"},
		{event(memberlist.NodeLeave, at(5)), "nothing"}, // the run before
		{event(memberlist.NodeUpdate, at(9)), "{n r 0}"},
		{event(memberlist.NodeLeave, at(9)), "{n r 1}"},
		{event(memberlist.NodeJoin, at(12)), "{n r 0}"},
		{event(memberlist.NodeJoin, at(3)), "{n r 0}"}, // the clock has jumped back
		{event(memberlist.NodeLeave, at(12)), "nothing"},
		{event(memberlist.NodeLeave, at(3)), "{n r 1}"},
		{event(memberlist.NodeJoin, "a@b@3"), "{a@b r 0}"},
		{event(memberlist.NodeJoin, "foreign"), "{foreign r 0}"},
	} {
		got := "nothing"
		if c, ok := heard.change(tt.e); ok {
			got = fmt.Sprint(c)
		}
		if got != tt.want {
			t.Errorf("event %d: %s, want %s", i, got, tt.want)
		}
	}
}
