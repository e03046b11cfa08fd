package verify

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// The Secrets that pods mount. The manifests make none: an operator makes them, as
// docs/kubernetes.md says.
const (
	certificatesSuffix = "-certificates" // behind the name of a workload
	gossipSecret       = "gossip-keys"
	keysSecret         = "api-keys"
	publicSecret       = "gateway-tls"
	storeSecret        = "store"
)

// Secrets are the keys of each Secret that the overlay needs, by its name. A
// workload's Secret has the certificate and the key of each of its pods.
func (m *Manifests) Secrets() map[string][]string {
	out := map[string][]string{}
	if m.plain() {
		return out
	}
	out[gossipSecret], out[keysSecret] = []string{"gossip.keys"}, []string{"admins.yaml", "clients.yaml"}
	for _, w := range m.Workloads() {
		if _, ok := w.Flag("http-certificates"); ok {
			out[publicSecret] = []string{"tls.crt", "tls.key"}
		}
		if m.variable(w, "HACHI_MODEL_CREDENTIALS") != "" {
			out[storeSecret] = []string{"credentials"}
		}
		if source := w.certificates(); source == nil || source.Secret == nil {
			continue
		}
		keys := []string{"ca.crt"}
		for _, pod := range w.PodNames() {
			keys = append(keys, pod+".crt", pod+".key")
		}
		out[w.Name+certificatesSuffix] = keys
	}
	return out
}

// secretsOf are the Secrets that the pods of a component need, and no other.
func (m *Manifests) secretsOf(w Workload) []string {
	out := []string{w.Name + certificatesSuffix}
	if w.Component != "etcd" {
		out = append(out, gossipSecret)
	}
	if servesClients(w.Component) {
		out = append(out, keysSecret)
	}
	if _, ok := w.Flag("http-certificates"); ok {
		out = append(out, publicSecret)
	}
	if m.variable(w, "HACHI_MODEL_CREDENTIALS") != "" {
		out = append(out, storeSecret)
	}
	return out
}

// checkSecrets: a pod sees the Secrets that it needs, its own keys only, and cannot
// write them. No pod sees the key of the authority, which is in no Secret.
func (m *Manifests) checkSecrets(f *faults) {
	known := m.Secrets()
	for _, w := range m.Workloads() {
		for _, v := range w.Template.Spec.Volumes {
			if v.Secret == nil {
				continue
			}
			name := v.Secret.SecretName
			keys, ok := known[name]
			switch {
			case !ok:
				f.addf("%s: nothing makes the Secret %q", w.Name, name)
			case !slices.Contains(m.secretsOf(w), name):
				f.addf("%s does not need the Secret %q", w.Name, name)
			}
			if mode := v.Secret.DefaultMode; mode == nil || *mode&^0o440 != 0 {
				f.addf("%s: the Secret %s can be read by every user of the pod, or written", w.Name, name)
			}
			if v.Secret.Optional != nil && *v.Secret.Optional {
				f.addf("%s starts without the Secret %s", w.Name, name)
			}
			checkSecretMounts(f, w, v, keys)
		}
		checkGroup(f, w)
	}
}

// checkSecretMounts: what is mounted is in the Secret, for every pod. Of a Secret
// with the keys of several pods, each pod mounts its own.
func checkSecretMounts(f *faults, w Workload, v corev1.Volume, keys []string) {
	for _, mount := range w.Container().VolumeMounts {
		if mount.Name != v.Name {
			continue
		}
		if !mount.ReadOnly {
			f.addf("%s: %s can be written", w.Name, mount.MountPath)
		}
		if mount.SubPath == "" && mount.SubPathExpr == "" {
			if strings.HasSuffix(v.Secret.SecretName, certificatesSuffix) {
				f.addf("%s: each of its pods sees the keys of all in %s", w.Name, mount.MountPath)
			}
			continue
		}
		if key := mount.SubPath; strings.HasSuffix(key, ".key") {
			f.addf("%s: its pods share the key %s", w.Name, key)
		}
		for _, pod := range w.PodNames() {
			if key := keyOf(mount, pod); !slices.Contains(keys, key) {
				f.addf("%s: the Secret %s has no key %q", w.Name, v.Secret.SecretName, key)
			}
		}
	}
}

// keyOf is the key of a Secret that a pod mounts as a file; "" is the whole Secret.
func keyOf(mount corev1.VolumeMount, pod string) string {
	if mount.SubPathExpr != "" {
		return strings.ReplaceAll(mount.SubPathExpr, "$(POD_NAME)", pod)
	}
	return mount.SubPath
}

// checkGroup: files of Secrets are root's; the user of the pod reads them by its
// group.
func checkGroup(f *faults, w Workload) {
	s := w.Template.Spec.SecurityContext
	if s == nil || s.RunAsGroup == nil {
		f.addf("%s: the group is not named by number", w.Name)
		return
	}
	secret := slices.ContainsFunc(w.Template.Spec.Volumes, func(v corev1.Volume) bool { return v.Secret != nil })
	if secret && (s.FSGroup == nil || *s.FSGroup != *s.RunAsGroup) {
		f.addf("%s: its group cannot read its Secrets", w.Name)
	}
}
