package verify

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Pod is one pod of a workload, at an address.
type Pod struct {
	Name     string
	IP       string
	Workload Workload
}

// Environment resolves the container's variables as a kubelet does.
func (m *Manifests) Environment(p Pod) (map[string]string, error) {
	out := map[string]string{}
	for _, from := range p.Workload.Container().EnvFrom {
		if from.ConfigMapRef == nil {
			return nil, fmt.Errorf("pod %s: envFrom is read from ConfigMaps alone", p.Name)
		}
		i := slices.IndexFunc(m.ConfigMaps, func(c *corev1.ConfigMap) bool { return c.Name == from.ConfigMapRef.Name })
		if i < 0 {
			return nil, fmt.Errorf("pod %s: there is no ConfigMap %q", p.Name, from.ConfigMapRef.Name)
		}
		for name, value := range m.ConfigMaps[i].Data {
			out[from.Prefix+name] = value
		}
	}
	for _, e := range p.Workload.Container().Env {
		value, err := p.value(e)
		if err != nil {
			return nil, err
		}
		out[e.Name] = value
	}
	return out, nil
}

func (p Pod) value(e corev1.EnvVar) (string, error) {
	if e.ValueFrom == nil {
		return e.Value, nil
	}
	if e.ValueFrom.FieldRef != nil {
		switch e.ValueFrom.FieldRef.FieldPath {
		case "metadata.name":
			return p.Name, nil
		case "metadata.namespace":
			return p.Workload.Namespace, nil
		case "status.podIP":
			return p.IP, nil
		}
	}
	return "", fmt.Errorf("pod %s: nothing says what the variable %s is", p.Name, e.Name)
}

var reference = regexp.MustCompile(`\$\(([A-Za-z_][A-Za-z0-9_]*)\)`)

// Arguments are the container's arguments with $(NAME) replaced. A kubelet
// leaves a reference to nothing as it is; here it is an error.
func (p Pod) Arguments(env map[string]string) ([]string, error) {
	var out []string
	var err error
	for _, arg := range p.Workload.Container().Args {
		expanded := reference.ReplaceAllStringFunc(arg, func(ref string) string {
			name := strings.TrimSuffix(strings.TrimPrefix(ref, "$("), ")")
			value, ok := env[name]
			if !ok {
				err = fmt.Errorf("pod %s: %s in %q refers to nothing", p.Name, ref, arg)
			}
			return value
		})
		out = append(out, expanded)
	}
	return out, err
}

// containerPort finds a port of the pod by number.
func (p Pod) containerPort(number int32, protocol corev1.Protocol) bool {
	return slices.ContainsFunc(p.Workload.Container().Ports, func(c corev1.ContainerPort) bool {
		return c.ContainerPort == number && protocolOf(c.Protocol) == protocol
	})
}

// protocolOf is what the API server makes of the field.
func protocolOf(p corev1.Protocol) corev1.Protocol {
	if p == "" {
		return corev1.ProtocolTCP
	}
	return p
}

// Pods lists all pods; address gives the one with an index its IP.
func (m *Manifests) Pods(address func(i int) string) []Pod {
	var out []Pod
	for _, w := range m.Workloads() {
		for _, name := range w.PodNames() {
			out = append(out, Pod{Name: name, IP: address(len(out)), Workload: w})
		}
	}
	return out
}
