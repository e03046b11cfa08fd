package remote

import (
	"context"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/hachi-serve/hachi/internal/gateway/balance"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// TestWhenARouterIsSilent decides about calls that came to their alarms.
func TestWhenARouterIsSilent(t *testing.T) {
	const ms = time.Millisecond
	now := time.Unix(1000, 0)
	for name, tt := range map[string]struct {
		taken  bool
		began  time.Duration // before now
		quiet  time.Duration // since something came of the call
		others time.Duration // since the router was last heard; 0 is never
		lag    time.Duration // of the alarm
		late   int           // alarms before
		least  time.Duration
		gap    time.Duration // the longest of the router
		age    time.Duration // of that gap
		want   outcome
		next   time.Duration
	}{
		"a heartbeat came":                         {taken: true, quiet: 200 * ms, want: waits, next: 800 * ms},
		"nothing came":                             {taken: true, quiet: time.Second, want: isSilent},
		"other calls hear the router":              {taken: true, quiet: time.Second, others: 10 * ms, want: isSilent},
		"nothing came of a call after others":      {taken: true, quiet: time.Second, least: 2 * time.Second, want: waits, next: time.Second},
		"the alarm is a little late":               {taken: true, quiet: time.Second, lag: 50 * ms, want: isSilent},
		"the gateway is late":                      {taken: true, quiet: 1300 * ms, lag: 300 * ms, want: waits, next: 250 * ms},
		"the gateway is late again":                {taken: true, quiet: 1300 * ms, lag: 300 * ms, late: maxLate - 1, want: waits, next: 250 * ms},
		"the gateway is late all the time":         {taken: true, quiet: 1300 * ms, lag: 300 * ms, late: maxLate, want: isSilent},
		"gaps of a heartbeat":                      {taken: true, quiet: time.Second, gap: 300 * ms, want: isSilent},
		"longer gaps":                              {taken: true, quiet: time.Second, gap: 700 * ms, want: waits, next: 1100 * ms},
		"longer gaps, and a longer silence":        {taken: true, quiet: 2100 * ms, gap: 700 * ms, want: isSilent},
		"gaps of a period ago":                     {taken: true, quiet: time.Second, gap: 700 * ms, age: gapPeriod, want: waits, next: 1100 * ms},
		"gaps of long ago":                         {taken: true, quiet: time.Second, gap: 700 * ms, age: 2 * gapPeriod, want: isSilent},
		"the longest gaps":                         {taken: true, quiet: 4 * time.Second, gap: 3 * time.Second, want: isSilent},
		"not taken yet":                            {began: 300 * ms, quiet: 300 * ms, want: waits, next: 200 * ms},
		"not taken for half the time":              {began: 500 * ms, quiet: 500 * ms, want: asks, next: 500 * ms},
		"not taken, but another call is heard":     {began: 900 * ms, quiet: 900 * ms, others: 100 * ms, want: waits, next: 400 * ms},
		"not taken, and others are quiet too":      {began: 1700 * ms, quiet: 1700 * ms, others: 800 * ms, want: asks, next: 200 * ms},
		"not taken, and nothing is heard":          {began: time.Second, quiet: time.Second, want: isSilent},
		"not taken without end":                    {began: 16 * time.Second, quiet: 16 * time.Second, others: 100 * ms, want: isSilent},
		"not taken, nothing is heard since before": {began: time.Second, quiet: time.Second, others: 3 * time.Second, want: isSilent},
	} {
		r := &rhythm{}
		if tt.gap > 0 {
			r.sign(now.Add(-tt.age), tt.gap)
		}
		r.last = time.Time{}
		if tt.others > 0 {
			r.last = now.Add(-tt.others)
		}
		h := hearing{
			silence: time.Second, least: max(time.Second, tt.least), began: now.Add(-tt.began), last: now.Add(-tt.quiet), taken: tt.taken,
			due: now.Add(-tt.lag), late: tt.late,
		}
		if got, next := h.look(now, r); got != tt.want || next != tt.next {
			t.Errorf("%s: %d in %v, want %d in %v", name, got, next, tt.want, tt.next)
		}
	}
}

// slowRouters take a request late, and send heartbeats late.
type slowRouters struct {
	*fleet
	taking time.Duration
	gaps   []time.Duration
}

func (s slowRouters) GenerateTokens(ctx context.Context, r balance.Router, in *hachiv1.GenerateTokensRequest) (Call, error) {
	call, err := s.fleet.GenerateTokens(ctx, r, in)
	return &slowCall{Call: call, ctx: ctx, slowRouters: s}, err
}

type slowCall struct {
	Call
	ctx context.Context
	slowRouters
}

// sleep ends with the call.
func (c *slowCall) sleep(d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-c.ctx.Done():
		return status.FromContextError(c.ctx.Err()).Err()
	}
}

func (c *slowCall) Header() (metadata.MD, error) {
	if err := c.sleep(c.taking); err != nil {
		return nil, err
	}
	return c.Call.Header()
}

func (c *slowCall) Recv() (*hachiv1.GenerateTokensResponse, error) {
	if len(c.gaps) == 0 {
		return c.Call.Recv()
	}
	next := c.gaps[0]
	c.gaps = c.gaps[1:]
	return &hachiv1.GenerateTokensResponse{}, c.sleep(next)
}

// TestASlowRouterKeepsItsAnswers: one whose heartbeats come late, as on a machine
// without processor time, and one that takes a request after a while and answers probes
// meanwhile. No other router is asked.
func TestASlowRouterKeepsItsAnswers(t *testing.T) {
	const ms = time.Millisecond
	for name, slow := range map[string]slowRouters{
		"late heartbeats": {gaps: []time.Duration{250 * ms, 400 * ms, 700 * ms, 1900 * ms, 3500 * ms, 250 * ms}},
		"a late start":    {taking: 7 * time.Second},
		"both":            {taking: 1200 * ms, gaps: []time.Duration{990 * ms, 2900 * ms}},
	} {
		synctest.Test(t, func(t *testing.T) {
			undisturbed := serve(&fleet{length: 9}, nil, "a")
			defer undisturbed.Stop()
			want, err := answerOf(t.Context(), undisturbed, request())
			if err != nil {
				t.Fatal(err)
			}
			slow.fleet = &fleet{length: 9}
			e := serve(nil, func(c *Config) { c.Caller = slow }, "a", "b")
			defer e.Stop()
			got, err := answerOf(t.Context(), e, request())
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %v, %v, want %v", name, got, err, want)
			}
			if calls := slow.asked(); len(calls) != 1 {
				t.Errorf("%s: %d calls", name, len(calls))
			}
		})
	}
}

// TestASilentRouterIsLeftInTime: what keeps the answers of slow routers does not
// lengthen the wait for one that was punctual.
func TestASilentRouterIsLeftInTime(t *testing.T) {
	for _, how := range []end{silent, mute} {
		synctest.Test(t, func(t *testing.T) {
			var stalls []Stall
			f := &fleet{length: 9, fates: []plan{{3, silent}, {1 << 20, whole}}}
			if how == mute {
				f.fates[0] = plan{0, mute}
			}
			e := serve(f, func(c *Config) { c.Stalled = func(s Stall) { stalls = append(stalls, s) } }, "a", "b")
			defer e.Stop()
			if _, err := answerOf(t.Context(), e, request()); err != nil {
				t.Fatal(err)
			}
			if len(stalls) != 1 || stalls[0].Total() != silence {
				t.Errorf("end %d: stalls %v, want one of %v", how, stalls, silence)
			}
		})
	}
}
