package status

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/hachi-serve/hachi/client"
	"github.com/hachi-serve/hachi/internal/coordinator/planner"
	"github.com/hachi-serve/hachi/internal/moepb"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// TestTables prints clusters of every size.
func TestTables(t *testing.T) {
	datadriven.RunTest(t, "testdata/tables", func(t *testing.T, d *datadriven.TestData) string {
		c := shown{policy: planner.Policy(d.Cmd)}
		for flag, value := range map[string]*int{"nodes": &c.nodes, "layers": &c.layers, "experts": &c.experts, "replicas": &c.replicas} {
			d.ScanArgs(t, flag, value)
		}
		v, seen := c.build(t)
		var why error
		for _, a := range d.CmdArgs {
			switch a.Key {
			case "degraded":
				seen.Degraded = strings.Join(a.Vals, "; ")
			case "damaged":
				v.Damaged = map[string]string{"/hachi/c/nodes/" + a.Vals[0]: "the record is not signed", "/hachi/c/drains/n": "no number"}
			case "silent":
				seen, why = nil, errors.New("coordinator at 10.0.0.9:7071: connection refused")
			case "leaderless":
				v.Coordinators, seen, why = nil, nil, ErrNoLeader
			case "gateways":
				for i := range 2 {
					v.Gateways = append(v.Gateways, &hachiv1.GatewayRecord{GatewayId: fmt.Sprint("gateway-", i), HttpAddr: "10.0.0.7:8080", GrpcAddr: "10.0.0.7:8081"})
				}
			case "dead":
				seen.Nodes[0].Silent = true
			case "unplaced":
				v.Placement, seen.RowsPerSecond = nil, nil
			}
		}
		var out bytes.Buffer
		Print(&out, Describe(v, seen, why))
		return out.String()
	})
}

// shown is a cluster to be shown.
type shown struct {
	policy                           planner.Policy
	nodes, layers, experts, replicas int
}

func (c shown) build(t *testing.T) (View, *hachiv1.GetStatusResponse) {
	t.Helper()
	in := planner.Input{Policy: c.policy, Topology: moe.Uniform(c.layers, c.experts), Replicas: c.replicas}
	for i := range c.nodes {
		in.Nodes = append(in.Nodes, planner.Node{ID: moe.NodeID(fmt.Sprint("expert-", i)), Capacity: -1})
	}
	seen := &hachiv1.GetStatusResponse{Policy: string(c.policy), Replicas: uint32(c.replicas), WindowSeconds: 60}
	var sent []uint64
	for i := range c.layers * c.experts {
		rows := 100 + 37*(i*i%11)
		sent = append(sent, uint64(60*rows))
		seen.RowsPerSecond = append(seen.RowsPerSecond, float64(rows))
		if c.policy == planner.Balanced {
			in.Load = append(in.Load, float64(rows))
		}
	}
	plan := planner.Compute(in)
	v := View{
		Routers: []*hachiv1.RouterRecord{{RouterId: "router-0", HttpAddr: "10.0.0.8:8080", GrpcAddr: "10.0.0.8:8081", AckedEpoch: 12}},
		Loads:   []*hachiv1.RouterLoad{{RouterId: "router-0", RowsSent: sent}},
		Coordinators: []*hachiv1.CoordinatorRecord{
			{CoordinatorId: "coordinator-1", Addr: "10.0.0.9:7071"}, {CoordinatorId: "coordinator-0", Addr: "10.0.0.10:7071"},
		},
	}
	table := make([][]moe.Replica, c.layers*c.experts)
	for i, n := range in.Nodes {
		shard := plan.Shards[n.ID]
		addr := fmt.Sprintf("10.0.1.%d:7070", i)
		for _, id := range shard {
			at := id.Layer*c.experts + id.Expert
			table[at] = append(table[at], moe.Replica{Node: n.ID, Addr: addr})
		}
		record := &hachiv1.NodeRecord{
			NodeId: string(n.ID), Addr: addr, Backend: "cpu", Resident: moepb.ShardToProto(shard), ExpertBytes: 336 << 20, Epoch: 12,
			CapacityBytes: 80 * 336 << 20, RowsServed: 1000 + uint64(i),
		}
		v.Nodes = append([]*hachiv1.NodeRecord{record}, v.Nodes...) // in any order
		seen.Nodes = append(seen.Nodes, &hachiv1.NodeStatus{Record: record, State: hachiv1.NodeState_NODE_STATE_SERVING})
	}
	var err error
	if v.Placement, err = moe.NewPlacement(12, "fp", moe.Uniform(c.layers, c.experts), table); err != nil {
		t.Fatal(err)
	}
	return v, seen
}

func TestRanges(t *testing.T) {
	for want, ids := range map[string][]int{
		"": nil, "3": {3}, "3-4": {3, 4}, "0-3,7": {0, 1, 2, 3, 7}, "0-12 by 4": {0, 4, 8, 12}, "1,5-6": {1, 5, 6}, "0-4 by 2,5": {0, 2, 4, 5},
	} {
		if got := ranges(ids); got != want {
			t.Errorf("%v is %q, want %q", ids, got, want)
		}
	}
}

// TestTextsOfRecordsMakeNoLines: a record is written by its process, which may be
// hostile.
func TestTextsOfRecordsMakeNoLines(t *testing.T) {
	const forged = "x\nexpert-1\tserving\x1b[2J"
	r := client.Status{
		Leader: forged, Standbys: []string{forged}, NoLeader: forged, Policy: forged, Degraded: forged, Epoch: 1,
		Damaged:   map[string]string{forged: forged},
		Nodes:     []client.NodeStatus{{Node: forged, State: forged, Addr: forged, Backend: forged, LoadError: forged, Zone: forged, MemoryNode: forged}},
		Routers:   []client.RouterStatus{{Router: forged, HTTP: forged, GRPC: forged}},
		Gateways:  []client.GatewayStatus{{Gateway: forged, HTTP: forged, GRPC: forged}},
		Placement: [][][]string{{{forged}}}, RowsPerSecond: [][]float64{{1}},
		Busiest: []client.ExpertStatus{{Nodes: []string{forged}}},
	}
	var out strings.Builder
	Print(&out, r)
	for line := range strings.Lines(out.String()) {
		if strings.HasPrefix(line, "expert-1") {
			t.Errorf("a forged line: %q", line)
		}
	}
	r.Placement = [][][]string{make([][]string, matrixExperts+1)}
	r.Placement[0][0] = []string{forged}
	out.Reset()
	if Print(&out, r); strings.Contains(out.String(), "\nexpert-1") {
		t.Errorf("forged lines: %q", out.String())
	}
}
