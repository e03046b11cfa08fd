package metric

// Expert calls of a router.
var (
	PlacementEpoch = Definition{Name: "hachi_placement_epoch", Kind: Gauge, Unit: Values, Roles: router, Help: "Epoch of the placement in use."}
	ExpertRows     = Definition{Name: "hachi_expert_rows_total", Kind: Counter, Unit: Rows, Labels: []string{"layer", "expert"}, Roles: router,
		Help: "Rows sent to an expert: one counter per expert, or those of the busiest (--metrics-top-experts)."}
	ExpertCalls = Definition{Name: "hachi_dispatch_calls_total", Kind: Counter, Unit: Calls, Roles: router, Help: "Expert calls sent, hedges among them."}
	SentRows    = Definition{Name: "hachi_dispatch_rows_total", Kind: Counter, Unit: Rows, Roles: router,
		Help: "Rows sent, (row, expert) pairs; again when they are sent again."}
	Hedges = Definition{Name: "hachi_dispatch_hedges_total", Kind: Counter, Unit: Calls, Roles: router,
		Help: "Calls that were hedged: their rows were also sent to another replica."}
	HedgedRows = Definition{Name: "hachi_dispatch_hedged_rows_total", Kind: Counter, Unit: Rows, Roles: router, Help: "Rows of hedges."}
	HedgesWon  = Definition{Name: "hachi_dispatch_hedges_won_total", Kind: Counter, Unit: Calls, Roles: router,
		Help: "Hedged calls that finished before the original."}
	CallTime = Definition{Name: "hachi_dispatch_call_duration_seconds", Kind: Histogram, Unit: Seconds, Labels: []string{"node"}, Roles: router,
		Help: "Answered calls to a node, from their start to their reply."}
	Failovers = Definition{Name: "hachi_dispatch_failovers_total", Kind: Counter, Unit: Calls, Labels: []string{"node"}, Roles: router,
		Help: "Calls to a node whose rows were sent to another replica."}
	NodeSuspected = Definition{Name: "hachi_dispatch_node_suspected", Kind: Gauge, Unit: Values, Labels: []string{"node"}, Roles: router,
		Help: "1 while a node is suspected and comes last among replicas."}
	Suspicions = Definition{Name: "hachi_dispatch_suspicions_total", Kind: Counter, Unit: Values, Labels: []string{"node"}, Roles: router,
		Help: "Times a node was suspected: a call failed or was silent, its stream broke, or gossip reported it."}
	LocalHealth = Definition{Name: "hachi_dispatch_local_health_score", Kind: Gauge, Unit: Values, Roles: router,
		Help: "0 to 4: above 0 this router itself runs late, and suspects nodes later."}
)

func dispatch() []Definition {
	return []Definition{
		PlacementEpoch, ExpertRows, ExpertCalls, SentRows, Hedges, HedgedRows, HedgesWon, CallTime, Failovers, NodeSuspected, Suspicions, LocalHealth,
	}
}
