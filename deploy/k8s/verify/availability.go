package verify

import (
	"slices"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// checkAvailability: what Kubernetes takes away at once leaves enough.
func (m *Manifests) checkAvailability(f *faults) {
	for _, w := range m.Workloads() {
		m.checkBudget(f, w)
		if m.plain() {
			checkOneMachine(f, w)
		} else {
			checkSpread(f, w)
			checkZones(f, w)
		}
		checkRollout(f, w)
	}
}

// needed is how many pods of a component must stay.
func needed(w Workload) int {
	if w.Component == "etcd" {
		return w.Replicas/2 + 1
	}
	return 1
}

func (m *Manifests) checkBudget(f *faults, w Workload) {
	var mine []*policyv1.PodDisruptionBudget
	for _, b := range m.Budgets {
		selector, err := metav1.LabelSelectorAsSelector(b.Spec.Selector)
		if err == nil && w.selects(selector) {
			mine = append(mine, b)
		}
	}
	if len(mine) != 1 {
		f.addf("%s has %d disruption budgets, want 1", w.Name, len(mine))
		return
	}
	spec := mine[0].Spec
	if spec.MaxUnavailable == nil || spec.MaxUnavailable.Type != intstr.Int || spec.MaxUnavailable.IntVal < 1 {
		f.addf("budget %s lets nothing go: want a number as maxUnavailable", mine[0].Name)
		return
	}
	away := int(spec.MaxUnavailable.IntVal)
	if left := w.Replicas - away; left < needed(w) && !(m.plain() && w.Replicas == 1) {
		f.addf("budget %s leaves %d of %d pods, %d are needed", mine[0].Name, left, w.Replicas, needed(w))
	}
	if text, _ := m.Workload("coordinator").Flag("replicas"); w.Component == "expertnode" && text != "" {
		if copies, err := strconv.Atoi(text); err != nil || copies <= away {
			f.addf("budget %s lets %d pods go, and every expert has %s copies", mine[0].Name, away, text)
		}
	}
}

// checkSpread: two pods of a component never share a machine.
func checkSpread(f *faults, w Workload) {
	a := w.Template.Spec.Affinity
	if a != nil && a.PodAntiAffinity != nil {
		for _, term := range a.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution {
			selector, err := metav1.LabelSelectorAsSelector(term.LabelSelector)
			if err == nil && w.selects(selector) && term.TopologyKey == corev1.LabelHostname {
				return
			}
		}
	}
	f.addf("%s: two of its pods may share a machine", w.Name)
}

// checkOneMachine: a cluster for trials has one machine.
func checkOneMachine(f *faults, w Workload) {
	if w.Template.Spec.Affinity != nil {
		f.addf("%s: its pods need more than one machine", w.Name)
	}
}

// checkZones: pods are spread over the zones, but not those that exchange rows in each
// layer, for which a zone is far from the next.
func checkZones(f *faults, w Workload) {
	spread := slices.ContainsFunc(w.Template.Spec.TopologySpreadConstraints, func(c corev1.TopologySpreadConstraint) bool {
		selector, err := metav1.LabelSelectorAsSelector(c.LabelSelector)
		return err == nil && w.selects(selector) && c.TopologyKey == corev1.LabelTopologyZone && c.WhenUnsatisfiable == corev1.ScheduleAnyway
	})
	if rows := w.Component == "expertnode" || w.Component == "router"; spread == rows {
		f.addf("%s: its pods are spread over zones: %t, want %t", w.Name, spread, !rows)
	}
}

// checkRollout: pods that become ready together start together. A rollout of a
// StatefulSet takes one pod at a time.
func checkRollout(f *faults, w Workload) {
	if w.Set.Spec.PodManagementPolicy != appsv1.ParallelPodManagement {
		f.addf("%s: its pods become ready together, so they must start together", w.Name)
	}
	if w.Set.Spec.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType {
		f.addf("%s: nothing rolls its pods", w.Name)
	}
}

// Grace is how long a pod gets after SIGTERM until it is killed: what is left
// of terminationGracePeriodSeconds after the preStop sleep.
func (w Workload) Grace() time.Duration {
	grace := int64(corev1.DefaultTerminationGracePeriodSeconds)
	if s := w.Template.Spec.TerminationGracePeriodSeconds; s != nil {
		grace = *s
	}
	if l := w.Container().Lifecycle; l != nil && l.PreStop != nil && l.PreStop.Sleep != nil {
		grace -= l.PreStop.Sleep.Seconds
	}
	return time.Duration(grace) * time.Second
}
