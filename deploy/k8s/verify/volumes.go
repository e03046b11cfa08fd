package verify

import (
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// modelMount is where the checkpoint is.
const modelMount = "/model"

// storePrefix begins the place of a model in an object store.
const storePrefix = "s3://"

// modelOf is the place of the model of a workload.
func (m *Manifests) modelOf(w Workload) string {
	if at, ok := w.Flag("model"); ok {
		return at
	}
	return m.variable(w, "HACHI_MODEL")
}

// variable is a variable of the first pod of a workload; "" when it has none.
func (m *Manifests) variable(w Workload, name string) string {
	env, err := m.Environment(Pod{Name: w.PodNames()[0], Workload: w})
	if err != nil {
		return "" // checkAddresses tells
	}
	return env[name]
}

// checkModel: the model is at its mount, or in a store that the pods reach with keys and
// keep in a cache.
func (m *Manifests) checkModel(f *faults, w Workload) {
	at := m.modelOf(w)
	switch {
	case strings.HasPrefix(at, storePrefix):
		if m.variable(w, "HACHI_MODEL_CREDENTIALS") == "" || m.variable(w, "AWS_REGION") == "" {
			f.addf("%s: it has no keys or no region for %s", w.Name, at)
		}
		if !m.admits(&w, networkingv1.PolicyTypeEgress, internet, storePort) {
			f.addf("%s: no policy lets it reach %s", w.Name, at)
		}
		m.checkCache(f, w)
	case at != modelMount && !(m.plain() && path.Dir(at) == modelMount):
		f.addf("%s: --model=%s, want %s", w.Name, at, modelMount)
	}
}

// checkCache: hachi keeps less in its cache than the kubelet evicts a pod for.
func (m *Manifests) checkCache(f *faults, w Workload) {
	dir := m.variable(w, "HACHI_WEIGHTS_CACHE")
	size, err := resource.ParseQuantity(m.variable(w, "HACHI_WEIGHTS_CACHE_SIZE"))
	volume := w.volumeAt(dir)
	if err != nil || volume == nil || volume.EmptyDir == nil || volume.EmptyDir.SizeLimit == nil {
		f.addf("%s: its cache %q has no bounds", w.Name, dir)
		return
	}
	if size.Cmp(*volume.EmptyDir.SizeLimit) >= 0 {
		f.addf("%s: a cache of %s in a volume of %s, beyond which the pod is evicted", w.Name, size.String(), volume.EmptyDir.SizeLimit.String())
	}
}

// volumeAt is the volume that a file is in; nil when it is in none of the pod.
func (w Workload) volumeAt(file string) *corev1.Volume {
	v, _ := w.mountAt(file)
	return v
}

// mountAt is volumeAt with how the volume is mounted.
func (w Workload) mountAt(file string) (*corev1.Volume, corev1.VolumeMount) {
	for _, mount := range w.Container().VolumeMounts {
		if file != mount.MountPath && !strings.HasPrefix(file, mount.MountPath+"/") {
			continue
		}
		i := slices.IndexFunc(w.Template.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == mount.Name })
		if i >= 0 {
			return &w.Template.Spec.Volumes[i], mount
		}
	}
	return nil, corev1.VolumeMount{}
}

// checkState: expert nodes remember their experts where a container that restarts finds
// them.
func (m *Manifests) checkState(f *faults) {
	experts := m.Workload("expertnode")
	dir, _ := experts.Flag("state-dir")
	switch volume, mount := experts.mountAt(dir); {
	case volume == nil || volume.EmptyDir == nil:
		f.addf("%s: --state-dir=%s is in no emptyDir", experts.Name, dir)
	case mount.ReadOnly:
		f.addf("%s: --state-dir=%s cannot be written", experts.Name, dir)
	}
}

// checkKinds: each volume is of a kind that has a rule. Those of Secrets and of claims are
// elsewhere.
func (m *Manifests) checkKinds(f *faults, w Workload) {
	for _, v := range w.Template.Spec.Volumes {
		switch {
		case v.Secret != nil || v.PersistentVolumeClaim != nil || v.Name == certificatesVolume:
		case v.Image != nil && v.Name == "model":
			if err := checkImage(v.Image.Reference); err != nil {
				f.addf("%s: the model: %w", w.Name, err)
			}
		case v.EmptyDir != nil && m.writes(w, v.Name):
			if v.EmptyDir.SizeLimit == nil {
				f.addf("%s: volume %s may fill the disk of its machine", w.Name, v.Name)
			}
		default:
			f.addf("%s: volume %s: no rule says what it is for", w.Name, v.Name)
		}
	}
}

// writes reports whether a flag or a variable of a workload names a file in a volume.
func (m *Manifests) writes(w Workload, volume string) bool {
	p := Pod{Name: w.PodNames()[0], Workload: w}
	env, err := m.Environment(p)
	if err != nil {
		return false
	}
	args, err := p.Arguments(env)
	if err != nil {
		return false
	}
	for _, value := range env {
		args = append(args, "="+value)
	}
	return slices.ContainsFunc(args, func(arg string) bool {
		_, file, _ := strings.Cut(arg, "=")
		v := w.volumeAt(file)
		return v != nil && v.Name == volume
	})
}

// unmapped reports whether a workload mounts a file system on which the kernel maps no
// users.
func (m *Manifests) unmapped(w Workload) bool {
	for _, v := range w.Template.Spec.Volumes {
		if v.PersistentVolumeClaim == nil {
			continue
		}
		for _, pv := range m.Volumes {
			ref := pv.Spec.ClaimRef
			if pv.Spec.NFS != nil && ref != nil && ref.Namespace == w.Namespace && ref.Name == v.PersistentVolumeClaim.ClaimName {
				return true
			}
		}
	}
	return false
}

// checkVolumesOfClaims: a volume that is made for a claim, and that claim, name one another.
func (m *Manifests) checkVolumesOfClaims(f *faults) {
	for _, pv := range m.Volumes {
		ref := pv.Spec.ClaimRef
		i := slices.IndexFunc(m.Claims, func(c *corev1.PersistentVolumeClaim) bool {
			return ref != nil && c.Name == ref.Name && c.Namespace == ref.Namespace
		})
		if i < 0 {
			f.addf("volume %s is for no claim", pv.Name)
			continue
		}
		c := m.Claims[i]
		if c.Spec.VolumeName != pv.Name || c.Spec.StorageClassName == nil || *c.Spec.StorageClassName != pv.Spec.StorageClassName {
			f.addf("claim %s does not take the volume %s", c.Name, pv.Name)
		}
		if size := pv.Spec.Capacity[corev1.ResourceStorage]; size.Cmp(c.Spec.Resources.Requests[corev1.ResourceStorage]) < 0 {
			f.addf("volume %s is smaller than the claim %s", pv.Name, c.Name)
		}
		if pv.Spec.NFS != nil && !pv.Spec.NFS.ReadOnly {
			f.addf("volume %s can be written", pv.Name)
		}
	}
}
