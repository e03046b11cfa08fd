package verify

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// httpRoute leads clients of a Gateway to a Service.
type httpRoute struct {
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		ParentRefs []struct{ Name string }
		Rules      []struct {
			BackendRefs []struct {
				Name string
				Port int32
			}
			Timeouts struct{ Request, BackendRequest string }
		}
	}
}

// backendTLSPolicy says how a Gateway knows the pods of a Service.
type backendTLSPolicy struct {
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		TargetRefs []struct{ Kind, Name, SectionName string }
		Validation struct {
			Hostname          string
			CACertificateRefs []struct{ Kind, Name string }
		}
	}
}

// checkRoutes: a route leads from a Gateway of the manifests to the gateways, over TLS
// that the Gateway verifies, and breaks no stream off.
func (m *Manifests) checkRoutes(f *faults) {
	for _, r := range m.Routes {
		for _, parent := range r.Spec.ParentRefs {
			if !slices.ContainsFunc(m.Gateways, func(g *named) bool { return g.Name == parent.Name && g.Namespace == r.Namespace }) {
				f.addf("route %s: there is no Gateway %q", r.Name, parent.Name)
			}
		}
		for _, rule := range r.Spec.Rules {
			if rule.Timeouts.Request != "0s" || rule.Timeouts.BackendRequest != "0s" {
				f.addf("route %s breaks off answers that take long", r.Name)
			}
			for _, to := range rule.BackendRefs {
				m.checkBackend(f, r, to.Name, to.Port)
			}
		}
	}
}

// checkBackend: what a route leads to is the API of gateways, and a policy verifies it.
func (m *Manifests) checkBackend(f *faults, r *httpRoute, service string, number int32) {
	for _, s := range m.Services {
		if s.Name != service || s.Namespace != r.Namespace || s.Spec.Selector[componentLabel] != "gateway" {
			continue
		}
		for _, port := range s.Spec.Ports {
			if port.Port == number {
				m.checkVerified(f, r.Name, service, port.Name)
				return
			}
		}
	}
	f.addf("route %s: gateways have no Service %s with the port %d", r.Name, service, number)
}

func (m *Manifests) checkVerified(f *faults, route, service, port string) {
	for _, b := range m.BackendTLS {
		for _, to := range b.Spec.TargetRefs {
			if to.Kind != "Service" || to.Name != service || to.SectionName != port {
				continue
			}
			if name := b.Spec.Validation.Hostname; !slices.Contains(hostsOf("gateway", ""), name) {
				f.addf("policy %s: no certificate of gateways has the name %q", b.Name, name)
			}
			if refs := b.Spec.Validation.CACertificateRefs; len(refs) != 1 || refs[0].Kind != "ConfigMap" || refs[0].Name != authorityConfigMap {
				f.addf("policy %s: want the authority of the ConfigMap %s", b.Name, authorityConfigMap)
			}
			return
		}
	}
	f.addf("route %s: nothing says how to verify the Service %s", route, service)
}

// authorityConfigMap has ca.crt. An operator makes it, as docs/kubernetes.md says.
const authorityConfigMap = "authority"
