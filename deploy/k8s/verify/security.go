package verify

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// checkSecurity holds every pod to the restricted Pod Security Standard, which
// the namespace also enforces, and to a little more.
func (m *Manifests) checkSecurity(f *faults) {
	for _, n := range m.Namespaces {
		if n.Labels[api.EnforceLevelLabel] != string(api.LevelRestricted) {
			f.addf("namespace %s does not enforce the restricted level", n.Name)
		}
	}
	for _, w := range m.Workloads() {
		checkStandard(f, w.Name, &w.Template.ObjectMeta, &w.Template.Spec)
		checkPodSecurity(f, w)
		m.checkUsers(f, w)
		for _, c := range slices.Concat(w.Template.Spec.InitContainers, w.Template.Spec.Containers) {
			if err := checkImage(c.Image); err != nil {
				f.addf("%s: %w", w.Name, err)
			}
			if s := c.SecurityContext; s == nil || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem {
				f.addf("%s: its root file system can be written", w.Name)
			}
		}
	}
}

// checkStandard asks the admission controller's own rules.
func checkStandard(f *faults, name string, meta *metav1.ObjectMeta, spec *corev1.PodSpec) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		f.addf("%s: %w", name, err)
		return
	}
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	for _, r := range evaluator.EvaluatePod(level, meta, spec) {
		if !r.Allowed {
			f.addf("%s: %s: %s", name, r.ForbiddenReason, r.ForbiddenDetail)
		}
	}
}

func checkPodSecurity(f *faults, w Workload) {
	spec := w.Template.Spec
	if spec.AutomountServiceAccountToken == nil || *spec.AutomountServiceAccountToken {
		f.addf("%s: it is given a token for the API server, which it never asks", w.Name)
	}
	if spec.EnableServiceLinks == nil || *spec.EnableServiceLinks {
		f.addf("%s: other Services' variables may be taken for its own", w.Name)
	}
	// The standard asks this of pods with the users of their machine only.
	if s := spec.SecurityContext; s == nil || s.RunAsNonRoot == nil || !*s.RunAsNonRoot {
		f.addf("%s: runAsNonRoot is not true", w.Name)
	}
	if s := spec.SecurityContext; s == nil || s.RunAsUser == nil || *s.RunAsUser == 0 {
		f.addf("%s: the user is not named by number", w.Name)
	}
	for _, v := range spec.Volumes {
		if claim := v.PersistentVolumeClaim; claim != nil && !claim.ReadOnly {
			f.addf("%s: volume %s can be written", w.Name, v.Name)
		}
	}
}

// checkUsers: the users of a pod are none of its machine's, unless it mounts what the
// kernel cannot map.
func (m *Manifests) checkUsers(f *faults, w Workload) {
	shared := w.Template.Spec.HostUsers == nil || *w.Template.Spec.HostUsers
	switch unmapped := m.unmapped(w); {
	case shared && !unmapped:
		f.addf("%s: its users are those of the machine", w.Name)
	case unmapped && !shared:
		f.addf("%s: it mounts NFS, on which the kernel maps no users", w.Name)
	}
}

// checkImage: what runs today runs tomorrow.
func checkImage(image string) error {
	name, tag, ok := cutLast(image, ":")
	if !ok || tag == "latest" || strings.Contains(tag, "/") || name == "" {
		return fmt.Errorf("image %q names no version", image)
	}
	return nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// quantity is a resource's limit in its base unit; zero when there is none.
func quantity(c *corev1.Container, name corev1.ResourceName) int64 {
	q := c.Resources.Limits[name]
	return q.Value()
}
