package verify

import (
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// Workload is a StatefulSet: a number of pods made from one template, whose names
// stay, so that certificates can name them.
type Workload struct {
	Name      string
	Namespace string
	Component string // app.kubernetes.io/component of its pods
	Replicas  int    // the least, of one that is scaled
	Selector  *metav1.LabelSelector
	Template  *corev1.PodTemplateSpec
	Set       *appsv1.StatefulSet
}

const componentLabel = "app.kubernetes.io/component"

// Workloads lists all of them, in order of their documents.
func (m *Manifests) Workloads() []Workload {
	var out []Workload
	for _, s := range m.StatefulSets {
		n := replicas(s.Spec.Replicas)
		if by := m.scaledBy(s.Name); by != nil && s.Spec.Replicas == nil {
			n = int(by.least)
		}
		out = append(out, Workload{
			Name: s.Name, Namespace: s.Namespace, Component: s.Spec.Template.Labels[componentLabel], Replicas: n,
			Selector: s.Spec.Selector, Template: &s.Spec.Template, Set: s,
		})
	}
	return out
}

// Workload finds the workload of a component; nil when there is none.
func (m *Manifests) Workload(component string) *Workload {
	for _, w := range m.Workloads() {
		if w.Component == component {
			return &w
		}
	}
	return nil
}

// replicas is what the API server makes of the field.
func replicas(n *int32) int {
	if n == nil {
		return 1
	}
	return int(*n)
}

// Container is the workload's only container.
func (w Workload) Container() *corev1.Container { return &w.Template.Spec.Containers[0] }

// PodNames are the names of its pods.
func (w Workload) PodNames() []string {
	names := make([]string, w.Replicas)
	for i := range names {
		names[i] = fmt.Sprintf("%s-%d", w.Name, i)
	}
	return names
}

// selects reports whether a selector picks the workload's pods.
func (w Workload) selects(selector labels.Selector) bool {
	return !selector.Empty() && selector.Matches(labels.Set(w.Template.Labels))
}

// selected lists the workloads whose pods a selector picks.
func (m *Manifests) selected(selector labels.Selector) []Workload {
	var out []Workload
	for _, w := range m.Workloads() {
		if w.selects(selector) {
			out = append(out, w)
		}
	}
	return out
}

// Flag is the value of --name=value among the arguments of the container.
func (w Workload) Flag(name string) (string, bool) {
	for _, arg := range w.Container().Args {
		if value, ok := strings.CutPrefix(arg, "--"+name+"="); ok {
			return value, true
		}
	}
	return "", false
}
