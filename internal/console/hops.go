package console

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hachi-serve/hachi/internal/status"
)

// hopsBody is what the page of hops shows: a row for each router, a column for each
// node.
type hopsBody struct {
	Window  string // over which calls were measured
	Nodes   []string
	Routers []hopsRow
}

// hopsRow are the calls of one router.
type hopsRow struct {
	Router string
	Hops   []hopCell // in the order of the nodes
}

// hopCell are the calls of a router to a node.
type hopCell struct {
	Called               bool // ever
	Suspected            bool
	Calls                uint64
	P50, P99, Bytes      string
	HedgesWon, Failovers uint64
	Suspicions           uint64
	Slow                 bool // p99 is more than slowTimes the median of all hops
}

// slowTimes marks a hop that stands out.
const slowTimes = 4

func (c *Console) hops(v view) any {
	all, seconds := c.Watcher.Hops()
	out := hopsBody{Window: fmt.Sprintf("%.0f s", seconds)}
	for _, n := range v.state.Cluster.Nodes {
		out.Nodes = append(out.Nodes, n.Node)
	}
	for _, hops := range all {
		for _, h := range hops {
			if !slices.Contains(out.Nodes, h.Node) {
				out.Nodes = append(out.Nodes, h.Node)
			}
		}
	}
	slices.SortFunc(out.Nodes, compareNames)
	usual := usualP99(all)
	for _, router := range slices.SortedFunc(maps.Keys(all), compareNames) {
		row := hopsRow{Router: router}
		for _, node := range out.Nodes {
			row.Hops = append(row.Hops, hopOf(all[router], node, seconds, usual))
		}
		out.Routers = append(out.Routers, row)
	}
	return out
}

// usualP99 is the median of the 99th percentiles of all hops, seconds; 0 if nothing
// was called.
func usualP99(all map[string][]status.Hop) float64 {
	var each []float64
	for _, hops := range all {
		for _, h := range hops {
			if p := h.Calls.Quantile(0.99).Seconds(); p > 0 {
				each = append(each, p)
			}
		}
	}
	if len(each) == 0 {
		return 0
	}
	slices.Sort(each)
	return each[len(each)/2]
}

func hopOf(hops []status.Hop, node string, seconds, usual float64) hopCell {
	i := slices.IndexFunc(hops, func(h status.Hop) bool { return h.Node == node })
	if i < 0 {
		return hopCell{}
	}
	h := hops[i]
	out := hopCell{
		Called: true, Suspected: h.Suspected, P50: span(h.Calls.Quantile(0.5)), P99: span(h.Calls.Quantile(0.99)),
		HedgesWon: h.HedgesWon, Failovers: h.Failovers, Suspicions: h.Suspicions, Bytes: "–",
		Slow: usual > 0 && h.Calls.Quantile(0.99).Seconds() > slowTimes*usual,
	}
	for _, n := range h.Calls {
		out.Calls += n
	}
	if seconds > 0 {
		out.Bytes = size(float64(h.Bytes)/seconds) + "/s"
	}
	return out
}
