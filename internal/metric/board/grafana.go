package board

import (
	"encoding/json"
	"fmt"
)

// The model of a dashboard of Grafana, as far as hachi uses it.
type (
	grafanaDashboard struct {
		UID           string            `json:"uid"`
		Title         string            `json:"title"`
		Description   string            `json:"description"`
		Tags          []string          `json:"tags"`
		SchemaVersion int               `json:"schemaVersion"`
		Editable      bool              `json:"editable"`
		Refresh       string            `json:"refresh"`
		Time          grafanaTime       `json:"time"`
		Templating    grafanaTemplating `json:"templating"`
		Annotations   grafanaNone       `json:"annotations"`
		Panels        []grafanaPanel    `json:"panels"`
	}
	grafanaTime struct {
		From string `json:"from"`
		To   string `json:"to"`
	}
	grafanaNone struct {
		List []struct{} `json:"list"`
	}
	grafanaTemplating struct {
		List []grafanaVariable `json:"list"`
	}
	grafanaVariable struct {
		Name       string         `json:"name"`
		Label      string         `json:"label"`
		Type       string         `json:"type"`
		Query      string         `json:"query,omitempty"`
		Datasource *grafanaSource `json:"datasource,omitempty"`
	}
	grafanaSource struct {
		Type string `json:"type"`
		UID  string `json:"uid"`
	}
	grafanaPanel struct {
		ID          int             `json:"id"`
		Type        string          `json:"type"`
		Title       string          `json:"title"`
		Description string          `json:"description,omitempty"`
		GridPos     grafanaGrid     `json:"gridPos"`
		Datasource  *grafanaSource  `json:"datasource,omitempty"`
		FieldConfig *grafanaFields  `json:"fieldConfig,omitempty"`
		Targets     []grafanaTarget `json:"targets,omitempty"`
		*grafanaRow                 // of the type row only
	}
	grafanaRow struct {
		Collapsed bool       `json:"collapsed"`
		Panels    []struct{} `json:"panels"` // those that a collapsed row hides
	}
	grafanaGrid struct {
		H int `json:"h"`
		W int `json:"w"`
		X int `json:"x"`
		Y int `json:"y"`
	}
	grafanaFields struct {
		Defaults  grafanaField `json:"defaults"`
		Overrides []struct{}   `json:"overrides"`
	}
	grafanaField struct {
		Unit string `json:"unit"`
		Min  *int   `json:"min,omitempty"`
	}
	grafanaTarget struct {
		RefID        string         `json:"refId"`
		Datasource   *grafanaSource `json:"datasource"`
		Expr         string         `json:"expr"`
		LegendFormat string         `json:"legendFormat"`
		Instant      bool           `json:"instant"`
		Range        bool           `json:"range"`
	}
)

var grafanaUnits = map[unit]string{unitNumber: "short", unitSeconds: "s", unitBytes: "bytes", unitShare: "percentunit", unitRate: "ops"}

// The grid is 24 wide; panels stand three in a line.
const (
	gridWidth   = 24
	panelWidth  = 8
	panelHeight = 8
)

// grafana renders a dashboard as JSON. Its reader chooses the data source, and may
// filter by any label, for one of several clusters.
func grafana(d dashboard) ([]byte, error) {
	source := &grafanaSource{Type: "prometheus", UID: "${datasource}"}
	out := grafanaDashboard{
		UID: d.id, Title: d.title, Description: d.about, Tags: []string{"hachi"}, SchemaVersion: 41, Editable: true, Refresh: "30s",
		Time: grafanaTime{From: "now-1h", To: "now"}, Annotations: grafanaNone{List: []struct{}{}},
		Templating: grafanaTemplating{List: []grafanaVariable{
			{Name: "datasource", Label: "Data source", Type: "datasource", Query: "prometheus"},
			{Name: "filters", Label: "Filters", Type: "adhoc", Datasource: source},
		}},
	}
	y := 0
	add := func(p grafanaPanel) {
		p.ID = len(out.Panels) + 1
		out.Panels = append(out.Panels, p)
	}
	for _, r := range d.rows {
		add(grafanaPanel{Type: "row", Title: r.title, GridPos: grafanaGrid{H: 1, W: gridWidth, Y: y}, grafanaRow: &grafanaRow{Panels: []struct{}{}}})
		y++
		for i, p := range r.panels {
			add(grafanaPanelOf(p, source, placeOf(i, y)))
		}
		y = placeOf(len(r.panels)-1, y).Y + panelHeight
	}
	text, err := json.MarshalIndent(out, "", "  ")
	return append(text, '\n'), err
}

// placeOf is the place of the panel with a number in a row that begins at y.
func placeOf(i, y int) grafanaGrid {
	columns := gridWidth / panelWidth
	return grafanaGrid{H: panelHeight, W: panelWidth, X: i % columns * panelWidth, Y: y + i/columns*panelHeight}
}

func grafanaPanelOf(p panel, source *grafanaSource, at grafanaGrid) grafanaPanel {
	zero := 0
	out := grafanaPanel{
		Type: "timeseries", Title: p.title, Description: p.about, GridPos: at, Datasource: source,
		FieldConfig: &grafanaFields{Defaults: grafanaField{Unit: grafanaUnits[p.unit], Min: &zero}, Overrides: []struct{}{}},
	}
	if p.stat {
		out.Type = "stat"
	}
	for i, q := range p.queries {
		out.Targets = append(out.Targets, grafanaTarget{
			RefID: fmt.Sprintf("%c", 'A'+i), Datasource: source, Expr: q.expr, LegendFormat: q.legend, Instant: p.stat, Range: !p.stat,
		})
	}
	return out
}
