package verify

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// edge is a port of a component that pods of another component reach.
type edge struct {
	from, to string
	port     int32
	protocol corev1.Protocol
}

// anywhere stands for clients outside the cluster.
const anywhere = "clients"

// edges are the connections that a cluster needs.
func edges() map[edge]bool {
	out := map[edge]bool{
		{"router", "expertnode", 7070, corev1.ProtocolTCP}: true, {"coordinator", "coordinator", 7071, corev1.ProtocolTCP}: true,
		{"etcd", "etcd", 2380, corev1.ProtocolTCP}: true, {"gateway", "router", 8081, corev1.ProtocolTCP}: true,
	}
	members := []string{"coordinator", "expertnode", "router", "gateway"}
	for _, from := range members {
		out[edge{from, "etcd", 2379, corev1.ProtocolTCP}] = true
		for _, to := range members {
			out[edge{from, to, 7946, corev1.ProtocolTCP}], out[edge{from, to, 7946, corev1.ProtocolUDP}] = true, true
		}
	}
	for _, from := range append(members, "etcd", anywhere) {
		for _, port := range []int32{8080, 8081} {
			out[edge{from, "gateway", port, corev1.ProtocolTCP}] = from == anywhere // the egress of pods does not lead there
		}
	}
	return out
}

// checkEdges walks every pair of components and every declared port: the policies
// allow exactly what a cluster needs.
func (m *Manifests) checkEdges(f *faults) {
	wanted := edges()
	for _, to := range m.Workloads() {
		for _, port := range to.Container().Ports {
			for _, from := range append(components, anywhere) {
				e := edge{from, to.Component, port.ContainerPort, port.Protocol}
				if e.protocol == "" {
					e.protocol = corev1.ProtocolTCP
				}
				allowed, err := m.allows(e, to.Template.Labels)
				if err != nil {
					f.addf("%w", err)
				}
				if allowed != wanted[e] {
					f.addf("policies: %s to %s at port %d/%s: allowed %t, want %t", e.from, e.to, e.port, e.protocol, allowed, wanted[e])
				}
			}
		}
	}
}

// allows reports whether both ends of an edge may use it.
func (m *Manifests) allows(e edge, to labels.Set) (bool, error) {
	var from labels.Set // nil is a client outside
	if w := m.Workload(e.from); w != nil {
		from = w.Template.Labels
	}
	in, err := m.passes(to, networkingv1.PolicyTypeIngress, from, e)
	if err != nil || !in || from == nil {
		return in, err
	}
	return m.passes(from, networkingv1.PolicyTypeEgress, to, e)
}

// passes reports whether the policies of one pod let it talk to another in a
// direction. A pod that no policy of the direction selects talks to all.
func (m *Manifests) passes(pod labels.Set, direction networkingv1.PolicyType, other labels.Set, e edge) (bool, error) {
	selected := false
	for _, p := range m.Policies {
		matches, err := selects(&p.Spec.PodSelector, pod)
		if err != nil {
			return false, fmt.Errorf("policy %s: %w", p.Name, err)
		}
		if !matches || !has(p.Spec.PolicyTypes, direction) {
			continue
		}
		selected = true
		for _, r := range rulesOf(p, direction) {
			if fits(r.peers, r.ports, other, e) {
				return true, nil
			}
		}
	}
	return !selected, nil
}

// rule is one of a policy, in one direction.
type rule struct {
	peers []networkingv1.NetworkPolicyPeer
	ports []networkingv1.NetworkPolicyPort
}

func rulesOf(p *networkingv1.NetworkPolicy, direction networkingv1.PolicyType) []rule {
	var out []rule
	if direction == networkingv1.PolicyTypeIngress {
		for _, r := range p.Spec.Ingress {
			out = append(out, rule{r.From, r.Ports})
		}
		return out
	}
	for _, r := range p.Spec.Egress {
		out = append(out, rule{r.To, r.Ports})
	}
	return out
}

func has(types []networkingv1.PolicyType, one networkingv1.PolicyType) bool {
	for _, t := range types {
		if t == one {
			return true
		}
	}
	return false
}

// fits reports whether a rule names the port and the other end. No peer is every
// peer; a peer of another namespace is none of ours.
func fits(peers []networkingv1.NetworkPolicyPeer, ports []networkingv1.NetworkPolicyPort, other labels.Set, e edge) bool {
	at := len(ports) == 0
	for _, p := range ports {
		at = at || p.Port != nil && p.Port.IntVal == e.port && p.Protocol != nil && *p.Protocol == e.protocol
	}
	if len(peers) == 0 {
		return at
	}
	for _, p := range peers {
		if matches, err := selects(p.PodSelector, other); at && p.NamespaceSelector == nil && other != nil && err == nil && matches {
			return true
		}
	}
	return false
}

func selects(by *metav1.LabelSelector, pod labels.Set) (bool, error) {
	selector, err := metav1.LabelSelectorAsSelector(by)
	return err == nil && selector.Matches(pod), err
}
