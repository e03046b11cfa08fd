package verify

import (
	"fmt"
	"reflect"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// dns is the one peer outside the namespace, and the one port of it.
var dns = networkingv1.NetworkPolicyPeer{
	NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: "kube-system"}},
	PodSelector:       &metav1.LabelSelector{MatchLabels: map[string]string{"k8s-app": "kube-dns"}},
}

const dnsPort = 53

// checkRules: a rule names ports that the pods have, and leads out of the namespace
// to the names of the cluster only. checkEdges shows the rest.
func (m *Manifests) checkRules(f *faults) {
	ports := map[string]bool{}
	for _, w := range m.Workloads() {
		for _, p := range w.Container().Ports {
			ports[fmt.Sprintf("%d/%s", p.ContainerPort, protocolOf(p.Protocol))] = true
		}
	}
	for _, p := range m.Policies {
		for _, r := range p.Spec.Ingress {
			checkRule(f, p.Name, r.From, r.Ports, ports)
		}
		for _, r := range p.Spec.Egress {
			if len(r.To) == 0 {
				f.addf("policy %s: pods may call everywhere", p.Name)
			}
			checkRule(f, p.Name, r.To, r.Ports, ports)
		}
	}
}

func checkRule(f *faults, name string, peers []networkingv1.NetworkPolicyPeer, at []networkingv1.NetworkPolicyPort, declared map[string]bool) {
	if len(at) == 0 {
		f.addf("policy %s: a rule allows every port", name)
	}
	outside := slices.ContainsFunc(peers, func(p networkingv1.NetworkPolicyPeer) bool { return p.NamespaceSelector != nil || p.IPBlock != nil })
	for _, p := range at {
		if p.Port == nil || p.Protocol == nil || p.EndPort != nil {
			f.addf("policy %s: a rule names no single port", name)
			continue
		}
		switch port := fmt.Sprintf("%s/%s", p.Port, *p.Protocol); {
		case outside && (len(peers) != 1 || !reflect.DeepEqual(peers[0], dns) || p.Port.IntVal != dnsPort):
			f.addf("policy %s: port %s of another namespace, want port %d of the cluster's DNS only", name, port, dnsPort)
		case !outside && !declared[port]:
			f.addf("policy %s: no pod has the port %s", name, port)
		}
	}
}
