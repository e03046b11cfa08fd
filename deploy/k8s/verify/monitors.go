package verify

import (
	"encoding/json"
	"reflect"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// podMonitor says how Prometheus reads the metrics of pods.
type podMonitor struct {
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Selector            metav1.LabelSelector
		PodMetricsEndpoints []scrapedPort
	}
}

type scrapedPort struct {
	Port, Scheme, Path string
	TLSConfig          *struct {
		ServerName string
		CA, Cert   struct{ Secret *corev1.SecretKeySelector }
		KeySecret  *corev1.SecretKeySelector
	}
}

// prometheusRule has rules and alerts.
type prometheusRule struct {
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Groups []struct {
			Rules []struct{ Expr expression }
		}
	}
}

// expression is a text, or a number.
type expression string

// UnmarshalJSON implements json.Unmarshaler.
func (e *expression) UnmarshalJSON(raw []byte) error {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		text = string(raw)
	}
	*e = expression(text)
	return nil
}

// scraper is the pod that reads metrics.
var scraper = networkingv1.NetworkPolicyPeer{
	NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: "monitoring"}},
	PodSelector:       &metav1.LabelSelector{MatchLabels: map[string]string{"app.kubernetes.io/name": "prometheus"}},
}

// scraperSecret has the certificate of an operator, by which Prometheus may read.
const scraperSecret = "scraper"

var scraperKeys = []string{"ca.crt", "tls.crt", "tls.key"}

// monitored is the workload of a monitor; nil when it is not one.
func (m *Manifests) monitored(p *podMonitor) *Workload {
	selector, err := metav1.LabelSelectorAsSelector(&p.Spec.Selector)
	if err != nil {
		return nil
	}
	if found := m.selected(selector); len(found) == 1 {
		return &found[0]
	}
	return nil
}

// portNamed is the number of a port of the container.
func (w Workload) portNamed(name string) (int32, bool) {
	for _, p := range w.Container().Ports {
		if p.Name == name {
			return p.ContainerPort, true
		}
	}
	return 0, false
}

// scraped are the ports that monitors name.
func (m *Manifests) scraped() map[int32]bool {
	out := map[int32]bool{}
	for _, p := range m.Monitors {
		if w := m.monitored(p); w != nil {
			for _, e := range p.Spec.PodMetricsEndpoints {
				if port, ok := w.portNamed(e.Port); ok {
					out[port] = true
				}
			}
		}
	}
	return out
}

// checkMonitors: with monitoring, every component is read once, at a port that it has,
// by a scraper that the policies let in and that both sides know.
func (m *Manifests) checkMonitors(f *faults) {
	read := map[string]int{}
	for _, p := range m.Monitors {
		w := m.monitored(p)
		if w == nil || w.Namespace != p.Namespace {
			f.addf("monitor %s reads the pods of no workload, or of several", p.Name)
			continue
		}
		for _, e := range p.Spec.PodMetricsEndpoints {
			read[w.Component]++
			port, ok := w.portNamed(e.Port)
			if !ok {
				f.addf("monitor %s: %s has no port %q", p.Name, w.Name, e.Port)
				continue
			}
			if !m.admits(w, networkingv1.PolicyTypeIngress, scraper, port) {
				f.addf("monitor %s: no policy lets the scraper reach port %d", p.Name, port)
			}
			m.checkScrape(f, p.Name, w, e)
		}
	}
	for _, w := range m.Workloads() {
		if len(m.Monitors) > 0 && read[w.Component] != 1 {
			f.addf("the metrics of %s are read %d times, want once", w.Name, read[w.Component])
		}
	}
}

// checkScrape: a pod of hachi is asked over TLS, by one of its names, with a
// certificate. etcd's numbers are for everyone whom the policies let in.
func (m *Manifests) checkScrape(f *faults, name string, w *Workload, e scrapedPort) {
	if w.Component == "etcd" {
		if e.Scheme != "http" {
			f.addf("monitor %s: the numbers of etcd are not behind TLS", name)
		}
		return
	}
	if e.Scheme != "https" || e.TLSConfig == nil {
		f.addf("monitor %s: %s answers over TLS only", name, w.Name)
		return
	}
	if !slices.Contains(hostsOf(w.Component, w.PodNames()[0]), e.TLSConfig.ServerName) {
		f.addf("monitor %s: no certificate of %s has the name %q", name, w.Name, e.TLSConfig.ServerName)
	}
	for i, key := range []*corev1.SecretKeySelector{e.TLSConfig.CA.Secret, e.TLSConfig.Cert.Secret, e.TLSConfig.KeySecret} {
		if want := scraperKeys[i]; key == nil || key.Name != scraperSecret || key.Key != want {
			f.addf("monitor %s: %s is not that of the Secret %s", name, want, scraperSecret)
		}
	}
}

// admits reports whether a policy of a workload's pods names a peer outside at a port.
func (m *Manifests) admits(w *Workload, direction networkingv1.PolicyType, peer networkingv1.NetworkPolicyPeer, port int32) bool {
	for _, p := range m.Policies {
		if matches, err := selects(&p.Spec.PodSelector, w.Template.Labels); err != nil || !matches || !has(p.Spec.PolicyTypes, direction) {
			continue
		}
		for _, r := range rulesOf(p, direction) {
			named := slices.ContainsFunc(r.peers, func(o networkingv1.NetworkPolicyPeer) bool { return reflect.DeepEqual(o, peer) })
			if named && slices.ContainsFunc(r.ports, func(at networkingv1.NetworkPolicyPort) bool { return at.Port != nil && at.Port.IntVal == port }) {
				return true
			}
		}
	}
	return false
}
