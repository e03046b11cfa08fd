package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

// Status describes the cluster as the leading coordinator sees it.
func (c *Client) Status(ctx context.Context) (*Status, error) {
	resp, err := c.coordinate(ctx, http.MethodGet, "/v1/status")
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	out := &Status{}
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return nil, fmt.Errorf("answer of /v1/status: %w", err)
	}
	return out, nil
}

// Drain asks the leading coordinator to move a node's experts to other nodes.
// Drain returns before the node is empty: Status shows what it still holds. The
// request ends with the node's process.
func (c *Client) Drain(ctx context.Context, node string) error {
	return c.drain(ctx, http.MethodPut, node)
}

// Undrain takes a request of Drain back.
func (c *Client) Undrain(ctx context.Context, node string) error {
	return c.drain(ctx, http.MethodDelete, node)
}

func (c *Client) drain(ctx context.Context, method, node string) error {
	resp, err := c.coordinate(ctx, method, "/v1/nodes/"+url.PathEscape(node)+"/drain")
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

func (c *Client) coordinate(ctx context.Context, method, path string) (*http.Response, error) {
	if c.Coordinator == "" {
		return nil, errors.New("client: Coordinator is empty")
	}
	req, err := http.NewRequestWithContext(ctx, method, base(c.Coordinator)+path, nil)
	if err != nil {
		return nil, err
	}
	return c.do(req)
}

// Status is a cluster at one time, as `hachi status --json` prints it.
type Status struct {
	Leader   string   `json:"leader,omitempty"` // empty without a leader
	Standbys []string `json:"standbys,omitempty"`
	// NoLeader says why the leader's view is missing.
	NoLeader string `json:"no_leader,omitempty"`
	// NodesNeeded is how many expert nodes load, memory and replicas need; BusyNodes the
	// share of time that nodes have computed lately, summed over them.
	NodesNeeded uint32  `json:"nodes_needed,omitempty"`
	BusyNodes   float64 `json:"busy_nodes,omitempty"`
	Policy      string  `json:"policy,omitempty"`
	Replicas    uint32  `json:"replicas,omitempty"`
	// Degraded says why the placement is not what the policy asks for.
	Degraded string `json:"degraded,omitempty"`
	// Damaged are keys of records that no process of the cluster would write, with the
	// reason for which they are passed over.
	Damaged     map[string]string `json:"damaged,omitempty"`
	Epoch       uint64            `json:"epoch"` // 0 until a placement is published
	Fingerprint string            `json:"fingerprint,omitempty"`
	Nodes       []NodeStatus      `json:"nodes"`
	Routers     []RouterStatus    `json:"routers"`
	Gateways    []GatewayStatus   `json:"gateways,omitempty"`
	// Placement lists, per layer and expert, the nodes that serve the expert.
	Placement [][][]string `json:"placement,omitempty"`
	// Load counts rows sent per layer and expert since the routers started.
	Load [][]uint64 `json:"load,omitempty"`
	// RowsPerSecond is what the leader measured over the last WindowSeconds.
	RowsPerSecond [][]float64 `json:"rows_per_second,omitempty"`
	WindowSeconds float64     `json:"window_seconds,omitempty"`
	// Busiest are the experts with the most rows against the mean of their
	// layer.
	Busiest []ExpertStatus `json:"busiest,omitempty"`
}

// NodeStatus is an expert node.
type NodeStatus struct {
	Node     string `json:"node"`
	State    string `json:"state"` // up, loading, serving, draining or idle
	Addr     string `json:"addr"`
	Backend  string `json:"backend"`
	Serving  int    `json:"serving_experts"`
	Resident int    `json:"resident_experts"`
	Bytes    uint64 `json:"resident_bytes"`
	Capacity uint64 `json:"capacity_bytes,omitempty"` // 0 is no limit
	Epoch    uint64 `json:"epoch"`
	Rows     uint64 `json:"rows_served"`
	Zone     string `json:"zone,omitempty"`
	// MemoryNode is the number of the machine's memory node (NUMA) to whose cores the
	// process is bound; "" is none.
	MemoryNode string `json:"memory_node,omitempty"`
	// ExpertSeconds and RowSeconds are measured: what a batch takes for each distinct
	// expert in it, and for each row of an expert.
	ExpertSeconds float64 `json:"expert_seconds,omitempty"`
	RowSeconds    float64 `json:"row_seconds,omitempty"`
	RowsPerSecond float64 `json:"rows_per_second"`
	LoadError     string  `json:"load_error,omitempty"`
	// Silent says that gossip hears the node no more: it died, or its packets are lost.
	Silent  bool   `json:"silent,omitempty"`
	Fetched uint64 `json:"fetched_bytes,omitempty"` // of weights, from elsewhere than a directory
	Process
}

// Process is where a role runs. The zero value is not known.
type Process struct {
	Host string `json:"host,omitempty"`
	PID  int    `json:"pid,omitempty"` // on Host
	// Version names the build of its program.
	Version string `json:"version,omitempty"`
}

// RouterStatus is a router.
type RouterStatus struct {
	Router string `json:"router"`
	HTTP   string `json:"http"`
	GRPC   string `json:"grpc"`
	Acked  uint64 `json:"acked_epoch"`
	// Load is how many requests run and wait there.
	Load     uint32 `json:"load,omitempty"`
	Draining bool   `json:"draining,omitempty"`
	Process
}

// GatewayStatus is a gateway.
type GatewayStatus struct {
	Gateway string `json:"gateway"`
	HTTP    string `json:"http"`
	GRPC    string `json:"grpc"`
	// PassedOver are routers whose answers would not be those of the gateway's others.
	PassedOver []PassedOver `json:"passed_over,omitempty"`
	Process
}

// PassedOver is a router that gets no requests of a gateway.
type PassedOver struct {
	Router string `json:"router"`
	Why    string `json:"why"`
}

// ExpertStatus is the load of an expert.
type ExpertStatus struct {
	Layer         int      `json:"layer"`
	Expert        int      `json:"expert"`
	RowsPerSecond float64  `json:"rows_per_second"`
	TimesMean     float64  `json:"times_mean"`
	Nodes         []string `json:"nodes"`
}
