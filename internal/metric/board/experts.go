package board

import "github.com/hachi-serve/hachi/internal/metric"

// busiest bounds the experts that one panel names.
const busiest = "20"

// experts shows where the load goes, and what holds it.
func experts() dashboard {
	rows := live.sumRate(metric.ExpertRows, "layer", "expert")
	return dashboard{"hachi-experts", "hachi: experts", "Which experts are busy, and the nodes that hold them.", []row{
		{"Experts", []panel{
			{"Busiest experts", "Rows per second of the " + busiest + " busiest.", unitRate, false, []query{{"topk(" + busiest + ", " + rows + ")", "L{{layer}}/E{{expert}}"}}},
			{"Skew of each layer", "The busiest expert of a layer over the mean of the layer; with --metrics-top-experts, of the counted ones.", unitNumber, false, []query{
				{ratio(maxOf(rows, "layer"), "avg by (layer) ("+rows+")"), "L{{layer}}"}}},
			{"Placement in use", "Epoch of each router. Routers follow a new placement within seconds.", unitNumber, false, []query{{maxOf(metric.PlacementEpoch.Name, "instance"), "{{instance}}"}}},
		}},
		{"Expert nodes", []panel{
			{"Ready", "1 if the node holds every expert of its target.", unitNumber, false, []query{{maxOf(metric.NodeReady.Name, "instance"), "{{instance}}"}}},
			{"Resident experts", "", unitNumber, false, []query{{maxOf(metric.NodeResident.Name, "instance"), "{{instance}}"}}},
			{"Memory of experts", "Resident, and what --capacity gives.", unitBytes, false, []query{
				{maxOf(metric.NodeBytes.Name, "instance"), "{{instance}} resident"}, {maxOf(metric.NodeCapacity.Name, "instance") + " > 0", "{{instance}} capacity"}}},
			{"Rows per second", "That each node has computed.", unitRate, false, []query{{live.sumRate(metric.NodeRows, "instance"), "{{instance}}"}}},
			{"Share of time at work", "Above 0.7 the coordinator asks for more nodes.", unitShare, false, []query{{live.sumRate(metric.NodeBusy, "instance"), "{{instance}}"}}},
			{"Fetched weights", "Bytes per second, from a URL or from other nodes.", unitBytes, false, []query{{live.sumRate(metric.NodeFetched, "instance"), "{{instance}}"}}},
		}},
		{"Cores that processes share", []panel{
			{"Shared cores", "Of the budget, and those that each process computes with.", unitNumber, false, []query{
				{maxOf(metric.BudgetCores.Name) + " > 0", "budget"}, {maxOf(metric.BudgetHeld.Name, "instance"), "{{instance}}"}}},
			{"Share of time without a core", "While the process had work: near 1 others take the machine.", unitShare, false, []query{{live.sumRate(metric.BudgetWait, "instance"), "{{instance}}"}}},
			{"Cores taken from the dead", "Per second.", unitRate, false, []query{{live.sumRate(metric.BudgetRecovered, "instance"), "{{instance}}"}}},
		}},
	}}
}

// calls shows the way from routers to nodes.
func calls() dashboard {
	return dashboard{"hachi-dispatch", "hachi: expert calls", "Calls of routers to expert nodes: their time, hedges, failovers and suspicions.", []row{
		{"Calls", []panel{
			{"Time of a call, by node", "One node far above the others is slow.", unitSeconds, false,
				both(func(q float64) string { return live.quantile(q, metric.CallTime, "node") }, "{{node}}")},
			{"Time of a call, by router", "", unitSeconds, false,
				both(func(q float64) string { return live.quantile(q, metric.CallTime, "instance") }, "{{instance}}")},
			{"Calls and rows", "Per second.", unitRate, false, []query{{live.sumRate(metric.ExpertCalls), "calls"}, {live.sumRate(metric.SentRows), "rows"}}},
		}},
		{"Late and dead nodes", []panel{
			{"Rows sent twice", "The price of hedging, bounded by 0.05.", unitShare, false, []query{
				{ratio(live.sumRate(metric.HedgedRows, "instance"), live.sumRate(metric.SentRows, "instance")), "{{instance}}"}}},
			{"Hedges that won", "Near 1: nodes stall. Near 0: hedges are wasted.", unitShare, false, []query{
				{ratio(live.sumRate(metric.HedgesWon, "instance"), live.sumRate(metric.Hedges, "instance")), "{{instance}}"}}},
			{"Failovers", "Calls whose rows went to another replica.", unitRate, false, []query{{live.sumRate(metric.Failovers, "node"), "{{node}}"}}},
			{"Suspected nodes", "How many routers suspect the node now.", unitNumber, false, []query{{sum(metric.NodeSuspected.Name, "node"), "{{node}}"}}},
			{"Suspicions", "Per second.", unitRate, false, []query{{live.sumRate(metric.Suspicions, "node"), "{{node}}"}}},
			{"Local health of routers", "Above 0 the router's own machine runs late.", unitNumber, false, []query{{maxOf(metric.LocalHealth.Name, "instance"), "{{instance}}"}}},
		}},
	}}
}
