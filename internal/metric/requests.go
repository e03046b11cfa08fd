package metric

var front = []Role{Router, Gateway}

// Requests as clients see them.
var (
	FirstToken = Definition{Name: "hachi_time_to_first_token_seconds", Kind: Histogram, Unit: Seconds, Roles: front,
		Help: "From a request's arrival to the first token of each of its answers."}
	NextToken = Definition{Name: "hachi_inter_token_latency_seconds", Kind: Histogram, Unit: Seconds, Roles: front,
		Help: "Between one token of an answer and the next."}
	WholeRequest = Definition{Name: "hachi_e2e_request_latency_seconds", Kind: Histogram, Unit: Seconds, Labels: []string{"status"}, Roles: front,
		Help: "Whole requests, by outcome: ok, canceled, or the type of the error."}
	GeneratedTokens = Definition{Name: "hachi_generation_tokens_total", Kind: Counter, Unit: Tokens, Roles: front,
		Help: "Tokens generated; of a gateway, those that routers drew for its answers."}
)

func requests() []Definition {
	return []Definition{FirstToken, NextToken, WholeRequest, GeneratedTokens}
}

// Usage of each API key, of routers and gateways with --api-keys.
var (
	ClientRequests = Definition{Name: "hachi_client_requests_total", Kind: Counter, Unit: Requests, Labels: []string{"client"}, Roles: front,
		Help: "Requests of an API key that were let in."}
	ClientRunning = Definition{Name: "hachi_client_requests_running", Kind: Gauge, Unit: Requests, Labels: []string{"client"}, Roles: front,
		Help: "Requests of an API key that run."}
	ClientPromptTokens = Definition{Name: "hachi_client_prompt_tokens_total", Kind: Counter, Unit: Tokens, Labels: []string{"client"}, Roles: front,
		Help: "Prompt tokens of an API key's requests."}
	ClientGeneratedTokens = Definition{Name: "hachi_client_generation_tokens_total", Kind: Counter, Unit: Tokens, Labels: []string{"client"}, Roles: front,
		Help: "Tokens generated for an API key's requests."}
	ClientRefused = Definition{Name: "hachi_client_requests_refused_total", Kind: Counter, Unit: Requests, Labels: []string{"client", "reason"}, Roles: front,
		Help: "Requests that an API key did not allow, by reason: missing, unknown, expired, admin_only, priority, rate, concurrency or tokens; the client is empty when the key is missing or unknown."}
)

func clients() []Definition {
	return []Definition{ClientRequests, ClientRunning, ClientPromptTokens, ClientGeneratedTokens, ClientRefused}
}
