package gateway

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hachi-serve/hachi/internal/bench/report"
	"github.com/hachi-serve/hachi/internal/bench/serve"
)

// TestTheCostIsOfPairs and of rounds, and not of the medians of each side.
func TestTheCostIsOfPairs(t *testing.T) {
	router, gateway := &side{first: [][]float64{{10, 20}, {30}}, rate: []float64{100, 50, 10}}, &side{first: [][]float64{{12, 21}, {30.5}}, rate: []float64{98, 45, 10}}
	r := reportOf(Config{Prompt: 7, Streams: 64}, router, gateway)
	if r.Added != 1 || r.Ratio != 0.98 || r.Rounds != 2 || r.RouterFirst != 20 || r.GatewayFirst != 21 {
		t.Errorf("%+v", r)
	}
	var out strings.Builder
	if err := report.Print(&out, r, false); err != nil || !strings.Contains(out.String(), "adds 1.00 ms to the first token (median of pairs of requests) and takes 2.0 % of the throughput") {
		t.Errorf("%v\n%s", err, &out)
	}
}

// TestEverySideDoesTheSameWork: each stream gets as many answers, whatever they take,
// and the pairs of single requests begin with the other side in turns.
func TestEverySideDoesTheSameWork(t *testing.T) {
	var mu sync.Mutex
	var order []int
	var sides []*side
	for i := range 2 {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			order = append(order, i)
			mu.Unlock()
			fmt.Fprint(w, "data: {\"choices\":[{\"text\":\"x\"}]}\n\ndata: {\"choices\":[],\"usage\":{\"completion_tokens\":1}}\n\ndata: [DONE]\n\n")
		}))
		defer s.Close()
		sides = append(sides, &side{client: serve.Client{URL: s.URL, HTTP: s.Client()}, tokens: []int32{1, 2}})
	}
	c := Config{Rounds: 1, Singles: 2, Streams: 3, Answers: 5, Prompt: 1, Answer: 1}
	if err := measureRound(t.Context(), c, sides, 0); err != nil {
		t.Fatal(err)
	}
	want := slices.Concat([]int{0, 1, 1, 0}, slices.Repeat([]int{0}, 15), slices.Repeat([]int{1}, 15))
	if !slices.Equal(order, want) {
		t.Errorf("requests to %v, want %v", order, want)
	}
	for _, s := range sides {
		if len(s.first) != 1 || len(s.first[0]) != 2 || len(s.rate) != 1 || s.rate[0] <= 0 {
			t.Errorf("%v ms, %v tokens/s", s.first, s.rate)
		}
	}
}

func TestValidateTellsEverything(t *testing.T) {
	err := Config{}.Validate()
	for _, want := range []string{"rounds", "singles", "streams", "answers", "prompt tokens", "answer tokens"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not tell of %s", err, want)
		}
	}
	if err := (Config{Rounds: 1, Singles: 1, Streams: 1, Answers: 1, Prompt: 1, Answer: 1}).Validate(); err != nil {
		t.Error(err)
	}
}
