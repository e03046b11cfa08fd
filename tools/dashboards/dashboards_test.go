package dashboards

import (
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	grafana "github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"

	"github.com/hachi-serve/hachi/internal/metric"
)

const folder = "../../deploy/monitoring/"

var promql = parser.NewParser(parser.Options{})

// scraped are the labels that Prometheus adds.
var scraped = []string{"job", "instance"}

// allowed are the series that expressions may name, and their labels: those of the table,
// and what the rules record.
func allowed(t *testing.T, recorded *rulefmt.RuleGroups) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for _, d := range metric.All() {
		for _, series := range d.Series() {
			out[series] = slices.Concat(d.Labels, scraped)
			if strings.HasSuffix(series, "_bucket") {
				out[series] = append(out[series], "le")
			}
		}
	}
	for _, g := range recorded.Groups {
		for _, r := range g.Rules {
			if r.Record != "" {
				level, _, _ := strings.Cut(r.Record, ":")
				out[r.Record] = []string{level}
			}
		}
	}
	return out
}

// check parses an expression and looks up each of its series and labels.
func check(t *testing.T, where, expr string, allowed map[string][]string) {
	t.Helper()
	tree, err := promql.ParseExpr(strings.ReplaceAll(expr, "$__rate_interval", "5m"))
	if err != nil {
		t.Errorf("%s: %s: %v", where, expr, err)
		return
	}
	known, named := map[string]bool{}, 0
	parser.Inspect(tree, func(n parser.Node, _ []parser.Node) error {
		v, ok := n.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		named++
		if allowed[v.Name] == nil {
			t.Errorf("%s: %s: no process exports %s", where, expr, v.Name)
		}
		for _, l := range allowed[v.Name] {
			known[l] = true
		}
		for _, m := range v.LabelMatchers {
			if m.Name != labels.MetricName && !slices.Contains(allowed[v.Name], m.Name) {
				t.Errorf("%s: %s: %s has no label %s", where, expr, v.Name, m.Name)
			}
		}
		return nil
	})
	if named == 0 {
		t.Errorf("%s: %s names no metric", where, expr)
	}
	parser.Inspect(tree, func(n parser.Node, _ []parser.Node) error {
		if a, ok := n.(*parser.AggregateExpr); ok {
			for _, l := range a.Grouping {
				if !known[l] {
					t.Errorf("%s: %s: no metric in it has the label %s", where, expr, l)
				}
			}
		}
		return nil
	})
}

// loadRules reads the PrometheusRule, whose spec is what Prometheus reads.
func loadRules(t *testing.T) *rulefmt.RuleGroups {
	t.Helper()
	raw, err := os.ReadFile(folder + "prometheusrule.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var object struct {
		APIVersion string            `yaml:"apiVersion"`
		Kind       string            `yaml:"kind"`
		Metadata   map[string]string `yaml:"metadata"`
		Spec       yaml.Node         `yaml:"spec"`
	}
	if err := yaml.Unmarshal(raw, &object); err != nil {
		t.Fatal(err)
	}
	if object.APIVersion != "monitoring.coreos.com/v1" || object.Kind != "PrometheusRule" || object.Metadata["name"] == "" {
		t.Errorf("%s %s %v", object.APIVersion, object.Kind, object.Metadata)
	}
	spec, err := yaml.Marshal(&object.Spec)
	if err != nil {
		t.Fatal(err)
	}
	groups, faults := rulefmt.Parse(spec, false, model.LegacyValidation, promql, slog.New(slog.DiscardHandler))
	for _, err := range faults {
		t.Error(err)
	}
	if groups == nil || len(groups.Groups) == 0 {
		t.Fatal("there are no rules")
	}
	return groups
}

// TestPrometheusReadsTheRules: the rules load, and every expression names series that a
// cluster exports. An alert has a severity, a summary and a runbook.
func TestPrometheusReadsTheRules(t *testing.T) {
	groups := loadRules(t)
	series := allowed(t, groups)
	for _, g := range groups.Groups {
		for _, r := range g.Rules {
			check(t, r.Record+r.Alert, r.Expr, series)
			if r.Alert != "" && (r.Labels["severity"] == "" || r.Annotations["summary"] == "" || r.Annotations["runbook_url"] == "") {
				t.Errorf("%s: labels %v, annotations %v", r.Alert, r.Labels, r.Annotations)
			}
		}
	}
}

// TestGrafanaReadsTheDashboards: each has Grafana's schema, and every expression names
// series that a cluster exports.
func TestGrafanaReadsTheDashboards(t *testing.T) {
	runtime := cog.NewRuntime()
	runtime.RegisterPanelcfgVariant(timeseries.VariantConfig())
	runtime.RegisterPanelcfgVariant(stat.VariantConfig())
	runtime.RegisterDataqueryVariant(grafana.VariantConfig())
	series := allowed(t, loadRules(t))
	for _, path := range glob(t, "grafana/*.json") {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var d dashboard.Dashboard
		if err := fault(d.UnmarshalJSONStrict(raw)); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if err := fault(d.Validate()); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		var queries struct {
			Panels []struct {
				Title   string
				Targets []struct{ Expr, LegendFormat string }
			}
		}
		if err := json.Unmarshal(raw, &queries); err != nil {
			t.Fatal(err)
		}
		for _, p := range queries.Panels {
			for _, q := range p.Targets {
				check(t, path+": "+p.Title, q.Expr, series)
			}
		}
	}
}

// TestPersesPanelsAreLaidOut: each panel once, with expressions that resolve. Perses's own
// schema is in no module that can be had.
func TestPersesPanelsAreLaidOut(t *testing.T) {
	series := allowed(t, loadRules(t))
	for _, path := range glob(t, "perses/*.yaml") {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var d struct {
			Kind string
			Spec struct {
				Panels map[string]struct {
					Kind string
					Spec struct {
						Display struct{ Name string }
						Plugin  struct{ Kind string }
						Queries []struct {
							Kind string
							Spec struct {
								Plugin struct {
									Kind string
									Spec struct{ Query string }
								}
							}
						}
					}
				}
				Layouts []struct {
					Kind string
					Spec struct {
						Items []struct{ Content map[string]string }
					}
				}
			}
		}
		if err := yaml.Unmarshal(raw, &d); err != nil {
			t.Fatal(err)
		}
		laid := map[string]int{}
		for _, l := range d.Spec.Layouts {
			for _, i := range l.Spec.Items {
				laid[strings.TrimPrefix(i.Content["$ref"], "#/spec/panels/")]++
			}
		}
		for _, name := range slices.Sorted(maps.Keys(d.Spec.Panels)) {
			p := d.Spec.Panels[name]
			if laid[name] != 1 || len(p.Spec.Queries) == 0 {
				t.Errorf("%s: panel %s is laid out %d times and has %d queries", path, name, laid[name], len(p.Spec.Queries))
			}
			for _, q := range p.Spec.Queries {
				check(t, path+": "+p.Spec.Display.Name, q.Spec.Plugin.Spec.Query, series)
			}
		}
		if len(laid) != len(d.Spec.Panels) || d.Kind != "Dashboard" {
			t.Errorf("%s: %s of %d panels, %d are laid out", path, d.Kind, len(d.Spec.Panels), len(laid))
		}
	}
}

// fault is an error of Grafana's schema, which has an empty list of them where there is
// none.
func fault(err error) error {
	var all cog.BuildErrors
	if errors.As(err, &all) && len(all) == 0 {
		return nil
	}
	return err
}

// glob lists files; none is a fault.
func glob(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(folder + pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s: %v, %v", pattern, paths, err)
	}
	return paths
}
