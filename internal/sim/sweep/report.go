package sweep

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Report are the cells of a sweep.
type Report struct {
	Goal     float64 `json:"goal_tokens_per_second_of_a_user,omitempty"`
	Cells    []Cell  `json:"cells"`
	Measured []Cell  `json:"measured,omitempty"`

	file *File
}

// Figures are those of the file.
func (r *Report) Figures() []Figure { return r.file.Figures }

// WriteCSV writes a line for each cell.
func (r *Report) WriteCSV(out io.Writer) error {
	w := csv.NewWriter(out)
	head := append(slices.Clone(dimensions), "routers", "failed", "tokens_per_s", "tokens_per_s_user", "ttft_p50_ms", "ttft_p99_ms", "itl_p50_ms", "itl_p99_ms",
		"step_ms", "attention_ms", "wire_ms", "slowest_expert_ms", "wait_ms", "head_ms", "rows", "distinct_experts", "node_memory_bytes", "rejected", "usd_per_hour", "usd_per_million_tokens")
	if err := w.Write(head); err != nil {
		return err
	}
	for _, c := range r.Cells {
		var row []string
		for _, dim := range dimensions {
			row = append(row, c.value(dim))
		}
		row = append(row, strconv.Itoa(c.Routers), c.Failed)
		s := c.Steps
		for _, v := range []float64{
			c.Throughput, c.PerUser, c.FirstP50, c.FirstP99, c.GapP50, c.GapP99, s.Total, s.Attention, s.Wire, s.Experts, s.Wait, s.Head, s.Rows, c.Distinct,
			float64(c.Memory), float64(c.Rejected), c.HourPrice, c.Cost,
		} {
			row = append(row, number(v))
		}
		if err := w.Write(row); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

// number has four digits, or those of a large whole number.
func number(v float64) string {
	if v >= 1e4 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}

// WriteText writes for people what answers hold.
func (r *Report) WriteText(out io.Writer) {
	failed := 0
	for _, c := range r.Cells {
		if c.Failed != "" {
			failed++
		}
	}
	fmt.Fprintf(out, "%d cells, %d of them without room\n\n", len(r.Cells), failed)
	for _, row := range r.answers() {
		fmt.Fprintln(out, strings.Join(row, "\t")+"\t")
	}
}

// WriteAnswers writes the answers as a table of Markdown.
func (r *Report) WriteAnswers(out io.Writer) error {
	for i, row := range r.answers() {
		if _, err := fmt.Fprintf(out, "| %s |\n", strings.Join(row, " | ")); err != nil {
			return err
		}
		if i == 0 {
			if _, err := fmt.Fprintln(out, "|"+strings.Repeat("---|", len(row))); err != nil {
				return err
			}
		}
	}
	return nil
}

// answers say for each load how many nodes serve it, what that costs and where its time
// goes, and from where on more nodes do not pay.
func (r *Report) answers() [][]string {
	out := [][]string{{"cluster", "format", "load", "nodes", "routers", "tokens/s", "ITL p50 / p99, ms", "USD per million tokens", "most of a step", "best throughput, 5 % less, from"}}
	if r.Goal > 0 {
		out[0][3], out[0][5] = "fewest nodes", "tokens/s of a user"
	}
	for _, line := range r.lines() {
		best, enough, fewest := line[0], line[0], (*Cell)(nil)
		for i, c := range line {
			if c.Throughput > best.Throughput {
				best = c
			}
			if fewest == nil && r.Goal > 0 && c.PerUser >= r.Goal {
				fewest = &line[i]
			}
		}
		for i := len(line) - 1; i >= 0; i-- {
			if line[i].Throughput >= 0.95*best.Throughput {
				enough = line[i]
			}
		}
		out = append(out, r.answer(best, enough, fewest))
	}
	return out
}

// answer is one row: of the fewest nodes that serve, or of the best there are.
func (r *Report) answer(best, enough Cell, fewest *Cell) []string {
	nodes, c := strconv.Itoa(best.Nodes), best
	if r.Goal > 0 {
		nodes = fmt.Sprintf("none; best is %d", best.Nodes)
	}
	if fewest != nil {
		nodes, c = strconv.Itoa(fewest.Nodes), *fewest
	}
	head := []string{c.Cluster, c.Format, number(c.Load)}
	if c.Failed != "" {
		return append(head, "none", "", "", "", "", c.Failed, "")
	}
	speed, cost := c.Throughput, ""
	if r.Goal > 0 {
		speed = c.PerUser
	}
	if c.Cost > 0 {
		cost = fmt.Sprintf("%.3g", c.Cost)
	}
	return append(head, nodes, strconv.Itoa(c.Routers), fmt.Sprintf("%.3g", speed), fmt.Sprintf("%.3g / %.3g", c.GapP50, c.GapP99), cost, c.limit(), fmt.Sprintf("%d nodes", enough.Nodes))
}

// lines are the cells that differ in their nodes only, by nodes.
func (r *Report) lines() (out [][]Cell) {
	at := map[Setting]int{}
	for _, c := range r.Cells {
		key := c.Setting
		key.Nodes = 0
		i, ok := at[key]
		if !ok {
			i = len(out)
			at[key] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], c)
	}
	return out
}
