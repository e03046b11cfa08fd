package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/local"
	"github.com/hachi-serve/hachi/moe"
	"github.com/hachi-serve/hachi/moe/moepb"
)

func newStatus() *cobra.Command {
	var endpoints []string
	var cluster, dataDir string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "show nodes, placement and load",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			endpoints, err := findEtcd(endpoints, dataDir)
			if err != nil {
				return err
			}
			view, err := local.ReadView(cmd.Context(), endpoints, cluster)
			if err != nil {
				return err
			}
			if asJSON {
				encoder := json.NewEncoder(cmd.OutOrStdout())
				encoder.SetIndent("", "  ")
				return encoder.Encode(describe(view))
			}
			printView(cmd.OutOrStdout(), view)
			return nil
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&endpoints, "etcd", nil, "etcd endpoints, HOST:PORT,...; those of `hachi up` when empty")
	f.StringVar(&cluster, "cluster", local.DefaultCluster, "name of the cluster in etcd")
	f.StringVar(&dataDir, "data-dir", "", "data directory of `hachi up`; the one of its default --listen when empty")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// findEtcd falls back to the cluster that up runs on this machine.
func findEtcd(endpoints []string, dataDir string) ([]string, error) {
	if len(endpoints) > 0 {
		return endpoints, nil
	}
	if dataDir == "" {
		var err error
		if dataDir, err = local.DataDir(defaultListen); err != nil {
			return nil, err
		}
	}
	run, err := local.ReadRunFile(dataDir)
	if err != nil {
		return nil, err
	}
	return run.Etcd, nil
}

// statusReport is the JSON form of a view.
type statusReport struct {
	Epoch       uint64         `json:"epoch"`
	Fingerprint string         `json:"fingerprint,omitempty"`
	Nodes       []nodeReport   `json:"nodes"`
	Routers     []routerReport `json:"routers"`
	// Placement lists, per layer and expert, the nodes that serve it.
	Placement [][][]moe.NodeID `json:"placement,omitempty"`
	// Load counts rows sent per layer and expert since the routers started.
	Load [][]uint64 `json:"load,omitempty"`
}

type nodeReport struct {
	Node      string `json:"node"`
	Addr      string `json:"addr"`
	Backend   string `json:"backend"`
	Resident  int    `json:"resident_experts"`
	Bytes     uint64 `json:"resident_bytes"`
	Draining  bool   `json:"draining"`
	Epoch     uint64 `json:"epoch"`
	Rows      uint64 `json:"rows_served"`
	LoadError string `json:"load_error,omitempty"`
}

type routerReport struct {
	Router string `json:"router"`
	HTTP   string `json:"http"`
	GRPC   string `json:"grpc"`
	Acked  uint64 `json:"acked_epoch"`
}

func describe(v local.View) statusReport {
	report := statusReport{Nodes: []nodeReport{}, Routers: []routerReport{}}
	for _, n := range v.Nodes {
		shard, _ := moepb.ShardFromProto(n.GetResident())
		node := nodeReport{
			Node: n.GetNodeId(), Addr: n.GetAddr(), Backend: n.GetBackend(), Resident: len(shard),
			Bytes: uint64(len(shard)) * n.GetExpertBytes(), Draining: n.GetDraining(), Epoch: n.GetEpoch(),
			LoadError: n.GetLoadError(),
		}
		for _, rows := range n.GetRowsServed() {
			node.Rows += rows
		}
		report.Nodes = append(report.Nodes, node)
	}
	for _, r := range v.Routers {
		report.Routers = append(report.Routers, routerReport{r.GetRouterId(), r.GetHttpAddr(), r.GetGrpcAddr(), r.GetAckedEpoch()})
	}
	if v.Placement == nil {
		return report
	}
	report.Epoch, report.Fingerprint = uint64(v.Placement.Epoch()), string(v.Placement.Fingerprint())
	for layer := range v.Placement.Layers() {
		experts, load := make([][]moe.NodeID, v.Placement.Experts()), make([]uint64, v.Placement.Experts())
		for expert := range experts {
			for _, r := range v.Placement.Replicas(moe.ExpertID{Layer: layer, Expert: expert}) {
				experts[expert] = append(experts[expert], r.Node)
			}
			for _, r := range v.Routers {
				if i := layer*v.Placement.Experts() + expert; i < len(r.GetRowsSent()) {
					load[expert] += r.GetRowsSent()[i]
				}
			}
		}
		report.Placement, report.Load = append(report.Placement, experts), append(report.Load, load)
	}
	return report
}

// printView prints nodes, then the placement: a line per run of layers that
// are placed alike.
func printView(out io.Writer, v local.View) {
	report := describe(v)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NODE\tADDRESS\tBACKEND\tEXPERTS\tMIB\tROWS\tSTATE")
	for _, n := range report.Nodes {
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%.1f\t%d\t%s\n",
			n.Node, n.Addr, n.Backend, n.Resident, float64(n.Bytes)/(1<<20), n.Rows, nodeState(n))
	}
	w.Flush()
	if report.Epoch == 0 {
		fmt.Fprintln(out, "no placement is published yet")
		return
	}
	fmt.Fprintf(out, "\nplacement at epoch %d\n", report.Epoch)
	fmt.Fprintln(w, "LAYERS\tEXPERT\tNODES\tROWS")
	for first := 0; first < len(report.Placement); {
		last := sameAs(report.Placement, first)
		for expert, nodes := range report.Placement[first] {
			rows := uint64(0)
			for layer := first; layer <= last; layer++ {
				rows += report.Load[layer][expert]
			}
			fmt.Fprintf(w, "%d-%d\t%d\t%s\t%d\n", first, last, expert, joinNodes(nodes), rows)
		}
		first = last + 1
	}
	w.Flush()
}

func nodeState(n nodeReport) string {
	switch {
	case n.LoadError != "":
		return n.LoadError
	case n.Draining:
		return "draining"
	default:
		return "up"
	}
}

// sameAs finds the last layer of the run that starts at first and is placed
// alike.
func sameAs(placement [][][]moe.NodeID, first int) int {
	last := first
	for last+1 < len(placement) && fmt.Sprint(placement[last+1]) == fmt.Sprint(placement[first]) {
		last++
	}
	return last
}

func joinNodes(nodes []moe.NodeID) string {
	names := make([]string, len(nodes))
	for i, n := range nodes {
		names[i] = string(n)
	}
	return strings.Join(names, " ")
}
