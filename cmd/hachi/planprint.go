package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/hachi-serve/hachi/internal/printable"
	"github.com/hachi-serve/hachi/internal/role"
	"github.com/hachi-serve/hachi/internal/sizing"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// plan is a dry run, as --json prints it.
type plan struct {
	Policy   string        `json:"policy"`
	Replicas uint32        `json:"replicas"`
	Bytes    uint64        `json:"bytes"`   // that nodes load
	Seconds  float64       `json:"seconds"` // of the node that loads longest; 0 when no speed was measured
	Before   planScore     `json:"before"`
	After    planScore     `json:"after"`
	Nodes    []plannedNode `json:"nodes"`
	Moves    []plannedMove `json:"moves"`
	Notes    []string      `json:"notes"`
}

type planScore struct {
	StepSeconds float64 `json:"step_seconds"` // 0 when no speed or load was measured
	Imbalance   float64 `json:"imbalance"`
	WorstLayer  uint32  `json:"worst_layer"`
	Busiest     string  `json:"busiest"`
}

type plannedNode struct {
	Node          string  `json:"node"`
	Zone          string  `json:"zone,omitempty"`
	ExpertsBefore uint32  `json:"experts_before"`
	ExpertsAfter  uint32  `json:"experts_after"`
	Bytes         uint64  `json:"bytes"`
	Capacity      uint64  `json:"capacity_bytes"` // 0 is no limit
	LoadBytes     uint64  `json:"load_bytes"`
	LoadSeconds   float64 `json:"load_seconds"`
}

type plannedMove struct {
	Expert string `json:"expert"`
	From   string `json:"from,omitempty"`
	To     string `json:"to,omitempty"`
	Why    string `json:"why"`
}

func describePlan(r *hachiv1.PlanPlacementResponse) plan {
	score := func(s *hachiv1.PlanScore) planScore {
		return planScore{StepSeconds: s.GetStepSeconds(), Imbalance: s.GetImbalance(), WorstLayer: s.GetWorstLayer(), Busiest: s.GetBusiestNode()}
	}
	out := plan{
		Policy: r.GetPolicy(), Replicas: r.GetReplicas(), Before: score(r.GetBefore()), After: score(r.GetAfter()),
		Nodes: []plannedNode{}, Moves: []plannedMove{}, Notes: append([]string{}, r.GetNotes()...),
	}
	for _, n := range r.GetNodes() {
		out.Bytes += n.GetLoadBytes()
		out.Seconds = max(out.Seconds, n.GetLoadSeconds())
		out.Nodes = append(out.Nodes, plannedNode{
			Node: n.GetNodeId(), Zone: n.GetZone(), ExpertsBefore: n.GetExpertsBefore(), ExpertsAfter: n.GetExpertsAfter(),
			Bytes: n.GetBytes(), Capacity: n.GetCapacityBytes(), LoadBytes: n.GetLoadBytes(), LoadSeconds: n.GetLoadSeconds(),
		})
	}
	for _, m := range r.GetMoves() {
		out.Moves = append(out.Moves, plannedMove{Expert: fmt.Sprintf("L%d/E%d", m.GetLayer(), m.GetExpert()), From: m.GetFrom(), To: m.GetTo(), Why: m.GetWhy()})
	}
	return out
}

// seconds is a measured time; 0 is not known.
func seconds(s float64) string {
	if s == 0 {
		return "unknown"
	}
	return fmt.Sprintf("%.3g s", s)
}

func mebibytes(bytes uint64) string { return fmt.Sprintf("%.1f", float64(bytes)/(1<<20)) }

// printPlan prints a dry run. The moves of one reason are one line, unless all are
// asked for.
func printPlan(out io.Writer, p plan, all bool) error {
	printable.Fprintf(out, "%s placement, %d replicas: %d changes, %s MiB to load, %s\n", p.Policy, p.Replicas, len(p.Moves), mebibytes(p.Bytes), seconds(p.Seconds))
	for _, note := range p.Notes {
		printable.Fprintf(out, "note: %s\n", note)
	}
	printable.Fprintf(out, "busiest node of a layer: %.2f times the average now, %.2f after\n", p.Before.Imbalance, p.After.Imbalance)
	printable.Fprintf(out, "experts of a step: %s now, %s after\n\n", seconds(p.Before.StepSeconds), seconds(p.After.StepSeconds))
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NODE\tZONE\tEXPERTS\tAFTER\tMIB\tLOADS MIB\tSECONDS")
	for _, n := range p.Nodes {
		size := mebibytes(n.Bytes)
		if n.Capacity > 0 {
			size += "/" + mebibytes(n.Capacity)
		}
		printable.Fprintf(w, "%s\t%s\t%d\t%d\t%s\t%s\t%s\n", n.Node, n.Zone, n.ExpertsBefore, n.ExpertsAfter, size, mebibytes(n.LoadBytes), seconds(n.LoadSeconds))
	}
	if len(p.Moves) > 0 {
		fmt.Fprintln(w, "\nEXPERTS\tFROM\tTO\tWHY")
	}
	for _, m := range grouped(p.Moves, all) {
		printable.Fprintf(w, "%s\t%s\t%s\t%s\n", m.Expert, m.From, m.To, m.Why)
	}
	return w.Flush()
}

// grouped counts the moves between two nodes for one reason.
func grouped(moves []plannedMove, all bool) []plannedMove {
	if all {
		return moves
	}
	counts := map[plannedMove]int{}
	var order []plannedMove
	for _, m := range moves {
		m.Expert = ""
		if counts[m]++; counts[m] == 1 {
			order = append(order, m)
		}
	}
	for i, m := range order {
		order[i].Expert = fmt.Sprint(counts[m])
	}
	return order
}

// printSizing prints whether machines can serve a model.
func printSizing(out io.Writer, r sizing.Report) error {
	answer := map[bool]string{true: "yes", false: "no"}
	printable.Fprintf(out, "%s on %d nodes, %s placement: %s\n", r.Model, len(r.Nodes), r.Policy, answer[r.Fits])
	printable.Fprintf(out, "%d experts of %s MiB; %d replicas need %s MiB, the nodes have room for %s MiB\n",
		r.Experts, mebibytes(uint64(r.ExpertBytes)), r.Replicas, mebibytes(uint64(r.NeededBytes)), mebibytes(uint64(r.RoomBytes)))
	for _, note := range r.Notes {
		printable.Fprintf(out, "note: %s\n", note)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nNODE\tZONE\tEXPERTS\tCAPACITY\tMEMORY\tITS DEATH")
	for _, n := range r.Nodes {
		death := "survived"
		if !n.Survives {
			death = "experts without a place"
		}
		printable.Fprintf(w, "%s\t%s\t%d\t%d\t%s\t%s\n", n.Node, n.Zone, n.Experts, n.Capacity, role.Size(n.Bytes), death)
	}
	if len(r.Speeds) == 0 {
		fmt.Fprintln(w, "\nspeed: unknown; give every node its bandwidth")
		return w.Flush()
	}
	fmt.Fprintln(w, "\nBATCH\tEXPERTS OF A STEP\tTOKENS/S AT MOST\tSLOWEST")
	for _, s := range r.Speeds {
		printable.Fprintf(w, "%d\t%s\t%.1f\t%s\n", s.Batch, seconds(s.StepSeconds), s.TokensPerSecond, s.Busiest)
	}
	return w.Flush()
}
