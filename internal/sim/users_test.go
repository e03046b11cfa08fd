package sim

import (
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/sim/scenario"
	"github.com/hachi-serve/hachi/internal/sim/trace"
)

// requestsOf are all alike.
func requestsOf(n, prompt, answer int) []trace.Request {
	out := make([]trace.Request, n)
	for i := range out {
		out[i] = trace.Request{Prompt: prompt, Answer: answer}
	}
	return out
}

// TestUsersSendOneAfterAnother: never more than one each, until the pool is empty.
func TestUsersSendOneAfterAnother(t *testing.T) {
	s := cluster(2, 4, 2, 1)
	r, err := Run(s, requestsOf(30, 20, 10), Options{Users: 3})
	if err != nil {
		t.Fatal(err)
	}
	if q := r.Requests; q.All != 30 || q.Completed != 30 {
		t.Errorf("%+v", q)
	}
	if r.Steps.Rows > 3*20 || r.Throughput == 0 {
		t.Errorf("%v rows a step of three users", r.Steps.Rows)
	}
	// With a pause of a second between answers that take milliseconds, 30 of them take 9 s.
	r, err = Run(s, requestsOf(30, 20, 10), Options{Users: 3, Think: time.Second})
	if err != nil || r.Seconds < 9 || r.Seconds > 12 {
		t.Errorf("%v: %v s", err, r.Seconds)
	}
}

// TestUsersGoOnUntilTheStop: the pool begins again, and the warm-up does not count.
func TestUsersGoOnUntilTheStop(t *testing.T) {
	s := cluster(2, 4, 2, 1)
	whole, err := Run(s, requestsOf(5, 20, 10), Options{Users: 4, Stop: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	half, err := Run(s, requestsOf(5, 20, 10), Options{Users: 4, Stop: 20 * time.Second, WarmUp: 10 * time.Second, Join: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if whole.Requests.Completed < 100 || whole.Seconds < 20 || whole.Seconds > 20.1 {
		t.Errorf("%+v in %v s", whole.Requests, whole.Seconds)
	}
	if c := half.Requests.Completed; half.Seconds > 10.1 || c < whole.Requests.Completed*4/10 || c > whole.Requests.Completed*6/10 {
		t.Errorf("%d completed in %v s after the warm-up, %d in the whole", c, half.Seconds, whole.Requests.Completed)
	}
	if len(half.PerSecond) < 20 {
		t.Errorf("%d seconds of tokens, want those of the warm-up too", len(half.PerSecond))
	}
	for i, n := range half.Nodes {
		if n.Batches >= whole.Nodes[i].Batches || n.Batches == 0 || n.Busy > 1 {
			t.Errorf("%s counts %d batches after the warm-up, %d in the whole; busy %v", n.Name, n.Batches, whole.Nodes[i].Batches, n.Busy)
		}
	}
}

// TestUsersOutliveFaults: a request that is refused or lost is followed by another.
func TestUsersOutliveFaults(t *testing.T) {
	s := cluster(2, 4, 2, 1)
	s.Routers.Limits.MaxSequences, s.Routers.Limits.MaxWaiting = 1, 1
	s.Faults = []scenario.Fault{{At: 5 * time.Second, Kind: scenario.Kill, Targets: []string{"router-0"}, For: time.Second}}
	r, err := Run(s, requestsOf(5, 20, 10), Options{Users: 4, Stop: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if q := r.Requests; q.Rejected == 0 || q.Lost == 0 || q.Completed < 50 || q.Rejected > 4*20 {
		t.Errorf("%+v", q)
	}
}
