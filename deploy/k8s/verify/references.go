package verify

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// checkReferences follows every reference from one object to another.
func (m *Manifests) checkReferences(f *faults) {
	for _, w := range m.Workloads() {
		selector, err := metav1.LabelSelectorAsSelector(w.Selector)
		if err != nil || len(m.selected(selector)) != 1 {
			f.addf("%s: its selector does not pick its own pods alone", w.Name)
		}
		m.checkVolumes(f, w)
		m.checkKinds(f, w)
		m.checkFirst(f, w)
		checkProbes(f, w)
	}
	for _, s := range m.Services {
		m.checkService(f, s)
	}
	if len(m.Namespaces) != 1 {
		f.addf("%d namespaces, want the one that everything is in", len(m.Namespaces))
	}
}

func (m *Manifests) checkService(f *faults, s *corev1.Service) {
	picked := m.selected(labels.SelectorFromSet(s.Spec.Selector))
	if len(picked) != 1 {
		f.addf("Service %s picks the pods of %d workloads, want 1", s.Name, len(picked))
		return
	}
	for _, port := range s.Spec.Ports {
		if _, ok := targetPort(Pod{Workload: picked[0]}, port); !ok {
			f.addf("Service %s: port %s leads to %s, which %s does not declare", s.Name, port.Name, port.TargetPort.String(), picked[0].Name)
		}
	}
}

// checkVolumes: the claims that are mounted exist.
func (m *Manifests) checkVolumes(f *faults, w Workload) {
	for _, v := range w.Template.Spec.Volumes {
		if v.PersistentVolumeClaim == nil {
			continue
		}
		claim := v.PersistentVolumeClaim.ClaimName
		if !slices.ContainsFunc(m.Claims, func(c *corev1.PersistentVolumeClaim) bool { return c.Name == claim }) {
			f.addf("%s: there is no claim %q", w.Name, claim)
		}
	}
}

// checkFirst: before a pod for trials starts, it writes its model. No other has anything
// to do first.
func (m *Manifests) checkFirst(f *faults, w Workload) {
	for _, c := range w.Template.Spec.InitContainers {
		switch {
		case !m.plain():
			f.addf("%s: want one container, not %s before it", w.Name, c.Name)
		case len(c.Command) > 0 || !slices.Equal(c.Args[:min(3, len(c.Args))], []string{"model", "export", "mini"}):
			f.addf("%s: before it starts it runs %v %v, want the export of a model", w.Name, c.Command, c.Args)
		case c.Image != w.Container().Image:
			f.addf("%s: %s writes the model for %s", w.Name, c.Image, w.Container().Image)
		}
	}
}

// checkProbes: every container has all three, on ports that it declares, and
// what is asked of a live process does not depend on its cluster.
func checkProbes(f *faults, w Workload) {
	c := w.Container()
	for name, probe := range map[string]*corev1.Probe{"startup": c.StartupProbe, "liveness": c.LivenessProbe, "readiness": c.ReadinessProbe} {
		if probe == nil {
			f.addf("%s has no %s probe", w.Name, name)
		} else if _, ok := w.ProbePort(probe); !ok {
			f.addf("%s: the %s probe's port is not declared", w.Name, name)
		}
	}
	if p := c.LivenessProbe; p != nil && p.HTTPGet != nil && p.HTTPGet.Path == "/readyz" {
		f.addf("%s: a process that waits for others would be killed for it", w.Name)
	}
}

// ProbePort is the port of the container that a probe asks.
func (w Workload) ProbePort(p *corev1.Probe) (int32, bool) {
	var target intstr.IntOrString
	switch {
	case p.HTTPGet != nil:
		target = p.HTTPGet.Port
	case p.GRPC != nil:
		target = intstr.FromInt32(p.GRPC.Port)
	case p.TCPSocket != nil:
		target = p.TCPSocket.Port
	default:
		return 0, false
	}
	return targetPort(Pod{Workload: w}, corev1.ServicePort{TargetPort: target})
}
