package role

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hachi-serve/hachi/internal/gateway/balance"
	"github.com/hachi-serve/hachi/internal/gateway/remote"
	"github.com/hachi-serve/hachi/internal/logtest"
)

// TestAGatewayThatWaitsSaysWhy: one line when no router has taken requests for a while,
// with the reason, and one when a router does; at its start, and again later.
func TestAGatewayThatWaitsSaysWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &logtest.Log{}
		pool, served := remote.NewPool(), balance.Model{Fingerprint: "x", Context: 8}
		w := &routerWait{pool: pool}
		ctx, stop := context.WithCancel(t.Context())
		join := w.watch(ctx, log.Logger())
		lines := func(after time.Duration, want int, says string) {
			t.Helper()
			time.Sleep(after)
			synctest.Wait()
			if text := log.String(); strings.Count(text, "\n") != want || !strings.Contains(text, says) {
				t.Errorf("%d lines wanted, with %q:\n%s", want, says, text)
			}
		}
		router := balance.Router{ID: "router-0", Addr: "a", Fingerprint: "x", Context: 8, Draining: true}
		lines(5*time.Second, 0, "")
		lines(time.Minute, 1, `level=WARN msg="waiting for a router" why="no router is registered"`)
		pool.Update([]balance.Router{router})
		lines(time.Minute, 1, "")
		router.Draining = false
		pool.Update([]balance.Router{router})
		w.serve(served)
		lines(time.Minute, 2, `msg="a router takes requests" waited=2m`)
		router.Fingerprint = "y"
		pool.Update([]balance.Router{router})
		lines(time.Minute, 3, "serve another model")
		stop()
		join()
	})
}
