package remote

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/scheduler"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

const silence = time.Second

var ends = map[string]end{"dies": dies, "silent": silent, "cut": cut, "drains": drains, "mute": mute, "refuses": refuses, "panics": panics}

// TestAnswersGoOnAtEveryToken: however and after whichever token a router ends, the
// reader gets the events of an undisturbed answer, once each and in order.
func TestAnswersGoOnAtEveryToken(t *testing.T) {
	for _, prompt := range []bool{false, true} {
		r := request()
		r.PromptLogprobs = prompt
		for _, maxTokens := range []int{0, 5} {
			r.MaxTokens = maxTokens
			synctest.Test(t, func(t *testing.T) {
				e := serve(&fleet{length: 9}, nil, "a", "b")
				defer e.Stop()
				want, err := answerOf(t.Context(), e, r)
				if err != nil {
					t.Fatal(err)
				}
				for name, how := range ends {
					for k := range len(want) {
						f := &fleet{length: 9, fates: []plan{{k, how}, {1 << 20, whole}}}
						disturbed := serve(f, nil, "a", "b")
						got, err := answerOf(t.Context(), disturbed, r)
						disturbed.Stop()
						if err != nil || !reflect.DeepEqual(got, want) {
							t.Fatalf("%s after %d events, prompt %v, max %d: %v, %v, want %v", name, k, prompt, maxTokens, got, err, want)
						}
						if calls := f.asked(); len(calls) != 2 || calls[0].router == calls[1].router {
							t.Fatalf("%s after %d events: the calls were %v", name, k, calls)
						}
					}
				}
			})
		}
	}
}

// TestARouterPerToken: every router draws one token and dies.
func TestARouterPerToken(t *testing.T) {
	for name, how := range ends {
		synctest.Test(t, func(t *testing.T) {
			if how == mute || how == refuses || how == panics { // which draw nothing, or end when none is left
				return
			}
			undisturbed := serve(&fleet{length: 40}, nil, "a")
			defer undisturbed.Stop()
			want, err := answerOf(t.Context(), undisturbed, request())
			if err != nil {
				t.Fatal(err)
			}
			e := serve(&fleet{length: 40, fates: []plan{{1, how}}}, nil, "a", "b", "c")
			defer e.Stop()
			if got, err := answerOf(t.Context(), e, request()); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %v, %v, want %v", name, got, err, want)
			}
		})
	}
}

// TestTheResumedRequestIsTheSame but for the answer so far.
func TestTheResumedRequestIsTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fleet{length: 6, fates: []plan{{2, dies}, {0, dies}, {3, dies}, {9, whole}}}
		e := serve(f, nil, "a", "b", "c", "d")
		defer e.Stop()
		if _, err := answerOf(t.Context(), e, request()); err != nil {
			t.Fatal(err)
		}
		for i, known := range []int{0, 2, 2, 5} {
			in := f.asked()[i].in
			if len(in.GetAnswer()) != known || in.GetFingerprint() != "fp" || in.GetMaxTokens() != 96 || in.GetSampling().GetSeed() != 11 {
				t.Errorf("call %d: %v", i, in)
			}
			for at, id := range in.GetAnswer() {
				if id != draw(in, at).GetToken() {
					t.Errorf("call %d: token %d of the answer is %d", i, at, id)
				}
			}
		}
	})
}

// TestAnswersEndWithTheirDeadline, and not with a number of tries, while no router
// lives.
func TestAnswersEndWithTheirDeadline(t *testing.T) {
	for name, fates := range map[string][]plan{"before the first token": {{0, refuses}}, "in the middle": {{3, dies}, {0, refuses}}, "silent": {{0, mute}}} {
		synctest.Test(t, func(t *testing.T) {
			f := &fleet{length: 9, fates: fates}
			e := serve(f, nil, "a", "b")
			defer e.Stop()
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			began := time.Now()
			if _, err := answerOf(ctx, e, request()); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Hour {
				t.Errorf("%s: %v after %v", name, err, time.Since(began))
			}
			if n := len(f.asked()); n < 100 {
				t.Errorf("%s: %d tries", name, n)
			}
		})
	}
}

// TestAnswersWaitForRouters: for the first, and for one that comes back.
func TestAnswersWaitForRouters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := serve(&fleet{length: 3}, nil)
		defer e.Stop()
		got := make(chan error)
		go func() {
			_, err := answerOf(t.Context(), e, request())
			got <- err
		}()
		synctest.Wait()
		if load := e.cfg.Pool.Load(); len(load.Running) != 0 || load.Waiting != 1 {
			t.Errorf("%+v", load)
		}
		e.cfg.Pool.Update(routersOf("other", "a"))
		synctest.Wait()
		if e.cfg.Pool.Load().Waiting != 1 {
			t.Error("a router of another fingerprint got the request")
		}
		e.cfg.Pool.Update(routersOf("fp", "a"))
		if err := <-got; err != nil {
			t.Error(err)
		}
	})
}

// TestFullRouters: a new request is sent to each router once, within the budget, and
// then refused; one that has begun waits for room.
func TestFullRouters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fleet{length: 3, fates: []plan{{0, fullUp}}}
		e := serve(f, nil, "a", "b", "c")
		defer e.Stop()
		if _, err := answerOf(t.Context(), e, request()); !errors.Is(err, scheduler.ErrQueueFull) || err.Error() != "as planned" {
			t.Errorf("%v", err)
		}
		if n := len(f.asked()); n != 3 {
			t.Errorf("%d routers were asked, want each of 3 once", n)
		}
		if after := e.cfg.Pool.RetryAfter(); after != 7*time.Second {
			t.Errorf("try again after %v, the routers said 7 s", after)
		}
		for range 200 { // the budget is spent
			_, _ = answerOf(t.Context(), e, request())
		}
		before := len(f.asked())
		for range 100 {
			_, _ = answerOf(t.Context(), e, request())
		}
		if n := len(f.asked()) - before; n > 125 {
			t.Errorf("100 requests became %d calls", n)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		f := &fleet{length: 6, fates: []plan{{2, dies}, {0, fullUp}, {0, fullUp}, {0, fullUp}, {0, fullUp}, {1, dies}, {9, whole}}}
		e := serve(f, nil, "a", "b")
		defer e.Stop()
		if _, err := answerOf(t.Context(), e, request()); err != nil {
			t.Errorf("an answer that had begun: %v", err)
		}
	})
}

// TestOneRefusalIsRetriedElsewhere.
func TestOneRefusalIsRetriedElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var first string
		f := &fleet{length: 3}
		f.fate = func(router string, _ *hachiv1.GenerateTokensRequest) plan {
			if first == "" {
				first = router
			}
			if router == first {
				return plan{0, fullUp}
			}
			return plan{9, whole}
		}
		e := serve(f, nil, "a", "b")
		defer e.Stop()
		if _, err := answerOf(t.Context(), e, request()); err != nil {
			t.Error(err)
		}
	})
}

// TestARequestThatEveryRouterFails ends when each was asked once.
func TestARequestThatEveryRouterFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, tokens := range []int{0, 2} {
			f := &fleet{length: 9, fates: []plan{{tokens, panics}, {0, panics}}}
			e := serve(f, nil, "a", "b", "c")
			if _, err := answerOf(t.Context(), e, request()); err == nil || err.Error() != "a panic" {
				t.Errorf("%v", err)
			}
			if n := len(f.asked()); n != 3 {
				t.Errorf("%d tries", n)
			}
			e.Stop()
		}
	})
}

// TestEnoughCancelsTheCall: the router does not draw on when the reader has read
// enough.
func TestEnoughCancelsTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fleet{length: 9, fates: []plan{{2, silent}}}
		e := serve(f, nil, "a", "b")
		defer e.Stop()
		ctx, cancel := context.WithCancelCause(t.Context())
		if _, err := e.Submit(ctx, request(), nil); err != nil {
			t.Fatal(err)
		}
		cancel(engine.ErrEnough)
		synctest.Wait()
		if load := e.cfg.Pool.Load(); load.Running["a"]+load.Running["b"]+load.Waiting != 0 || e.running.Load() != 0 {
			t.Errorf("%+v after the end", load)
		}
	})
}

// TestStopEndsAnswers, and takes no new ones.
func TestStopEndsAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := serve(&fleet{length: 9, fates: []plan{{2, silent}}}, func(c *Config) { c.Silence = time.Hour }, "a")
		got := make(chan error)
		go func() {
			_, err := answerOf(t.Context(), e, request())
			got <- err
		}()
		synctest.Wait()
		go e.Stop()
		if err := <-got; !errors.Is(err, engine.ErrStopped) {
			t.Errorf("the answer ended with %v", err)
		}
		if _, err := e.Submit(t.Context(), request(), nil); !errors.Is(err, engine.ErrStopped) {
			t.Errorf("a new request: %v", err)
		}
	})
}

// TestRequestsAreBounded.
func TestRequestsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := serve(&fleet{length: 9, fates: []plan{{0, silent}}}, func(c *Config) { c.MaxRequests = 2 }, "a")
		defer e.Stop()
		ctx, cancel := context.WithCancel(t.Context())
		for range 2 {
			if _, err := e.Submit(ctx, request(), nil); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := e.Submit(ctx, request(), nil); !errors.Is(err, scheduler.ErrQueueFull) {
			t.Errorf("a third request: %v", err)
		}
		cancel()
		synctest.Wait()
		if e.running.Load() != 0 {
			t.Error("the bound has no room again")
		}
	})
}

// TestStallsAreObserved once for each pause, from the last token to the next.
func TestStallsAreObserved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stalls []Stall
		var causes []string
		f := &fleet{length: 9, fates: []plan{{2, silent}, {0, mute}, {3, dies}, {9, whole}}}
		e := serve(f, func(c *Config) {
			c.Stalled = func(s Stall) { stalls = append(stalls, s) }
			c.Moved = func(_, _, cause string) { causes = append(causes, cause) }
		}, "a", "b", "c", "d")
		defer e.Stop()
		if _, err := answerOf(t.Context(), e, request()); err != nil {
			t.Fatal(err)
		}
		// The second router has twice the time, for it may be the machine that is slow.
		if fmt.Sprint(stalls, causes) != "[{3s 0s 0s 0s} {0s 0s 0s 0s}] [silent silent failed]" || stalls[0].Total() != 3*time.Second {
			t.Errorf("stalls %v, causes %v", stalls, causes)
		}
	})
}

var _ completion.Engine = (*Engine)(nil)
