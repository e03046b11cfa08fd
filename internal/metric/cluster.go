package metric

var (
	coordinator = []Role{Coordinator}
	expertNode  = []Role{ExpertNode}
	computing   = []Role{Router, ExpertNode}
)

// The cluster as the coordinator that leads sees it. Only the leader has the gauges of
// the cluster: a sum over all coordinators is right.
var (
	Leading     = Definition{Name: "hachi_coordinator_leading", Kind: Gauge, Unit: Processes, Roles: coordinator, Help: "1 if this coordinator leads."}
	NodesKnown  = Definition{Name: "hachi_coordinator_nodes", Kind: Gauge, Unit: Nodes, Roles: coordinator, Help: "Expert nodes that are registered."}
	NodesNeeded = Definition{Name: "hachi_coordinator_nodes_needed", Kind: Gauge, Unit: Nodes, Roles: coordinator,
		Help: "Expert nodes that the load, the memory and the replicas need."}
	BusyNodes = Definition{Name: "hachi_coordinator_busy_nodes", Kind: Gauge, Unit: Nodes, Roles: coordinator,
		Help: "Share of time that expert nodes have computed lately, summed over the nodes."}
	Degraded = Definition{Name: "hachi_coordinator_degraded", Kind: Gauge, Unit: Values, Roles: coordinator,
		Help: "1 while the placement is not what the policy asks for; hachi status says why."}
)

func coordinators() []Definition {
	return []Definition{Leading, NodesKnown, NodesNeeded, BusyNodes, Degraded}
}

// What an expert node holds and computes.
var (
	NodeReady = Definition{Name: "hachi_node_ready", Kind: Gauge, Unit: Values, Roles: expertNode,
		Help: "1 if the node holds every expert that the target gives it, and does not leave."}
	NodeResident = Definition{Name: "hachi_node_resident_experts", Kind: Gauge, Unit: Experts, Roles: expertNode, Help: "Experts that the node has loaded."}
	NodeBytes    = Definition{Name: "hachi_node_resident_bytes", Kind: Gauge, Unit: Bytes, Roles: expertNode, Help: "Memory of the experts that the node has loaded."}
	NodeCapacity = Definition{Name: "hachi_node_capacity_bytes", Kind: Gauge, Unit: Bytes, Roles: expertNode,
		Help: "Memory that the node has for experts (--capacity); 0 is no limit."}
	NodeRows = Definition{Name: "hachi_node_rows_total", Kind: Counter, Unit: Rows, Roles: expertNode, Help: "Rows that the node has computed, (row, expert) pairs."}
	NodeBusy = Definition{Name: "hachi_node_compute_seconds_total", Kind: Counter, Unit: Seconds, Roles: expertNode,
		Help: "Time that the node has spent on batches of rows: its rate is the share of time that it computes."}
	NodeFetched = Definition{Name: "hachi_node_fetched_bytes_total", Kind: Counter, Unit: Bytes, Roles: expertNode,
		Help: "Weights that came from a URL or from other nodes; 0 for a directory."}
)

func nodes() []Definition {
	return []Definition{NodeReady, NodeResident, NodeBytes, NodeCapacity, NodeRows, NodeBusy, NodeFetched}
}

// The budget of cores that a process shares with others of its machine; all are 0 for one
// that shares none.
var (
	BudgetCores = Definition{Name: "hachi_core_budget_cores", Kind: Gauge, Unit: Cores, Roles: computing,
		Help: "Cores that the process shares with others of its machine (--core-budget); 0 shares none."}
	BudgetHeld = Definition{Name: "hachi_core_budget_held_cores", Kind: Gauge, Unit: Cores, Roles: computing, Help: "Shared cores that the process computes with now."}
	BudgetWait = Definition{Name: "hachi_core_budget_wait_seconds_total", Kind: Counter, Unit: Seconds, Roles: computing,
		Help: "Time that the process has waited for a shared core while it had work."}
	BudgetRecovered = Definition{Name: "hachi_core_budget_recovered_cores_total", Kind: Counter, Unit: Cores, Roles: computing,
		Help: "Shared cores that the process has taken from others that had died or hung."}
)

func coreBudget() []Definition {
	return []Definition{BudgetCores, BudgetHeld, BudgetWait, BudgetRecovered}
}

// Metrics of the process that client_golang counts. It counts many more of the Go
// runtime; these are those that dashboards and rules use.
var (
	ProcessMemory = Definition{Name: "process_resident_memory_bytes", Kind: Gauge, Unit: Bytes, Roles: Roles(), Help: "Resident memory of the process."}
	ProcessCPU    = Definition{Name: "process_cpu_seconds_total", Kind: Counter, Unit: Seconds, Roles: Roles(), Help: "Time of processors that the process has used."}
	ProcessStart  = Definition{Name: "process_start_time_seconds", Kind: Gauge, Unit: UnixTime, Roles: Roles(), Help: "When the process started, in seconds since 1970."}
	OpenFiles     = Definition{Name: "process_open_fds", Kind: Gauge, Unit: Values, Roles: Roles(), Help: "Open file descriptors of the process."}
	MaxOpenFiles  = Definition{Name: "process_max_fds", Kind: Gauge, Unit: Values, Roles: Roles(), Help: "Maximum of open file descriptors."}
	Goroutines    = Definition{Name: "go_goroutines", Kind: Gauge, Unit: Values, Roles: Roles(), Help: "Goroutines of the process."}
)

// Certificates that a process shows; none in plaintext.
var (
	CertificateBegin = Definition{Name: "hachi_certificate_not_before_timestamp_seconds", Kind: Gauge, Unit: UnixTime, Labels: []string{"certificate"}, Roles: Roles(),
		Help: "When a certificate of the process begins, in seconds since 1970: cluster, etcd or http, by what it is for."}
	CertificateEnd = Definition{Name: "hachi_certificate_not_after_timestamp_seconds", Kind: Gauge, Unit: UnixTime, Labels: []string{"certificate"}, Roles: Roles(),
		Help: "When a certificate of the process ends, in seconds since 1970."}
)

func certificates() []Definition { return []Definition{CertificateBegin, CertificateEnd} }

func processes() []Definition {
	return []Definition{ProcessMemory, ProcessCPU, ProcessStart, OpenFiles, MaxOpenFiles, Goroutines}
}
