package top

import "fmt"

// requests shows where requests are.
func requests(s state, _ int) []string {
	rows := [][]string{{"ROUTER", "REQUESTS", "PLACEMENT", "STATE", "HTTP", "GRPC"}}
	for _, r := range s.Routers {
		state := "serving"
		switch {
		case r.Draining:
			state = "draining"
		case r.Acked == 0:
			state = "waiting for a placement"
		case r.Acked < s.Epoch:
			state = "behind"
		}
		rows = append(rows, []string{printed(r.Router), fmt.Sprint(r.Load), fmt.Sprint(r.Acked), state, printed(r.HTTP), printed(r.GRPC)})
	}
	out := table(rows)
	if len(s.Routers) == 0 {
		out = append(out, "none is registered: no request is served")
	}
	if len(s.Gateways) == 0 {
		return out
	}
	rows = [][]string{{"GATEWAY", "HTTP", "GRPC", "PASSES OVER"}}
	for _, g := range s.Gateways {
		over := "-"
		for i, p := range g.PassedOver {
			if i == 0 {
				over = ""
			}
			over += printed(p.Router) + " (" + printed(p.Why) + ") "
		}
		rows = append(rows, []string{printed(g.Gateway), printed(g.HTTP), printed(g.GRPC), over})
	}
	return append(append(out, ""), table(rows)...)
}
