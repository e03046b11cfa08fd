package status

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/hachi-serve/hachi/client"
	"github.com/hachi-serve/hachi/internal/journal"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// TestTimesOfRequestsAreByThisClock: those of a process whose clock is wrong are shifted,
// and the runs of the process still differ.
func TestTimesOfRequestsAreByThisClock(t *testing.T) {
	at := func(seconds int) time.Time { return midnight.Add(time.Duration(seconds) * time.Second) }
	for _, tt := range []struct {
		offset, roundTrip time.Duration
		by                int // seconds
	}{{7 * time.Second, time.Millisecond, -7}, {-7 * time.Second, time.Millisecond, 7}, {time.Millisecond, 3 * time.Millisecond, 0}} {
		p := Process{ID: "r", Started: at(1), Clock: Clock{true, tt.offset, tt.roundTrip}}
		p.Running = []journal.Request{{Began: at(10), Last: at(12)}}
		p.Ended = []journal.Request{{Began: at(2), First: at(3), Last: at(9), Stalls: []journal.Stall{{At: at(5), Took: time.Second}}}}
		p.correct()
		run, end := p.Running[0], p.Ended[0]
		if run.Began != at(10+tt.by) || !run.First.IsZero() || run.Last != at(12+tt.by) || end.First != at(3+tt.by) || end.Stalls[0].At != at(5+tt.by) || p.Started != at(1) {
			t.Errorf("ahead by %v: %+v, %+v, started %v", tt.offset, run, end, p.Started)
		}
	}
}

// TestTheTimeOfAQuestionIsNoError: a process reads its clock in the midst of it.
func TestTheTimeOfAQuestionIsNoError(t *testing.T) {
	if c := clockAt(midnight.Add(time.Second), midnight, 2*time.Second); c.Offset != 0 || c.Differs() {
		t.Errorf("%+v", c)
	}
	if c := clockAt(midnight.Add(5*time.Second), midnight, 8*time.Second); c.Offset != time.Second || c.Differs() {
		t.Errorf("%+v", c)
	}
	if c := clockAt(midnight.Add(5*time.Second), midnight, time.Second); !c.Differs() {
		t.Errorf("%+v", c)
	}
}

// TestClocksAreAskedForInTurns: at most maxClocks at once, those first that were asked the
// longest ago, and none within clocksEvery again.
func TestClocksAreAskedForInTurns(t *testing.T) {
	v := View{}
	for i := range 12 {
		v.Nodes = append(v.Nodes, &hachiv1.NodeRecord{NodeId: fmt.Sprintf("n%02d", i)})
	}
	all := v.dialers()
	for name := range all {
		all[name] = func() (*grpc.ClientConn, error) { return nil, errors.New("refused") }
	}
	c := &clocks{}
	ask := func(at time.Duration) string {
		due := c.due(all, midnight.Add(at))
		for _, name := range due {
			c.known[name] = askedClock{at: midnight.Add(at)}
		}
		return strings.Join(due, " ")
	}
	for _, step := range []struct {
		at   time.Duration
		want string
	}{
		{0, "n00 n01 n02 n03 n04 n05 n06 n07"}, {time.Second, "n08 n09 n10 n11"}, {2 * time.Second, ""}, {clocksEvery, "n00 n01 n02 n03 n04 n05 n06 n07"},
		{3 * clocksEvery, "n08 n09 n10 n11 n00 n01 n02 n03"},
	} {
		if got := ask(step.at); got != step.want {
			t.Errorf("after %v: %q, want %q", step.at, got, step.want)
		}
	}
	delete(all, "n03")
	if c.due(all, midnight); len(c.known) != 11 {
		t.Errorf("%d clocks are known of 11 processes", len(c.known))
	}
}

// TestAGatewayShowsThePhasesOfItsRouters: it sees tokens only.
func TestAGatewayShowsThePhasesOfItsRouters(t *testing.T) {
	s := cluster(0)
	s.Cluster.Gateways = []client.GatewayStatus{{Gateway: "g"}}
	g, r := Process{ID: "g", Role: GatewayRole}, Process{ID: "router-0", Role: RouterRole}
	g.Running = []journal.Request{
		{ID: "x", Phase: journal.Waiting}, {ID: "x", Choice: 1, Phase: journal.Waiting}, {ID: "y", Phase: journal.Decoding}, {ID: "z", Phase: journal.Waiting},
	}
	r.Running = []journal.Request{
		{ID: "x", Phase: journal.Prefill, Computed: 5}, {ID: "x", Choice: 1, Phase: journal.Waiting}, {ID: "y", Phase: journal.Waiting},
	}
	r.Ended = []journal.Request{{ID: "z", Phase: journal.Failed}}
	s.Processes = []Process{g, r}
	rec := NewRecorder()
	rec.Observe(s)
	running, _ := rec.Requests()
	got := map[string]journal.Phase{}
	for _, q := range running {
		got[fmt.Sprint(q.ID, q.Choice)] = q.Phase
		if q.ID == "x" && q.Choice == 0 && q.Computed != 5 {
			t.Errorf("%d tokens are computed", q.Computed)
		}
	}
	if want := "map[x0:prefill x1:waiting y0:waiting z0:waiting]"; fmt.Sprint(got) != want {
		t.Errorf("phases %v, want %s", got, want)
	}
}
