package top

import (
	"fmt"
	"time"

	"github.com/hachi-serve/hachi/internal/journal"
	"github.com/hachi-serve/hachi/internal/status"
)

// requests shows where requests are, those that run, and the last that ended.
func requests(s state, _ int) []string {
	out := routers(s)
	out = append(out, gateways(s)...)
	runs, ended := "no request runs", "none has ended yet"
	if n := len(s.running); n > 0 {
		runs = fmt.Sprintf("%d run", n)
	}
	if n := len(s.ended); n > 0 {
		ended = fmt.Sprintf("the last %d that ended", n)
	}
	out = append(append(out, "", runs), answers(s, s.running)...)
	return append(append(out, "", ended), answers(s, s.ended)...)
}

// routers are those that are registered, with what each of them says of its load.
func routers(s state) []string {
	rows := [][]string{{"ROUTER", "REQUESTS", "WAITING", "KV", "PLACEMENT", "STATE", "HTTP", "GRPC"}}
	for _, r := range s.Cluster.Routers {
		state := "serving"
		switch {
		case r.Draining:
			state = "draining"
		case r.Acked == 0:
			state = "waiting for a placement"
		case r.Acked < s.Cluster.Epoch:
			state = "behind"
		}
		load, waiting, kv := fmt.Sprint(r.Load), "-", "-"
		if p, answers := s.Process(status.RouterRole, r.Router); answers {
			load, waiting, kv = fmt.Sprint(p.Load), fmt.Sprint(p.Queue), fmt.Sprintf("%.0f%%", 100*p.KVUsage)
		}
		rows = append(rows, []string{printed(r.Router), load, waiting, kv, fmt.Sprint(r.Acked), state, printed(r.HTTP), printed(r.GRPC)})
	}
	out := table(rows)
	if len(s.Cluster.Routers) == 0 {
		out = append(out, "none is registered: no request is served")
	}
	return out
}

// gateways are those that are registered, with the routers that they pass over.
func gateways(s state) []string {
	if len(s.Cluster.Gateways) == 0 {
		return nil
	}
	rows := [][]string{{"GATEWAY", "HTTP", "GRPC", "PASSES OVER"}}
	for _, g := range s.Cluster.Gateways {
		over := "-"
		for i, p := range g.PassedOver {
			if i == 0 {
				over = ""
			}
			over += printed(p.Router) + " (" + printed(p.Why) + ") "
		}
		rows = append(rows, []string{printed(g.Gateway), printed(g.HTTP), printed(g.GRPC), over})
	}
	return append([]string{""}, table(rows)...)
}

// answers is a table of requests, with the last stall of each. What is longest comes
// last.
func answers(s state, all []status.Request) []string {
	if len(all) == 0 {
		return nil
	}
	rows := [][]string{{"REQUEST", "AT", "PHASE", "PROMPT", "TOKENS", "FIRST", "TOOK", "CLIENT", "STALLS"}}
	for _, r := range all {
		rows = append(rows, []string{
			printed(r.ID), printed(r.Process), phase(r.Request), fmt.Sprint(r.Prompt), fmt.Sprint(r.Tokens), span(r.Began, r.First), span(r.Began, ending(s, r.Request)),
			printed(r.Client), stalls(r.Request),
		})
	}
	return table(rows)
}

// phase is how far a request has come.
func phase(r journal.Request) string {
	switch {
	case r.Phase == journal.Prefill:
		return fmt.Sprintf("prefill %d", r.Computed)
	case r.Phase == journal.Failed:
		return "failed !"
	}
	return printed(string(r.Phase))
}

// ending is when a request ended, or now.
func ending(s state, r journal.Request) time.Time {
	if r.Phase.Ended() {
		return r.Last
	}
	return s.At
}

// stalls are how many stalls a client felt, and the last of them.
func stalls(r journal.Request) string {
	if len(r.Stalls) == 0 {
		return ""
	}
	last := r.Stalls[len(r.Stalls)-1]
	return fmt.Sprintf("%d: %v %s", r.Felt, last.Took.Round(time.Millisecond), printed(last.Cause))
}

// span is the time between two others; "-" if the second has not come.
func span(from, to time.Time) string {
	if to.IsZero() || to.Before(from) {
		return "-"
	}
	return to.Sub(from).Round(time.Millisecond).String()
}
