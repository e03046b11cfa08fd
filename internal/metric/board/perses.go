package board

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// The model of a dashboard of Perses, as far as hachi uses it.
type (
	persesDashboard struct {
		Kind     string         `yaml:"kind"`
		Metadata persesMetadata `yaml:"metadata"`
		Spec     persesSpec     `yaml:"spec"`
	}
	persesMetadata struct {
		Name    string `yaml:"name"`
		Project string `yaml:"project"`
	}
	persesSpec struct {
		Display  persesDisplay          `yaml:"display"`
		Duration string                 `yaml:"duration"`
		Refresh  string                 `yaml:"refreshInterval"`
		Panels   map[string]persesPanel `yaml:"panels"`
		Layouts  []persesLayout         `yaml:"layouts"`
	}
	persesDisplay struct {
		Name        string `yaml:"name"`
		Description string `yaml:"description,omitempty"`
	}
	persesPanel struct {
		Kind string          `yaml:"kind"`
		Spec persesPanelSpec `yaml:"spec"`
	}
	persesPanelSpec struct {
		Display persesDisplay `yaml:"display"`
		Plugin  persesPlugin  `yaml:"plugin"`
		Queries []persesQuery `yaml:"queries"`
	}
	persesPlugin struct {
		Kind string `yaml:"kind"`
		Spec any    `yaml:"spec"`
	}
	persesQuery struct {
		Kind string `yaml:"kind"`
		Spec struct {
			Plugin persesPlugin `yaml:"plugin"`
		} `yaml:"spec"`
	}
	persesExpr struct {
		Query  string `yaml:"query"`
		Series string `yaml:"seriesNameFormat"`
	}
	persesFormat struct {
		Unit string `yaml:"unit"`
	}
	persesChart struct {
		Legend struct {
			Position string `yaml:"position"`
		} `yaml:"legend"`
		YAxis struct {
			Format persesFormat `yaml:"format"`
			Min    int          `yaml:"min"`
		} `yaml:"yAxis"`
	}
	persesStat struct {
		Calculation string       `yaml:"calculation"`
		Format      persesFormat `yaml:"format"`
	}
	persesLayout struct {
		Kind string           `yaml:"kind"`
		Spec persesLayoutSpec `yaml:"spec"`
	}
	persesLayoutSpec struct {
		Display struct {
			Title string `yaml:"title"`
		} `yaml:"display"`
		Items []persesItem `yaml:"items"`
	}
	persesItem struct {
		X       int               `yaml:"x"`
		Y       int               `yaml:"y"`
		Width   int               `yaml:"width"`
		Height  int               `yaml:"height"`
		Content map[string]string `yaml:"content"`
	}
)

var persesUnits = map[unit]string{unitNumber: "decimal", unitSeconds: "seconds", unitBytes: "bytes", unitShare: "percent-decimal", unitRate: "ops/sec"}

// perses renders a dashboard as YAML for the project hachi, whose default data source
// it reads.
func perses(d dashboard) ([]byte, error) {
	out := persesDashboard{Kind: "Dashboard", Metadata: persesMetadata{Name: d.id, Project: "hachi"}, Spec: persesSpec{
		Display: persesDisplay{Name: d.title, Description: d.about}, Duration: "1h", Refresh: "30s", Panels: map[string]persesPanel{},
	}}
	for i, r := range d.rows {
		layout := persesLayout{Kind: "Grid"}
		layout.Spec.Display.Title = r.title
		for j, p := range r.panels {
			name, at := fmt.Sprintf("%d_%d", i, j), placeOf(j, 0)
			out.Spec.Panels[name] = persesPanelOf(p)
			layout.Spec.Items = append(layout.Spec.Items, persesItem{at.X, at.Y, at.W, at.H, map[string]string{"$ref": "#/spec/panels/" + name}})
		}
		out.Spec.Layouts = append(out.Spec.Layouts, layout)
	}
	return yaml.Marshal(out)
}

func persesPanelOf(p panel) persesPanel {
	format := persesFormat{Unit: persesUnits[p.unit]}
	chart := persesChart{}
	chart.Legend.Position, chart.YAxis.Format = "bottom", format
	plugin := persesPlugin{Kind: "TimeSeriesChart", Spec: chart}
	if p.stat {
		plugin = persesPlugin{Kind: "StatChart", Spec: persesStat{Calculation: "last", Format: format}}
	}
	out := persesPanel{Kind: "Panel", Spec: persesPanelSpec{Display: persesDisplay{Name: p.title, Description: p.about}, Plugin: plugin}}
	for _, q := range p.queries {
		query := persesQuery{Kind: "TimeSeriesQuery"}
		query.Spec.Plugin = persesPlugin{Kind: "PrometheusTimeSeriesQuery", Spec: persesExpr{q.expr, q.legend}}
		out.Spec.Queries = append(out.Spec.Queries, query)
	}
	return out
}
