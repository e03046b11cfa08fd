package status

import (
	"reflect"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/hachi-serve/hachi/internal/journal"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// TestAProcessDescribesItselfOverTheWire with all that a console shows.
func TestAProcessDescribesItselfOverTheWire(t *testing.T) {
	at := time.Unix(1000, 0)
	want := Process{ID: "router-0", Role: RouterRole, Version: "abc", Started: at, Load: 3, Queue: 4, KVUsage: 0.25, Weights: 5, KV: 6}
	want.Tokens, want.Ends = 17, 2
	want.First.Observe(time.Second, 2)
	want.Next.Observe(time.Millisecond, 15)
	want.Hops = []Hop{{Node: "a", Suspected: true, Suspicions: 1, Failovers: 2, HedgesWon: 3, Bytes: 4, Calls: want.Next}}
	want.Running = []journal.Request{{Number: 8, ID: "x", Client: "c", Choice: 1, Phase: journal.Prefill, Prompt: 5, Computed: 3, Trace: "0a", Began: at, Last: at}}
	want.Ended = []journal.Request{{
		Number: 7, ID: "y", Phase: journal.Failed, Prompt: 5, Cached: 2, Tokens: 6, Began: at, First: at.Add(time.Second), Last: at.Add(2 * time.Second), Why: "disk",
		Felt: 1, Stalls: []journal.Stall{{At: at, Took: time.Second, Cause: "hedge"}},
	}}
	asked := uint64(0)
	j := &journal.Journal{}
	s := NewService(Self{Describe: func(after uint64) Process { asked = after; return want }, Journal: j})
	m, err := s.GetProcess(t.Context(), &hachiv1.GetProcessRequest{After: 5})
	if err != nil || asked != 5 {
		t.Fatalf("after %d, %v", asked, err)
	}
	if got := fromProto(m); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	canceled := false
	number := j.Begin(journal.Request{ID: "z"}, func(error) { canceled = true })
	if _, err := s.CancelRequest(t.Context(), &hachiv1.CancelRequestRequest{Number: number}); err != nil || !canceled {
		t.Errorf("canceled %v, %v", canceled, err)
	}
	if _, err := s.CancelRequest(t.Context(), &hachiv1.CancelRequestRequest{Number: number + 1}); status.Code(err) != codes.NotFound {
		t.Errorf("a request that does not run: %v", err)
	}
}
