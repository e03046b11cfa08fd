package board

import "github.com/hachi-serve/hachi/internal/metric"

// overview answers whether the cluster serves, and how fast.
func overview() dashboard {
	latency := func(d metric.Definition) []query {
		return both(func(q float64) string { return live.quantile(q, d, "job") }, "{{job}}")
	}
	return dashboard{"hachi-overview", "hachi: overview", "Whether the cluster serves, and how fast.", []row{
		{"State", []panel{
			{"Coordinators that lead", "1, or there is a fault.", unitNumber, true, []query{{sum(metric.Leading.Name), "leading"}}},
			{"Degraded", "1 while the placement is not what the policy asks for.", unitNumber, true, []query{{maxOf(metric.Degraded.Name), "degraded"}}},
			{"Expert nodes", "Registered, needed, and at work.", unitNumber, false, []query{
				{sum(metric.NodesKnown.Name), "registered"}, {sum(metric.NodesNeeded.Name), "needed"}, {sum(metric.BusyNodes.Name), "busy"}}},
			{"Requests in routers", "Sequences that run and wait.", unitNumber, false, []query{
				{sum(metric.Running.Name), "running"}, {sum(metric.Waiting.Name), "waiting"}}},
		}},
		{"Latency, as clients see it", []panel{
			{"Time to first token", "By job: behind a gateway, the gateway's is what clients see.", unitSeconds, false, latency(metric.FirstToken)},
			{"Time between tokens", "One token of an answer to the next.", unitSeconds, false, latency(metric.NextToken)},
			{"Whole requests", "From arrival to the last byte.", unitSeconds, false, latency(metric.WholeRequest)},
		}},
		{"Throughput", []panel{
			{"Tokens per second", "Of routers.", unitRate, false, []query{
				{sum(ofRouters(live.rate(metric.GeneratedTokens))), "generated"}, {live.sumRate(metric.PromptTokens), "prompt"}}},
			{"Requests per second", "By outcome.", unitRate, false, []query{{live.sumRate(metric.WholeRequest, "job", "status"), "{{job}} {{status}}"}}},
			{"Sequences that ended", "By reason.", unitRate, false, []query{{live.sumRate(metric.Finished, "reason"), "{{reason}}"}}},
		}},
	}}
}

// serving shows the engine of each router.
func serving() dashboard {
	return dashboard{"hachi-routers", "hachi: routers", "Queues, steps and the KV cache of each router.", []row{
		{"Queue", []panel{
			{"Waiting and running", "Sequences.", unitNumber, false, []query{
				{sum(metric.Waiting.Name, "instance"), "{{instance}} waiting"}, {sum(metric.Running.Name, "instance"), "{{instance}} running"}}},
			{"Time in the queue", "From admission to the first rows.", unitSeconds, false,
				both(func(q float64) string { return live.quantile(q, metric.QueueTime) }, "all routers")},
			{"Rejected and preempted", "Rejected: the queue was full. Preempted: the KV cache was.", unitRate, false, []query{
				{live.sumRate(metric.Rejected, "instance"), "{{instance}} rejected"}, {live.sumRate(metric.Preemptions, "instance"), "{{instance}} preempted"}}},
		}},
		{"Steps", []panel{
			{"Time of a step", "Committed steps.", unitSeconds, false, both(func(q float64) string { return live.quantile(q, metric.StepTime, "instance") }, "{{instance}}")},
			{"Rows of a step", "Mean.", unitNumber, false, []query{{live.mean(metric.StepRows, "instance"), "{{instance}}"}}},
			{"Steps per second", "An abandoned step found no replica of an expert.", unitRate, false, []query{
				{live.sumRate(metric.StepsCommitted), "committed"}, {live.sumRate(metric.StepsAbandoned), "abandoned"}}},
			{"Predicted time of a layer", "What the number of micro-batches was based on.", unitSeconds, false, []query{{maxOf(metric.LayerTime.Name, "instance", "part"), "{{instance}} {{part}}"}}},
			{"Micro-batches", "Of the last step.", unitNumber, false, []query{{maxOf(metric.MicroBatches.Name, "instance"), "{{instance}}"}}},
			{"Draft tokens accepted", "Share of the draft tokens.", unitShare, false, []query{{ratio(live.sumRate(metric.AcceptedTokens), live.sumRate(metric.DraftTokens)), "accepted"}}},
		}},
		{"KV cache", []panel{
			{"KV blocks in use", "Share.", unitShare, false, []query{{maxOf(metric.KVUsage.Name, "instance"), "{{instance}}"}}},
			{"Prompt tokens found in the cache", "Share of the tokens looked up.", unitShare, false, []query{
				{ratio(live.sumRate(metric.PrefixHits, "instance"), live.sumRate(metric.PrefixQueries, "instance")), "{{instance}}"}}},
			{"Cached blocks", "Kept for their content.", unitNumber, false, []query{{sum(metric.KVCached.Name, "instance"), "{{instance}}"}}},
			{"Evictions", "Cached blocks that were reused.", unitRate, false, []query{{live.sumRate(metric.KVEvictions, "instance"), "{{instance}}"}}},
		}},
		{"API keys", []panel{
			{"Requests of each key", "Let in.", unitRate, false, []query{{live.sumRate(metric.ClientRequests, "client"), "{{client}}"}}},
			{"Running requests of each key", "", unitNumber, false, []query{{sum(metric.ClientRunning.Name, "client"), "{{client}}"}}},
			{"Tokens of each key", "Per second.", unitRate, false, []query{
				{live.sumRate(metric.ClientPromptTokens, "client"), "{{client}} prompt"}, {live.sumRate(metric.ClientGeneratedTokens, "client"), "{{client}} generated"}}},
			{"Refused requests", "By reason.", unitRate, false, []query{{live.sumRate(metric.ClientRefused, "client", "reason"), "{{client}} {{reason}}"}}},
		}},
	}}
}

// gateways shows the answers that routers draw for gateways.
func gateways() dashboard {
	return dashboard{"hachi-gateways", "hachi: gateways", "Which routers draw the answers, and answers that went on at another one.", []row{
		{"Routers", []panel{
			{"Answers of each router", "That run.", unitNumber, false, []query{{sum(metric.GatewayRunning.Name, "router"), "{{router}}"}}},
			{"Answers that wait for a router", "", unitNumber, false, []query{{sum(metric.GatewayQueue.Name), "waiting"}}},
			{"Suspected routers", "1 for a router that gets no answers.", unitNumber, false, []query{{maxOf(metric.RouterSuspected.Name, "router"), "{{router}}"}}},
		}},
		{"Answers that moved", []panel{
			{"Answers that went on at another router", "By reason.", unitRate, false, []query{{live.sumRate(metric.AnswersMoved, "reason"), "{{reason}}"}}},
			{"How long they stood still", "", unitSeconds, false, both(func(q float64) string { return live.quantile(q, metric.StallTime) }, "stall")},
			{"What they waited for", "Seconds per second.", unitNumber, false, []query{{live.sumRate(metric.StallParts, "part"), "{{part}}"}}},
		}},
	}}
}

// processes shows what each process takes.
func processes() dashboard {
	return dashboard{"hachi-processes", "hachi: processes", "Memory, processors and files of each process.", []row{
		{"Processes", []panel{
			{"Resident memory", "", unitBytes, false, []query{{maxOf(metric.ProcessMemory.Name, "instance"), "{{instance}}"}}},
			{"Processors in use", "Cores.", unitNumber, false, []query{{live.sumRate(metric.ProcessCPU, "instance"), "{{instance}}"}}},
			{"Uptime", "A line that falls to 0 is a restart.", unitSeconds, false, []query{{"time() - " + maxOf(metric.ProcessStart.Name, "instance"), "{{instance}}"}}},
			{"Open files", "Share of the maximum.", unitShare, false, []query{{ratio(maxOf(metric.OpenFiles.Name, "instance"), maxOf(metric.MaxOpenFiles.Name, "instance")), "{{instance}}"}}},
			{"Certificates", "Time to the end of each.", unitSeconds, false, []query{{maxOf(metric.CertificateEnd.Name, "instance", "certificate") + " - time()", "{{instance}} {{certificate}}"}}},
			{"Goroutines", "", unitNumber, false, []query{{maxOf(metric.Goroutines.Name, "instance"), "{{instance}}"}}},
		}},
	}}
}
