package board

import (
	"fmt"
	"strings"
)

// kustomization is the folder as manifests of Kubernetes take it: the rules, and each
// dashboard in a ConfigMap with the label by which the sidecar of Grafana finds it.
func kustomization() []byte {
	var b strings.Builder
	b.WriteString("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: hachi\nresources: [prometheusrule.yaml]\n")
	b.WriteString("generatorOptions:\n  disableNameSuffixHash: true\n  labels: {grafana_dashboard: \"1\"}\nconfigMapGenerator:\n")
	for _, d := range dashboards() {
		fmt.Fprintf(&b, "  - {name: grafana-%s, files: [grafana/%s.json]}\n", d.id, d.id)
	}
	return []byte(b.String())
}
