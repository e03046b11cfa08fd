package verify

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// dns answers for the names of the cluster.
var dns = networkingv1.NetworkPolicyPeer{
	NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: "kube-system"}},
	PodSelector:       &metav1.LabelSelector{MatchLabels: map[string]string{"k8s-app": "kube-dns"}},
}

const dnsPort = 53

// internet is every address: that of a store may change.
var internet = networkingv1.NetworkPolicyPeer{IPBlock: &networkingv1.IPBlock{CIDR: "0.0.0.0/0"}}

const storePort = 443

// outsider is a peer outside of the namespace, and the ports at which rules may name it.
type outsider struct {
	what      string
	peer      networkingv1.NetworkPolicyPeer
	direction networkingv1.PolicyType
	ports     map[int32]bool
}

// outsiders are those that the manifests need.
func (m *Manifests) outsiders() []outsider {
	out := []outsider{{fmt.Sprintf("port %d of the cluster's DNS only", dnsPort), dns, networkingv1.PolicyTypeEgress, map[int32]bool{dnsPort: true}}}
	if ports := m.scraped(); len(ports) > 0 {
		out = append(out, outsider{"a port of a monitor for the scraper", scraper, networkingv1.PolicyTypeIngress, ports})
	}
	if slices.ContainsFunc(m.Workloads(), func(w Workload) bool { return strings.HasPrefix(m.modelOf(w), storePrefix) }) {
		out = append(out, outsider{"the port of a store", internet, networkingv1.PolicyTypeEgress, map[int32]bool{storePort: true}})
	}
	return out
}

// checkRules: a rule names ports that the pods have, and leads out of the namespace
// to what the manifests need only. checkEdges shows the rest.
func (m *Manifests) checkRules(f *faults) {
	ports := map[string]bool{}
	for _, w := range m.Workloads() {
		for _, p := range w.Container().Ports {
			ports[fmt.Sprintf("%d/%s", p.ContainerPort, protocolOf(p.Protocol))] = true
		}
	}
	known := m.outsiders()
	for _, p := range m.Policies {
		for _, direction := range []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress} {
			for _, r := range rulesOf(p, direction) {
				if direction == networkingv1.PolicyTypeEgress && len(r.peers) == 0 {
					f.addf("policy %s: pods may call everywhere", p.Name)
				}
				checkRule(f, p.Name, r, direction, known, ports)
			}
		}
	}
}

func checkRule(f *faults, name string, r rule, direction networkingv1.PolicyType, known []outsider, declared map[string]bool) {
	if len(r.ports) == 0 {
		f.addf("policy %s: a rule allows every port", name)
	}
	outside := slices.ContainsFunc(r.peers, func(p networkingv1.NetworkPolicyPeer) bool { return p.NamespaceSelector != nil || p.IPBlock != nil })
	for _, p := range r.ports {
		if p.Port == nil || p.Protocol == nil || p.EndPort != nil {
			f.addf("policy %s: a rule names no single port", name)
			continue
		}
		needed := slices.ContainsFunc(known, func(o outsider) bool {
			return len(r.peers) == 1 && reflect.DeepEqual(r.peers[0], o.peer) && direction == o.direction && o.ports[p.Port.IntVal]
		})
		switch port := fmt.Sprintf("%s/%s", p.Port, *p.Protocol); {
		case outside && !needed:
			var want []string
			for _, o := range known {
				want = append(want, o.what)
			}
			f.addf("policy %s: port %s of another namespace, want %s", name, port, strings.Join(want, ", or "))
		case !outside && !declared[port]:
			f.addf("policy %s: no pod has the port %s", name, port)
		}
	}
}
