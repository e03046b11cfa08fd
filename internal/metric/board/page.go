package board

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/hachi-serve/hachi/internal/metric"
)

// use is one expression and where it stands.
type use struct{ where, expr string }

// uses are all expressions.
func uses() (out []use) {
	for _, d := range dashboards() {
		for _, r := range d.rows {
			for _, p := range r.panels {
				for _, q := range p.queries {
					out = append(out, use{strings.TrimPrefix(d.title, "hachi: ") + ": " + p.title, q.expr})
				}
			}
		}
	}
	for _, r := range recordings() {
		out = append(out, use{"`" + r.name + "`", r.expr})
	}
	for _, a := range alerts() {
		out = append(out, use{"[" + a.name + "](operations.md#" + a.anchor() + ")", a.expr})
	}
	return out
}

// usersOf are where a metric stands, each once.
func usersOf(d metric.Definition) (out []string) {
	name := regexp.MustCompile(`(^|[^\w:])(` + strings.Join(d.Series(), "|") + `)($|[^\w:])`)
	for _, u := range uses() {
		if name.MatchString(u.expr) && !slices.Contains(out, u.where) {
			out = append(out, u.where)
		}
	}
	return out
}

const pageHead = `# Metrics

Routers and gateways serve ` + "`/metrics`" + ` beside their HTTP API, and every process at its admin API (` + "`--admin-listen`" + `;
[operations.md](operations.md#admins)). This page, the dashboards and the rules are made from one table, ` + "`internal/metric`" + `:
` + "`go test ./internal/metric/board -update`" + ` writes them. A test compares the table with what a running cluster exports, and parses every expression.

| file | for |
|---|---|
| [deploy/monitoring/grafana](../deploy/monitoring/grafana) | dashboards to import into Grafana; the reader chooses the data source, and filters by any label |
| [deploy/monitoring/perses](../deploy/monitoring/perses) | the same for Perses: ` + "`percli apply -d deploy/monitoring/perses`" + ` |
| [deploy/monitoring/prometheusrule.yaml](../deploy/monitoring/prometheusrule.yaml) | recording and alert rules for the Prometheus operator; ` + "`spec`" + ` is a file of rules for Prometheus itself. Each alert links to [what the alerts say](operations.md#what-the-alerts-say) |

Panels name processes by the labels ` + "`job`" + ` and ` + "`instance`" + ` that Prometheus adds. A histogram has the series ` + "`_bucket`, `_sum` and `_count`" + `.
Beside these metrics, each process exports those of the Go runtime and of the process (` + "`go_*`, `process_*`" + `), of which the table lists what panels use.

`

// Page is docs/metrics.md.
func Page() []byte {
	var b strings.Builder
	b.WriteString(pageHead)
	b.WriteString("| metric | kind | unit | of | what | used by |\n|---|---|---|---|---|---|\n")
	for _, d := range metric.All() {
		name := d.Name
		if len(d.Labels) > 0 {
			name += "{" + strings.Join(d.Labels, ",") + "}"
		}
		of := "all"
		if len(d.Roles) < len(metric.Roles()) {
			names := make([]string, len(d.Roles))
			for i, r := range d.Roles {
				names[i] = string(r)
			}
			of = strings.Join(names, ", ")
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n", name, d.Kind, d.Unit, of, d.Help, strings.Join(usersOf(d), "; "))
	}
	return []byte(b.String())
}
