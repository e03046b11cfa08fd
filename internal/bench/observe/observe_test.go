package observe

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/bench/report"
	"github.com/hachi-serve/hachi/internal/bench/serve"
)

// TestTheCostIsOfRounds, and not of the medians of each side.
func TestTheCostIsOfRounds(t *testing.T) {
	w := &watch{}
	w.scrapes.Store(7)
	w.events.Store(9 << 10)
	r := reportOf(Config{Load: serve.Load{Streams: 16, Prompt: 16, Answer: 256}}, &side{rate: []float64{98, 45, 10}, watch: w}, &side{rate: []float64{100, 50, 10}}, &collector{})
	if r.Ratio != 0.98 || r.BareRate != 50 || r.WatchedRate != 45 || r.Rounds != 3 {
		t.Errorf("%+v", r)
	}
	var out strings.Builder
	if err := report.Print(&out, r, false); err != nil || !strings.Contains(out.String(), "takes 2.0 % of the throughput (median of the rounds); meanwhile 7 pages of metrics, 9 KiB of the console") {
		t.Errorf("%v\n%s", err, &out)
	}
}

// console is an admin API that a test watches.
type console struct {
	*httptest.Server
	page    func(w http.ResponseWriter, r *http.Request)
	scraped atomic.Int64
}

func (c *console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Header.Get("Authorization") != "Bearer KEY":
		w.WriteHeader(http.StatusUnauthorized)
	case r.URL.Path == "/metrics":
		c.scraped.Add(1)
	default:
		c.page(w, r)
	}
}

// openConsole serves a page.
func openConsole(t *testing.T, page func(http.ResponseWriter, *http.Request)) (*console, *watch) {
	t.Helper()
	c := &console{page: page}
	c.Server = httptest.NewServer(c)
	t.Cleanup(c.Close)
	return c, &watch{http: &http.Client{Transport: &http.Transport{}}, url: c.URL, key: "KEY", every: time.Millisecond}
}

// TestATurnIsWatched by a page that stays open, and by a reader of the metrics.
func TestATurnIsWatched(t *testing.T) {
	seen := make(chan struct{})
	c, w := openConsole(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "event: part\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		close(seen)
	})
	end, err := w.begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for c.scraped.Load() < 3 || w.events.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	if err := end(); err != nil {
		t.Error(err)
	}
	<-seen
	if w.scrapes.Load() < 2 || w.events.Load() != int64(len("event: part\n\n")) {
		t.Errorf("%d pages of metrics, %d bytes", w.scrapes.Load(), w.events.Load())
	}
}

// TestAConsoleThatEndsIsAnError: nothing would be watched.
func TestAConsoleThatEndsIsAnError(t *testing.T) {
	_, w := openConsole(t, func(http.ResponseWriter, *http.Request) {})
	page, err := w.get(t.Context(), openPage, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.follow(t.Context(), page); err == nil {
		t.Error("the end of the page is no error")
	}
	w.key = "WRONG"
	if _, err := w.begin(t.Context()); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("a key that the console refuses: %v", err)
	}
}

// TestABareClusterIsNotWatched.
func TestABareClusterIsNotWatched(t *testing.T) {
	var none *watch
	end, err := none.begin(context.Background())
	if err != nil || end() != nil {
		t.Error("nothing failed")
	}
}

// TestValidateTellsEverything.
func TestValidateTellsEverything(t *testing.T) {
	err := Config{Ratio: 2}.Validate()
	for _, want := range []string{"streams", "answers", "prompt tokens", "answer tokens", "rounds", "traced", "admin listener"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not tell of %s", err, want)
		}
	}
	if err := (Config{AdminListen: "a:1", Rounds: 1, Load: serve.Load{Streams: 1, Answers: 1, Prompt: 1, Answer: 1}, Scrape: 1, Ratio: 1}).Validate(); err != nil {
		t.Error(err)
	}
}
