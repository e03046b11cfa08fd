package metric

var router = []Role{Router}

// Sequences, steps and the KV cache of a router.
var (
	QueueTime = Definition{Name: "hachi_request_queue_time_seconds", Kind: Histogram, Unit: Seconds, Roles: router,
		Help: "From a sequence's admission to its first rows."}
	Waiting  = Definition{Name: "hachi_num_requests_waiting", Kind: Gauge, Unit: Requests, Roles: router, Help: "Sequences that wait."}
	Running  = Definition{Name: "hachi_num_requests_running", Kind: Gauge, Unit: Requests, Roles: router, Help: "Sequences that run."}
	Rejected = Definition{Name: "hachi_requests_rejected_total", Kind: Counter, Unit: Requests, Roles: router,
		Help: "Sequences that found the queue full."}
	Finished = Definition{Name: "hachi_sequences_finished_total", Kind: Counter, Unit: Requests, Labels: []string{"reason"}, Roles: router,
		Help: "Sequences that ended, by reason: stop, length, abort or error."}
	Preemptions  = Definition{Name: "hachi_preemptions_total", Kind: Counter, Unit: Requests, Roles: router, Help: "Sequences preempted."}
	PromptTokens = Definition{Name: "hachi_prompt_tokens_total", Kind: Counter, Unit: Tokens, Roles: router,
		Help: "Prompt tokens of sequences that reached their first token."}
	StepTime       = Definition{Name: "hachi_step_duration_seconds", Kind: Histogram, Unit: Seconds, Roles: router, Help: "Committed steps."}
	StepRows       = Definition{Name: "hachi_step_rows", Kind: Histogram, Unit: Rows, Roles: router, Help: "Rows of committed steps."}
	StepsCommitted = Definition{Name: "hachi_steps_total", Kind: Counter, Unit: Steps, Roles: router, Help: "Steps committed."}
	StepsAbandoned = Definition{Name: "hachi_steps_abandoned_total", Kind: Counter, Unit: Steps, Roles: router,
		Help: "Steps abandoned because an expert had no replica."}
	KVUsage  = Definition{Name: "hachi_kv_cache_usage_perc", Kind: Gauge, Unit: Ratio, Roles: router, Help: "Share of KV blocks in use, 0 to 1."}
	KVCached = Definition{Name: "hachi_kv_cache_cached_blocks", Kind: Gauge, Unit: Blocks, Roles: router,
		Help: "KV blocks of no sequence, kept for their content."}
	KVEvictions = Definition{Name: "hachi_kv_cache_evictions_total", Kind: Counter, Unit: Blocks, Roles: router,
		Help: "Cached KV blocks that were reused for other content."}
	PrefixQueries = Definition{Name: "hachi_prefix_cache_queries_total", Kind: Counter, Unit: Tokens, Roles: router,
		Help: "Prompt tokens looked up in the prefix cache."}
	PrefixHits = Definition{Name: "hachi_prefix_cache_hits_total", Kind: Counter, Unit: Tokens, Roles: router,
		Help: "Prompt tokens found in the prefix cache."}
	DraftTokens = Definition{Name: "hachi_spec_decode_num_draft_tokens_total", Kind: Counter, Unit: Tokens, Roles: router,
		Help: "Draft tokens verified (--speculative-tokens)."}
	AcceptedTokens = Definition{Name: "hachi_spec_decode_num_accepted_tokens_total", Kind: Counter, Unit: Tokens, Roles: router,
		Help: "Draft tokens accepted."}
	MicroBatches = Definition{Name: "hachi_micro_batches", Kind: Gauge, Unit: Values, Roles: router, Help: "Micro-batches of the last step."}
	LayerTime    = Definition{Name: "hachi_layer_predicted_seconds", Kind: Gauge, Unit: Seconds, Labels: []string{"part"}, Roles: router,
		Help: "What the last decision on micro-batches was based on: predicted time of one layer's attention, of its experts, and of the layer as split; 0 before enough was measured."}
)

func engine() []Definition {
	return []Definition{
		QueueTime, Waiting, Running, Rejected, Finished, Preemptions, PromptTokens, StepTime, StepRows, StepsCommitted, StepsAbandoned,
		KVUsage, KVCached, KVEvictions, PrefixQueries, PrefixHits, DraftTokens, AcceptedTokens, MicroBatches, LayerTime,
	}
}
