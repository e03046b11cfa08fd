package verify

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// mount lays the volumes of a pod below its root, as they are at the start of its
// container: a whole Secret changes with the Secret, a file of one does not.
func (k *kubelet) mount(t *testing.T, p Pod) {
	t.Helper()
	for _, mount := range p.Workload.Container().VolumeMounts {
		to := filepath.Join(k.dir, p.Name, mount.MountPath)
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(p.Workload.Template.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == mount.Name })
		var err error
		switch {
		case i < 0: // a claim of the pod's own, which stays
			err = os.MkdirAll(to, 0o700)
		case p.Workload.Template.Spec.Volumes[i].Secret == nil:
			err = link(k.model, to)
		default:
			from := filepath.Join(k.operator.secrets, p.Workload.Template.Spec.Volumes[i].Secret.SecretName)
			if key := keyOf(mount, p.Name); key == "" {
				err = link(from, to)
			} else {
				err = copyFile(filepath.Join(from, key), to)
			}
		}
		if err != nil {
			t.Fatalf("pod %s: volume %s: %v", p.Name, mount.Name, err)
		}
	}
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

// local replaces a path of a pod, behind the flag of an argument, by where it is on
// this machine.
func (k *kubelet) local(p Pod, text string) string {
	flag, value, found := strings.Cut(text, "=")
	if !found {
		flag, value = "", text
	} else {
		flag += "="
	}
	if !filepath.IsAbs(value) || !p.mounted(value) {
		return text
	}
	return flag + filepath.Join(k.dir, p.Name, value)
}

var hostFlag = regexp.MustCompile(`--host (\S+)`)

// hosts replaces the names that certificates are issued for by the addresses of the
// pods behind them: names are resolved before a process of this machine sees them.
func (k *kubelet) hosts(script string) string {
	return hostFlag.ReplaceAllStringFunc(script, func(flag string) string {
		name := strings.TrimSuffix(strings.TrimSuffix(hostFlag.FindStringSubmatch(flag)[1], ".svc"), ".hachi")
		out := []string{flag}
		for _, e := range k.names.hosts[name] {
			out = append(out, "--host "+e.pod.IP)
		}
		return strings.Join(out, " ")
	})
}
