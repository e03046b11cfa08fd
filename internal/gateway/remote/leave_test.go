package remote

import (
	"context"
	"fmt"
	"reflect"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hachi-serve/hachi/internal/gateway/balance"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// draining are routers of which one drains.
func draining(router string, all ...string) []balance.Router {
	out := routersOf("fp", all...)
	for i := range out {
		out[i].Draining = out[i].ID == router
	}
	return out
}

// TestAnswersLeaveARouterThatDrains at once, and stay while no other can go on with
// them.
func TestAnswersLeaveARouterThatDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		undisturbed := serve(&fleet{length: 9}, nil, "a")
		defer undisturbed.Stop()
		want, err := answerOf(t.Context(), undisturbed, request())
		if err != nil {
			t.Fatal(err)
		}
		var stalls []Stall
		var causes []string
		f := &fleet{length: 9, fates: []plan{{4, silent}, {1 << 20, whole}}} // it would draw on after a while
		e := serve(f, func(c *Config) {
			c.Silence = time.Hour
			c.Stalled = func(s Stall) { stalls = append(stalls, s) }
			c.Moved = func(_, _, cause string) { causes = append(causes, cause) }
		}, "a")
		defer e.Stop()
		ended := make(chan error, 1)
		go func() {
			got, err := answerOf(t.Context(), e, request())
			if err == nil && !reflect.DeepEqual(got, want) {
				err = fmt.Errorf("%v, want %v", got, want)
			}
			ended <- err
		}()
		synctest.Wait()
		e.cfg.Pool.Update(draining("a", "a"))
		synctest.Wait()
		if len(f.asked()) != 1 {
			t.Fatal("the answer left, and no other router was there")
		}
		time.Sleep(time.Second)
		e.cfg.Pool.Update(draining("a", "a", "b"))
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(stalls, causes) != "[{1s 0s 0s 0s}] [drained]" || f.asked()[1].router != "b" {
			t.Errorf("stalls %v, causes %v, calls %v", stalls, causes, f.asked())
		}
		if _, at, failing := e.cfg.Pool.table.Failing("a"); failing || !at.IsZero() {
			t.Error("a router that drains has failed")
		}
	})
}

// TestNoAnswerFindsOutThatARouterIsStillSilent: while another router is there, probes
// do, and requests return when one was answered.
func TestNoAnswerFindsOutThatARouterIsStillSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var probes, silentCalls atomic.Int64
		var back atomic.Bool
		f := &fleet{length: 9}
		f.fate = func(router string, _ *hachiv1.GenerateTokensRequest) plan {
			if router == "a" && !back.Load() {
				silentCalls.Add(1)
				return plan{0, mute}
			}
			return plan{1 << 20, whole}
		}
		f.probe = func(ctx context.Context, router string) error {
			if probes.Add(1); router != "a" {
				t.Errorf("a probe of %s", router)
			}
			if back.Load() {
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		}
		e := serve(f, nil, "a", "b")
		defer e.Stop()
		ask := func(times int) {
			for i := range times {
				r := request()
				r.Prompt = []int32{int32(i), 2, 3}
				if _, err := answerOf(t.Context(), e, r); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Second)
			}
		}
		ask(100)
		if n := silentCalls.Load(); n != 1 {
			t.Errorf("%d answers waited for the silent router, want the first", n)
		}
		if n := probes.Load(); n < 10 || n > 40 {
			t.Errorf("%d probes in 100 s, want one after each backoff", n)
		}
		back.Store(true)
		time.Sleep(10 * time.Second)
		before := len(f.asked())
		ask(100)
		of := map[string]int{}
		for _, call := range f.asked()[before:] {
			of[call.router]++
		}
		if of["a"] == 0 || of["b"] == 0 {
			t.Errorf("requests after the router came back: %v", of)
		}
	})
}
