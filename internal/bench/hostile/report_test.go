package hostile

import (
	"strings"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/bench/measure"
	"github.com/hachi-serve/hachi/internal/bench/serve"
)

func TestMissedNamesWhatWasNotKept(t *testing.T) {
	const mb = 1 << 20
	p99 := func(ms float64) serve.Report { return serve.Report{Total: measure.Latency{P99: ms}} }
	good := Report{Calm: p99(100), Attacked: p99(190), KV: 64 * mb, Before: 200 * mb, Peak: 570 * mb, After: 215 * mb}
	if err := good.Missed(); err != nil {
		t.Error(err)
	}
	for want, change := range map[string]func(*Report){
		"failed":            func(r *Report) { r.Attacked.Failed = 1 },
		"p99 of others":     func(r *Report) { r.Attacked.Total.P99 = 201 },
		"want at most 576":  func(r *Report) { r.Peak = 577 * mb },
		"221 MB afterwards": func(r *Report) { r.After = 221 * mb },
	} {
		r := good
		change(&r)
		if err := r.Missed(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}

func TestAnswersAreSortedByBodyAndStatus(t *testing.T) {
	a := answers{}
	a.add("tokens", "400", time.Second)
	a.add("tokens", "400", time.Second)
	a.add("a text", "429", time.Second)
	a.add("tokens", "200", time.Second)
	var text strings.Builder
	for _, s := range a.sorted() {
		text.WriteString(s.Body + " " + s.Status + ";")
	}
	if got := text.String(); got != "a text 429;tokens 200;tokens 400;" {
		t.Error(got)
	}
}
