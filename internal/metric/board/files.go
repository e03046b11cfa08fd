package board

import "maps"

// Files are all that the table yields, by their paths from the root of the tree.
func Files() (map[string][]byte, error) {
	out := map[string][]byte{"docs/metrics.md": Page(), "deploy/monitoring/kustomization.yaml": kustomization()}
	one := func(path string, text []byte, err error) error {
		maps.Copy(out, map[string][]byte{path: text})
		return err
	}
	for _, d := range dashboards() {
		text, err := grafana(d)
		if err := one("deploy/monitoring/grafana/"+d.id+".json", text, err); err != nil {
			return nil, err
		}
		text, err = perses(d)
		if err := one("deploy/monitoring/perses/"+d.id+".yaml", text, err); err != nil {
			return nil, err
		}
	}
	text, err := rules()
	return out, one("deploy/monitoring/prometheusrule.yaml", text, err)
}
