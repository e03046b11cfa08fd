package role

import (
	"crypto/x509"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hachi-serve/hachi/internal/metric"
)

// certificateMetrics are the times of the certificates that a process shows, by what they
// are for. It reads them when it is scraped: files are replaced.
type certificateMetrics map[string]func() *x509.Certificate

// What a certificate is for.
const (
	forCluster = "cluster" // other processes
	forEtcd    = "etcd"
	forHTTP    = "http" // clients of the HTTP API
)

// certificates are those of a process; who is nil where there are none for clients.
func (s *security) certificates(who *access) certificateMetrics {
	out := certificateMetrics{}
	if s.source != nil {
		out[forCluster] = s.source.Leaf
	}
	if s.etcd != nil && s.etcd != s.source {
		out[forEtcd] = s.etcd.Leaf
	}
	if who != nil && who.certificate != nil {
		out[forHTTP] = func() *x509.Certificate { return who.certificate.current.Load().Leaf }
	}
	return out
}

// Describe implements prometheus.Collector.
func (m certificateMetrics) Describe(out chan<- *prometheus.Desc) {
	out <- metric.CertificateBegin.Desc()
	out <- metric.CertificateEnd.Desc()
}

// Collect implements prometheus.Collector.
func (m certificateMetrics) Collect(out chan<- prometheus.Metric) {
	for what, leaf := range m {
		out <- metric.CertificateBegin.Const(float64(leaf().NotBefore.Unix()), what)
		out <- metric.CertificateEnd.Const(float64(leaf().NotAfter.Unix()), what)
	}
}
