package console

import (
	"fmt"
	"strconv"
	"time"

	"github.com/hachi-serve/hachi/internal/journal"
	"github.com/hachi-serve/hachi/internal/status"
)

// requestsBody is what the page of requests shows.
type requestsBody struct {
	MayAct         bool
	Running, Ended []requestRow
	Stalled        bool // only requests that stalled
	Page, Pages    int  // of those that ended, from 1
	Total          int
	Keep           int // requests that are kept
}

// requestRow is a request.
type requestRow struct {
	Key                  string // names the row
	ID, Client, Process  string
	Phase, Began, First  string
	Trace, TraceLink     string // its id, and the page that shows it; "" is none
	Tokens, Prompt, Took string
	Why                  string
	Stalls               []stallRow
	Felt                 int
	Cancel               string // the address that asks for confirmation; "" of a request that has ended
}

// stallRow is a stall of a request.
type stallRow struct{ At, Took, Cause string }

// perPage bounds the requests of a page.
const perPage = 100

func (c *Console) requests(v view) any {
	running, ended := c.Watcher.Requests()
	out := requestsBody{MayAct: v.who.MayAct, Stalled: v.query("stalled") == "1", Keep: status.KeepRequests}
	for _, r := range running {
		if !out.Stalled || r.Felt > 0 {
			out.Running = append(out.Running, c.requestOf(r, v))
		}
	}
	var kept []status.Request
	for _, r := range ended {
		if !out.Stalled || r.Felt > 0 {
			kept = append(kept, r)
		}
	}
	out.Total, out.Pages = len(kept), max(1, (len(kept)+perPage-1)/perPage)
	out.Page, _ = strconv.Atoi(v.query("page")) // another text is the first page
	out.Page = min(max(1, out.Page), out.Pages)
	from := (out.Page - 1) * perPage
	for _, r := range kept[from:min(len(kept), from+perPage)] {
		out.Ended = append(out.Ended, c.requestOf(r, v))
	}
	return out
}

// Next and Previous are the numbers of the pages beside; 0 is none.
func (b requestsBody) Next() int {
	if b.Page < b.Pages {
		return b.Page + 1
	}
	return 0
}

// Previous is described at Next.
func (b requestsBody) Previous() int { return b.Page - 1 }

// phaseOf says what a request waits for.
func phaseOf(r status.Request) string {
	switch {
	case r.Phase == journal.Prefill && r.First.IsZero():
		return fmt.Sprintf("prefill: %d of %d tokens", r.Computed, r.Prompt)
	case r.Phase == journal.Prefill:
		return "prefill after a preemption"
	case r.Phase == journal.Waiting && !r.First.IsZero():
		return "waiting after a preemption"
	}
	return string(r.Phase)
}

func (c *Console) requestOf(r status.Request, v view) requestRow {
	out := requestRow{
		Key: fmt.Sprintf("r-%s-%s-%d", r.Role, r.Process, r.Number), ID: r.ID, Client: r.Client, Process: r.Process, Phase: phaseOf(r), Began: clock(r.Began, v.now),
		Tokens: strconv.Itoa(r.Tokens), Prompt: strconv.Itoa(r.Prompt), Why: r.Why, Felt: r.Felt, First: "–", Trace: r.Trace,
	}
	if r.Trace != "" && c.TracePage != nil {
		out.TraceLink = c.TracePage(r.Trace)
	}
	if r.Choice > 0 {
		out.ID += fmt.Sprintf(" (choice %d)", r.Choice)
	}
	if r.Cached > 0 {
		out.Prompt += fmt.Sprintf(" (%d cached)", r.Cached)
	}
	if !r.First.IsZero() {
		out.First = span(r.First.Sub(r.Began))
	}
	end := v.state.At
	if r.Phase.Ended() {
		end = r.Last
	} else if v.who.MayAct {
		out.Cancel = fmt.Sprintf("%s/requests/%s/%s/%d/cancel", Root, r.Role, r.Process, r.Number)
	}
	out.Took = span(end.Sub(r.Began).Round(time.Millisecond))
	for _, s := range r.Stalls {
		out.Stalls = append(out.Stalls, stallRow{clock(s.At, v.now), span(s.Took), s.Cause})
	}
	return out
}
