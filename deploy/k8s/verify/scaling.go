package verify

import (
	"regexp"
	"slices"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// scaledObject is an autoscaler of KEDA.
type scaledObject struct {
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		ScaleTargetRef                   autoscalingv2.CrossVersionObjectReference
		MinReplicaCount, MaxReplicaCount *int32
		Triggers                         []struct {
			Type, MetricType string
			Metadata         map[string]string
		}
	}
}

// scaler changes how many pods a workload has.
type scaler struct {
	name, namespace string
	target          autoscalingv2.CrossVersionObjectReference
	least           int32
	resources       []corev1.ResourceName // whose use it follows
	queries         []string              // that name metrics of hachi
}

// scalers are the autoscalers, of Kubernetes and of KEDA.
func (m *Manifests) scalers() []scaler {
	var out []scaler
	for _, h := range m.Autoscalers {
		s := scaler{name: h.Name, namespace: h.Namespace, target: h.Spec.ScaleTargetRef, least: least(h.Spec.MinReplicas)}
		for _, by := range h.Spec.Metrics {
			switch {
			case by.Resource != nil:
				s.resources = append(s.resources, by.Resource.Name)
			case by.Pods != nil:
				s.queries = append(s.queries, by.Pods.Metric.Name)
			case by.External != nil:
				s.queries = append(s.queries, by.External.Metric.Name)
			}
		}
		out = append(out, s)
	}
	for _, o := range m.ScaledObjects {
		s := scaler{name: o.Name, namespace: o.Namespace, target: o.Spec.ScaleTargetRef, least: least(o.Spec.MinReplicaCount)}
		for _, by := range o.Spec.Triggers {
			switch by.Type {
			case "cpu", "memory":
				s.resources = append(s.resources, corev1.ResourceName(by.Type))
			case "prometheus":
				s.queries = append(s.queries, by.Metadata["query"])
			}
		}
		out = append(out, s)
	}
	return out
}

// least is how many pods there are at the least; rules ask for more than one.
func least(n *int32) int32 {
	if n == nil {
		return 1
	}
	return max(1, *n)
}

// scaledBy is the autoscaler of a StatefulSet; nil when there is none.
func (m *Manifests) scaledBy(set string) *scaler {
	all := m.scalers()
	i := slices.IndexFunc(all, func(s scaler) bool { return s.target.Name == set && s.target.Kind == "StatefulSet" })
	if i < 0 {
		return nil
	}
	return &all[i]
}

// checkScaling: an autoscaler scales a StatefulSet of the manifests by what that has.
// Other rules hold the number of pods that it begins with to what a cluster needs.
func (m *Manifests) checkScaling(f *faults) {
	scaled := map[string]bool{}
	for _, s := range m.scalers() {
		if scaled[s.target.Name] {
			f.addf("autoscaler %s: %s has two", s.name, s.target.Name)
		}
		scaled[s.target.Name] = true
		all := m.Workloads()
		i := slices.IndexFunc(all, func(w Workload) bool { return w.Name == s.target.Name && w.Namespace == s.namespace })
		if i < 0 || s.target.Kind != "StatefulSet" {
			f.addf("autoscaler %s: there is no %s %s", s.name, s.target.Kind, s.target.Name)
			continue
		}
		if all[i].Set.Spec.Replicas != nil {
			f.addf("autoscaler %s: each time that the manifests are applied, %s has %d pods again", s.name, s.target.Name, *all[i].Set.Spec.Replicas)
		}
		if len(s.resources)+len(metricsIn(s.queries)) == 0 {
			f.addf("autoscaler %s: it follows no number of hachi", s.name)
		}
		for _, r := range s.resources {
			if _, ok := all[i].Container().Resources.Requests[r]; !ok {
				f.addf("autoscaler %s: %s asks for no %s, of which it follows a share", s.name, s.target.Name, r)
			}
		}
	}
}

// identifier is the name of a metric, of a function or of a label.
var identifier = regexp.MustCompile(`[a-zA-Z_:][a-zA-Z0-9_:]*`)

// metricsIn are the metrics of hachi in queries. Names with a colon are those of rules.
func metricsIn(queries []string) []string {
	var out []string
	for _, q := range queries {
		for _, n := range identifier.FindAllString(q, -1) {
			if strings.HasPrefix(n, "hachi_") && !strings.Contains(n, ":") {
				out = append(out, n)
			}
		}
	}
	return out
}

// Metrics are the metrics of hachi that autoscalers and rules name.
func (m *Manifests) Metrics() []string {
	var out []string
	for _, s := range m.scalers() {
		out = append(out, metricsIn(s.queries)...)
	}
	for _, r := range m.Rules {
		for _, g := range r.Spec.Groups {
			for _, rule := range g.Rules {
				out = append(out, metricsIn([]string{string(rule.Expr)})...)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
