package status

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/hachi-serve/hachi/client"
	"github.com/hachi-serve/hachi/internal/coordinator/planner"
	"github.com/hachi-serve/hachi/internal/printable"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// Print prints a status for people: the state of the cluster first, then nodes,
// routers, placement and load.
func Print(out io.Writer, r client.Status) {
	printable.Fprintf(out, "%s\n", headline(r))
	if r.Degraded != "" {
		for _, why := range strings.Split(r.Degraded, "; ") {
			printable.Fprintf(out, "degraded: %s\n", why)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(r.Damaged)) {
		printable.Fprintf(out, "damaged: %s is passed over: %s\n", key, r.Damaged[key])
	}
	printNodes(out, r)
	printRouters(out, r)
	printGateways(out, r)
	if r.Epoch == 0 {
		return
	}
	fmt.Fprintln(out)
	if maxExperts(r) <= matrixExperts {
		printMatrix(out, r)
	} else {
		printShards(out, r)
	}
	printBusiest(out, r)
}

func headline(r client.Status) string {
	var parts []string
	if r.Epoch == 0 {
		parts = append(parts, "no placement is published yet")
	} else {
		parts = append(parts, fmt.Sprintf("epoch %d", r.Epoch))
	}
	if r.Policy != "" {
		parts = append(parts, fmt.Sprintf("%s placement", r.Policy), plural(int(r.Replicas), "replica", "replicas")+" of each expert")
	}
	switch {
	case r.Leader != "" && r.NoLeader != "":
		parts = append(parts, fmt.Sprintf("%s leads but does not answer: %s", r.Leader, r.NoLeader))
	case r.Leader != "":
		parts = append(parts, r.Leader+" leads")
	default:
		parts = append(parts, "no leader: placement is frozen")
	}
	if len(r.Standbys) > 0 {
		parts = append(parts, strings.Join(r.Standbys, " and ")+" standing by")
	}
	return strings.Join(parts, ", ")
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func printNodes(out io.Writer, r client.Status) {
	fmt.Fprintln(out)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	pid := pidColumn(r)
	printable.Fprintf(w, "NODE\t%sSTATE\tADDRESS\tBACKEND\tSERVING\tRESIDENT\tMIB\tROWS/S\tROWS\tEPOCH\n", pid("PID", client.Process{}))
	for _, n := range r.Nodes {
		printable.Fprintf(w, "%s\t%s%s\t%s\t%s\t%d\t%d\t%s\t%.0f\t%d\t%d\n",
			n.Node, pid("", n.Process), n.State, n.Addr, n.Backend, n.Serving, n.Resident, mebibytes(n), n.RowsPerSecond, n.Rows, n.Epoch)
	}
	if len(r.Nodes) == 0 {
		fmt.Fprintln(w, "none")
	}
	w.Flush()
	for _, n := range r.Nodes {
		if n.MemoryNode != "" {
			printable.Fprintf(out, "%s is bound to memory node %s of its machine.\n", n.Node, n.MemoryNode)
		}
		if n.Silent {
			printable.Fprintf(out, "%s is silent in the gossip: it died, or its packets are lost. Its record goes when its lease ends.\n", n.Node)
		}
		if n.LoadError != "" {
			printable.Fprintf(out, "%s cannot load: %s\n", n.Node, n.LoadError)
		}
		if n.State == stateNames[hachiv1.NodeState_NODE_STATE_LOADING] && n.Fetched > 0 {
			printable.Fprintf(out, "%s loads: %d experts are resident, %.1f MiB of weights were fetched\n", n.Node, n.Resident, float64(n.Fetched)/(1<<20))
		}
	}
}

func mebibytes(n client.NodeStatus) string {
	const mib = 1 << 20
	if n.Capacity == 0 {
		return fmt.Sprintf("%.1f", float64(n.Bytes)/mib)
	}
	return fmt.Sprintf("%.1f/%.1f", float64(n.Bytes)/mib, float64(n.Capacity)/mib)
}

// pidColumn writes the column of process ids, which count on this host only: the
// head, or the id of a process. Without a process of this host there is no such
// column.
func pidColumn(r client.Status) func(head string, p client.Process) printable.Raw {
	host, err := os.Hostname()
	local := func(p client.Process) bool { return err == nil && p.PID != 0 && p.Host == host }
	here := slices.ContainsFunc(r.Nodes, func(n client.NodeStatus) bool { return local(n.Process) }) ||
		slices.ContainsFunc(r.Routers, func(x client.RouterStatus) bool { return local(x.Process) }) ||
		slices.ContainsFunc(r.Gateways, func(x client.GatewayStatus) bool { return local(x.Process) })
	return func(head string, p client.Process) printable.Raw {
		switch {
		case !here:
			return ""
		case head != "":
			return printable.Raw(head + "\t")
		case local(p):
			return printable.Raw(strconv.Itoa(p.PID) + "\t")
		}
		return "-\t"
	}
}

func printRouters(out io.Writer, r client.Status) {
	fmt.Fprintln(out)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	pid := pidColumn(r)
	printable.Fprintf(w, "ROUTER\t%sHTTP\tGRPC\tACKED\n", pid("PID", client.Process{}))
	for _, router := range r.Routers {
		printable.Fprintf(w, "%s\t%s%s\t%s\t%d\n", router.Router, pid("", router.Process), router.HTTP, router.GRPC, router.Acked)
	}
	if len(r.Routers) == 0 {
		fmt.Fprintln(w, "none")
	}
	w.Flush()
}

// printGateways prints nothing where there are none: most clusters have one router.
func printGateways(out io.Writer, r client.Status) {
	if len(r.Gateways) == 0 {
		return
	}
	fmt.Fprintln(out)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	pid := pidColumn(r)
	printable.Fprintf(w, "GATEWAY\t%sHTTP\tGRPC\n", pid("PID", client.Process{}))
	for _, g := range r.Gateways {
		printable.Fprintf(w, "%s\t%s%s\t%s\n", g.Gateway, pid("", g.Process), g.HTTP, g.GRPC)
	}
	w.Flush()
	for _, g := range r.Gateways {
		for _, p := range g.PassedOver {
			fmt.Fprintf(out, "%s passes over %s: %s\n", g.Gateway, p.Router, p.Why)
		}
	}
}

// maxExperts is the number of experts of the widest layer.
func maxExperts(r client.Status) (n int) {
	for _, layer := range r.Placement {
		n = max(n, len(layer))
	}
	return n
}

// matrixExperts is how many experts fit beside one another.
const matrixExperts = 16

// printMatrix prints a line per run of layers that are placed alike, a column
// per expert.
func printMatrix(out io.Writer, r client.Status) {
	short := abbreviate(r)
	printable.Fprintf(out, "placement: nodes per expert, %sthe preferred first\n", short.legend)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "LAYERS")
	for expert := range maxExperts(r) {
		printable.Fprintf(w, "\tE%d", expert)
	}
	fmt.Fprintln(w)
	for first := 0; first < len(r.Placement); {
		last := sameAs(r.Placement, first)
		fmt.Fprint(w, span(first, last))
		if len(r.Placement[first]) == 0 {
			fmt.Fprint(w, "\tdense")
		}
		for _, nodes := range r.Placement[first] {
			printable.Fprintf(w, "\t%s", short.join(nodes))
		}
		fmt.Fprintln(w)
		first = last + 1
	}
	w.Flush()
}

// printShards prints, per node, runs of layers of which it serves the same
// experts.
func printShards(out io.Writer, r client.Status) {
	fmt.Fprintln(out, "placement: experts per node")
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NODE\tLAYERS\tEXPERTS")
	for _, n := range r.Nodes {
		served := make([]string, len(r.Placement))
		for layer, experts := range r.Placement {
			var ids []int
			for expert, nodes := range experts {
				if slices.Contains(nodes, n.Node) {
					ids = append(ids, expert)
				}
			}
			served[layer] = ranges(ids)
		}
		for first := 0; first < len(served); {
			last := first
			for last+1 < len(served) && served[last+1] == served[first] {
				last++
			}
			if served[first] != "" {
				printable.Fprintf(w, "%s\t%s\t%s\n", n.Node, span(first, last), served[first])
			}
			first = last + 1
		}
	}
	w.Flush()
}

// ranges writes ascending numbers: 0-3,7 and, with a step, 0-252 by 4.
func ranges(ids []int) string {
	var out []string
	for i := 0; i < len(ids); {
		step, j := 1, i
		if i+2 < len(ids) && ids[i+2]-ids[i+1] == ids[i+1]-ids[i] {
			step = ids[i+1] - ids[i]
		}
		for j+1 < len(ids) && ids[j+1] == ids[j]+step {
			j++
		}
		text := span(ids[i], ids[j])
		if step > 1 {
			text += fmt.Sprintf(" by %d", step)
		}
		out = append(out, text)
		i = j + 1
	}
	return strings.Join(out, ",")
}

func span(first, last int) string {
	if first == last {
		return fmt.Sprint(first)
	}
	return fmt.Sprintf("%d-%d", first, last)
}

// sameAs finds the last layer of the run that starts at first and is placed
// alike.
func sameAs(placement [][][]string, first int) int {
	last := first
	for last+1 < len(placement) && slices.EqualFunc(placement[last+1], placement[first], slices.Equal) {
		last++
	}
	return last
}

// abbreviation leaves out what all nodes' names begin with.
type abbreviation struct {
	prefix string
	legend string
}

func abbreviate(r client.Status) abbreviation {
	var names []string
	for _, layer := range r.Placement {
		for _, nodes := range layer {
			names = append(names, nodes...)
		}
	}
	slices.SortFunc(names, func(a, b string) int { return planner.Natural(moe.NodeID(a), moe.NodeID(b)) })
	names = slices.Compact(names)
	prefix := strings.TrimRight(names[0], "0123456789")
	for _, n := range names {
		if len(n) == len(prefix) || strings.TrimRight(n, "0123456789") != prefix {
			return abbreviation{}
		}
	}
	return abbreviation{prefix, fmt.Sprintf("N for %sN, ", prefix)}
}

func (a abbreviation) join(nodes []string) string {
	names := make([]string, len(nodes))
	for i, n := range nodes {
		names[i] = strings.TrimPrefix(n, a.prefix)
	}
	return strings.Join(names, ",")
}

// printBusiest names the experts that have the most to do.
func printBusiest(out io.Writer, r client.Status) {
	sum := 0.0
	for _, layer := range r.RowsPerSecond {
		for _, rows := range layer {
			sum += rows
		}
	}
	if sum == 0 {
		return
	}
	printable.Fprintf(out, "\nload: %.0f rows/s over %.3g s\n", sum, r.WindowSeconds)
	for _, e := range r.Busiest {
		printable.Fprintf(out, "busy: L%d/E%d %.0f rows/s, %.1f times the mean of its layer, on %s\n",
			e.Layer, e.Expert, e.RowsPerSecond, e.TimesMean, cmp.Or(strings.Join(e.Nodes, " "), "no node"))
	}
}
