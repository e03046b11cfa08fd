package console

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/hachi-serve/hachi/internal/status"
)

// overviewBody is what the first page shows.
type overviewBody struct {
	Verdict  status.Verdict
	Degraded string
	Numbers  []number
	Recent   []eventRow
	Hours    int // of the charts
	Choices  []int
	Charts   []chart
	Rows     []sampleRow
	Silent   []silentRow
}

// number is a number with its name.
type number struct{ Name, Value, Hint string }

// chart is a drawing of lines; the table has the same numbers.
type chart struct{ Title, Unit, Series string }

// sampleRow is a row of the table beside the charts.
type sampleRow struct {
	At, Tokens, FirstP50, FirstP99, NextP50, NextP99 string
	Running, Waiting, Zero, One                      int32
}

// silentRow is a process that did not answer.
type silentRow struct{ Name, Why string }

var charts = []chart{
	{"Tokens per second", "tokens/s", "tokens"}, {"Time to first token", "seconds", "first50 first99"},
	{"Time between tokens", "seconds", "next50 next99"}, {"Requests", "requests", "running waiting"},
}

const (
	// maxRecent bounds the events of the last hour on the first page.
	maxRecent = 10
	// tableRows is how many rows the table beside the charts has at most.
	tableRows = 24
)

func (c *Console) overview(v view) any {
	s, last := v.state, c.Watcher.Latest()
	out := overviewBody{Verdict: s.Verdict(), Degraded: s.Cluster.Degraded, Charts: charts, Hours: hoursOf(v.query("hours")), Choices: []int{1, 6, 24}}
	out.Numbers = []number{
		{"Tokens per second", count(float64(last.TokensPerSecond)), "of all answers"},
		{"Time to first token", seconds(last.FirstP50) + " / " + seconds(last.FirstP99), "p50 / p99"},
		{"Time between tokens", seconds(last.NextP50) + " / " + seconds(last.NextP99), "p50 / p99"},
		{"Requests running", strconv.Itoa(int(last.Running)), ""},
		{"Requests waiting", strconv.Itoa(int(last.Waiting)), ""},
		{"KV cache in use", strconv.Itoa(int(100*last.KVUsage+0.5)) + " %", "of the fullest router"},
		{"Experts with one replica", strconv.Itoa(out.Verdict.One), "of " + strconv.Itoa(out.Verdict.Total)},
		{"Expert nodes that answer", strconv.Itoa(len(s.Answering())), "of " + strconv.Itoa(len(s.Cluster.Nodes))},
	}
	for _, e := range c.Watcher.Events() {
		if v.now.Sub(e.At) < time.Hour && len(out.Recent) < maxRecent {
			out.Recent = append(out.Recent, rowOf(e, v.now))
		}
	}
	out.Rows = sampleRows(c.Watcher.Samples(v.now.Add(-time.Duration(out.Hours)*time.Hour)), v.now)
	for name, why := range s.Silent {
		out.Silent = append(out.Silent, silentRow{name, why})
	}
	slices.SortFunc(out.Silent, func(a, b silentRow) int { return compareNames(a.Name, b.Name) })
	return out
}

// hoursOf reads how far back charts go: 1, 6 or 24 hours.
func hoursOf(text string) int {
	if hours, err := strconv.Atoi(text); err == nil && (hours == 6 || hours == 24) {
		return hours
	}
	return 1
}

// sampleRows thins samples out to the rows of a table, the newest first.
func sampleRows(all []status.Sample, now time.Time) (out []sampleRow) {
	step := max(1, (len(all)+tableRows-1)/tableRows)
	for i := len(all) - 1; i >= 0; i -= step {
		s := all[i]
		out = append(out, sampleRow{
			clock(s.At, now), count(float64(s.TokensPerSecond)), seconds(s.FirstP50), seconds(s.FirstP99), seconds(s.NextP50), seconds(s.NextP99),
			s.Running, s.Waiting, s.Zero, s.One,
		})
	}
	return out
}

// series are the numbers of the charts.
type series struct {
	Time    []int64    `json:"time"` // Unix seconds
	Tokens  []float32  `json:"tokens"`
	First50 []*float32 `json:"first50"`
	First99 []*float32 `json:"first99"`
	Next50  []*float32 `json:"next50"`
	Next99  []*float32 `json:"next99"`
	Running []int32    `json:"running"`
	Waiting []int32    `json:"waiting"`
}

// history answers with the numbers of the charts as JSON.
func (c *Console) history(w http.ResponseWriter, r *http.Request, _ Person) error {
	out := series{Time: []int64{}}
	measured := func(v float32) *float32 {
		if v == 0 {
			return nil
		}
		return &v
	}
	for _, s := range c.Watcher.Samples(time.Now().Add(-time.Duration(hoursOf(r.URL.Query().Get("hours"))) * time.Hour)) {
		out.Time = append(out.Time, s.At.Unix())
		out.Tokens = append(out.Tokens, s.TokensPerSecond)
		out.First50, out.First99 = append(out.First50, measured(s.FirstP50)), append(out.First99, measured(s.FirstP99))
		out.Next50, out.Next99 = append(out.Next50, measured(s.NextP50)), append(out.Next99, measured(s.NextP99))
		out.Running, out.Waiting = append(out.Running, s.Running), append(out.Waiting, s.Waiting)
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(out)
}
