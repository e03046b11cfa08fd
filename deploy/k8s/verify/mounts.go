package verify

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// mount lays the volumes of a pod below its root, as they are at the start of its
// container: a whole Secret changes with the Secret, a file of one does not.
func (r *Runner) mount(p Pod) error {
	for _, mount := range p.Workload.Container().VolumeMounts {
		to := filepath.Join(r.Dir, p.Name, mount.MountPath)
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return err
		}
		i := slices.IndexFunc(p.Workload.Template.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == mount.Name })
		var err error
		if i < 0 || p.claim(mount.Name) { // a claim of the pod's own, which stays
			err = os.MkdirAll(to, 0o700)
		} else {
			err = r.lay(p, p.Workload.Template.Spec.Volumes[i].VolumeSource, mount, to)
		}
		if err != nil {
			return fmt.Errorf("pod %s: volume %s: %w", p.Name, mount.Name, err)
		}
	}
	return nil
}

// lay makes what a volume mounts at a path of this machine.
func (r *Runner) lay(p Pod, v corev1.VolumeSource, mount corev1.VolumeMount, to string) error {
	switch {
	case v.EmptyDir != nil:
		return errors.Join(os.RemoveAll(to), os.MkdirAll(to, 0o700))
	case v.CSI != nil && v.CSI.Driver == certManagerDriver:
		return r.issue(p, v.CSI, to)
	case v.PersistentVolumeClaim != nil || v.Image != nil:
		return link(r.Model, to)
	case v.Secret == nil:
		return errors.New("nothing is known of its kind")
	}
	from := filepath.Join(r.Secrets, v.Secret.SecretName)
	if key := keyOf(mount, p.Name); key != "" {
		return copyFile(filepath.Join(from, key), to)
	}
	return link(from, to)
}

// claim reports whether a volume is of a claim of the pod's own.
func (p Pod) claim(volume string) bool {
	set := p.Workload.Set
	return set != nil && slices.ContainsFunc(set.Spec.VolumeClaimTemplates, func(c corev1.PersistentVolumeClaim) bool { return c.Name == volume })
}

// link makes a link to what exists.
func link(from, to string) error {
	if _, err := os.Stat(from); err != nil {
		return err
	}
	if err := os.Symlink(from, to); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

func copyFile(from, to string) error {
	raw, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, raw, 0o600)
}
