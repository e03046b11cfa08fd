package verify

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Names is the cluster's DNS as pods of one namespace see it.
type Names struct {
	hosts map[string][]endpoint
}

// endpoint is a pod behind a name; ports are those that the name offers.
type endpoint struct {
	pod   Pod
	ports map[int32]int32 // of the name: of the pod
}

// NamesOf gives a Service's name all its pods, and each pod of a StatefulSet
// POD.SERVICE below its governing Service.
func (m *Manifests) NamesOf(pods []Pod) Names {
	n := Names{hosts: map[string][]endpoint{}}
	for _, s := range m.Services {
		selector := labels.SelectorFromSet(s.Spec.Selector)
		for _, p := range pods {
			if !p.Workload.selects(selector) {
				continue
			}
			e := endpoint{p, map[int32]int32{}}
			for _, port := range s.Spec.Ports {
				if target, ok := targetPort(p, port); ok && headless(s) {
					e.ports[target] = target
				} else if ok {
					e.ports[port.Port] = target
				}
			}
			n.hosts[s.Name] = append(n.hosts[s.Name], e)
			if p.Workload.Set.Spec.ServiceName == s.Name && headless(s) {
				n.hosts[p.Name+"."+s.Name] = []endpoint{e}
			}
		}
	}
	return n
}

func headless(s *corev1.Service) bool { return s.Spec.ClusterIP == corev1.ClusterIPNone }

// targetPort finds the pod's port behind a Service's.
func targetPort(p Pod, port corev1.ServicePort) (int32, bool) {
	target := port.TargetPort
	if target == (intstr.IntOrString{}) {
		target = intstr.FromInt32(port.Port)
	}
	for _, c := range p.Workload.Container().Ports {
		matches := target.Type == intstr.Int && c.ContainerPort == target.IntVal || target.Type == intstr.String && c.Name == target.StrVal
		if matches && protocolOf(c.Protocol) == protocolOf(port.Protocol) {
			return c.ContainerPort, true
		}
	}
	return 0, false
}

// Dial is where a connection to a name's port ends: the first pod's address,
// for a Service with several.
func (n Names) Dial(host string, port int32) (string, error) {
	endpoints := n.hosts[host]
	if len(endpoints) == 0 {
		return "", fmt.Errorf("no Service gives the name %q to a pod", host)
	}
	target, ok := endpoints[0].ports[port]
	if !ok {
		return "", fmt.Errorf("the name %q has no port %d", host, port)
	}
	return fmt.Sprintf("%s:%d", endpoints[0].pod.IP, target), nil
}

var address = regexp.MustCompile(`([A-Za-z0-9][A-Za-z0-9.-]*):([0-9]+)`)

// Localize replaces every HOST:PORT of a text that a pod is given: names by
// where they lead, every interface by the pod's own.
func (n Names) Localize(p Pod, text string) (string, error) {
	var fault error
	local := address.ReplaceAllStringFunc(text, func(found string) string {
		parts := address.FindStringSubmatch(found)
		out, err := n.localize(p, parts[1], parts[2])
		if err != nil {
			fault = fmt.Errorf("pod %s: %q: %w", p.Name, text, err)
		}
		return out
	})
	return local, fault
}

func (n Names) localize(p Pod, host, digits string) (string, error) {
	number, err := strconv.ParseInt(digits, 10, 32)
	if err != nil {
		return "", err
	}
	port := int32(number)
	if host != "0.0.0.0" && host != p.IP {
		return n.Dial(host, port)
	}
	if !slices.ContainsFunc([]corev1.Protocol{corev1.ProtocolTCP, corev1.ProtocolUDP}, func(proto corev1.Protocol) bool { return p.containerPort(port, proto) }) {
		return "", fmt.Errorf("the container declares no port %d", port)
	}
	return fmt.Sprintf("%s:%d", p.IP, port), nil
}
