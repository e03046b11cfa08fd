package metric

var gateway = []Role{Gateway}

// Answers of a gateway, which routers draw.
var (
	GatewayQueue   = Definition{Name: "hachi_gateway_queue_length", Kind: Gauge, Unit: Requests, Roles: gateway, Help: "Answers that wait for a router."}
	GatewayRunning = Definition{Name: "hachi_gateway_answers_running", Kind: Gauge, Unit: Requests, Labels: []string{"router"}, Roles: gateway,
		Help: "Answers that a router draws for this gateway."}
	RouterSuspected = Definition{Name: "hachi_gateway_router_suspected", Kind: Gauge, Unit: Values, Labels: []string{"router"}, Roles: gateway,
		Help: "1 for a router that gets no answer while another is left, because calls failed, gossip suspects it or its record has gone."}
	AnswersMoved = Definition{Name: "hachi_gateway_answers_moved_total", Kind: Counter, Unit: Requests, Labels: []string{"reason"}, Roles: gateway,
		Help: "Answers that went on at another router, by reason: failed, silent, drained or fingerprint."}
	StallTime = Definition{Name: "hachi_gateway_stall_seconds", Kind: Histogram, Unit: Seconds, Roles: gateway,
		Help: "How long an answer that went on at another router stood still."}
	StallParts = Definition{Name: "hachi_gateway_stall_part_seconds_total", Kind: Counter, Unit: Seconds, Labels: []string{"part"}, Roles: gateway,
		Help: "What answers that went on at another router waited for: noticing that the call had failed, waiting for a router, asking it until it had the request, or drawing until its first token."}
)

func gateways() []Definition {
	return []Definition{GatewayQueue, GatewayRunning, RouterSuspected, AnswersMoved, StallTime, StallParts}
}
