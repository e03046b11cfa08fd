package harness

import (
	"bufio"
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// StreamTokens are enough for a fault to happen in the middle of an answer.
const StreamTokens = 48

// DuringAnswers starts every prompt and calls disturb once tokens flow. The
// answers must be those of an undisturbed run.
func (c *Cluster) DuringAnswers(t *testing.T, disturb func()) {
	t.Helper()
	want := MustCompleteAll(t, c.URL(), StreamTokens)
	ask := func(ctx context.Context) ([]Answer, error) { return CompleteAll(ctx, c.URL(), StreamTokens) }
	Compare(t, "after the fault", During(t, c, ask, disturb), want)
}

// During starts ask, calls disturb once tokens flow, and returns what ask did. If ask
// ends before disturb could be called, it is called again.
func During[T any](t *testing.T, c *Cluster, ask func(context.Context) (T, error), disturb func()) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startWithin)
	defer cancel()
	for range 100 {
		before := c.GeneratedTokens(t)
		var got T
		ended := make(chan error, 1)
		go func() {
			var err error
			got, err = ask(ctx)
			ended <- err
		}()
		running := c.tokensFlow(t, before, ended)
		if running {
			disturb()
		}
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		if running {
			return got
		}
	}
	t.Fatal("the answers always ended before the fault")
	panic("unreachable")
}

// tokensFlow waits for a few tokens after the first `before`. It returns false if
// the answers ended meanwhile.
func (c *Cluster) tokensFlow(t *testing.T, before int, ended <-chan error) bool {
	t.Helper()
	const few = 8
	for len(ended) == 0 {
		if c.GeneratedTokens(t) >= before+few {
			return len(ended) == 0
		}
		time.Sleep(2 * time.Millisecond)
	}
	return false
}

// UnderLoad requests every prompt again and again while change runs. No request
// may fail, and every answer must be the undisturbed one.
func (c *Cluster) UnderLoad(t *testing.T, change func()) {
	t.Helper()
	const tokens = 16 // short answers, so that many begin and end meanwhile
	want := MustCompleteAll(t, c.URL(), tokens)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := 0; ctx.Err() == nil || n < 2; n++ {
			// A round that has begun is finished: stop must not look like a fault.
			answers, err := CompleteAll(context.WithoutCancel(ctx), c.URL(), tokens)
			if err != nil {
				t.Errorf("round %d: %v", n, err)
				return
			}
			Compare(t, "under load", answers, want)
		}
	}()
	change()
	stop()
	<-done
}

// GeneratedTokens is the number of tokens that the router has generated.
func (c *Cluster) GeneratedTokens(t *testing.T) int {
	t.Helper()
	resp, err := http.Get(c.URL() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), "hachi_generation_tokens_total "); ok {
			n, err := strconv.ParseFloat(text, 64)
			if err != nil {
				t.Fatal(err)
			}
			return int(n)
		}
	}
	t.Fatal("no hachi_generation_tokens_total in /metrics")
	return 0
}
