package role

import "net"

// SecurityConfig says how a process shows who it is, and whom it lets in.
type SecurityConfig struct {
	// Certificates is a directory with ca.crt, tls.crt and tls.key; "" is plaintext.
	Certificates string `yaml:"certificates"`
	// EtcdCertificates is such a directory for etcd, PlaintextEtcd for none, or ""
	// for that of Certificates.
	EtcdCertificates string `yaml:"etcdCertificates"`
	// GossipKeys is a file with one base64 key of 16, 24 or 32 bytes per line: the
	// first encrypts, all decrypt. "" is plaintext.
	GossipKeys string `yaml:"gossipKeys"`
	// Insecure allows plaintext, and clients without keys, on listeners that other
	// machines reach.
	Insecure bool `yaml:"insecure"`
}

// PlaintextEtcd stands for no certificates in EtcdCertificates.
const PlaintextEtcd = "none"

// check adds the section's faults. listeners are the addresses that the
// certificates protect, by field.
func (s SecurityConfig) check(f *Faults, c ClusterConfig, listeners map[string]string) {
	if c.InProcess != nil {
		return
	}
	for _, field := range []string{"listen", "grpc"} {
		if addr, ok := listeners[field]; ok && s.Certificates == "" {
			s.CheckPlaintext(f, field, addr, "--certificates")
		}
	}
	if s.GossipKeys == "" {
		s.CheckPlaintext(f, "cluster.gossip", c.Gossip, "--gossip-keys")
	}
}

// CheckPlaintext refuses a listener that other machines reach and that nothing
// protects. remedy is the flag that would.
func (s SecurityConfig) CheckPlaintext(f *Faults, field, addr, remedy string) {
	if !s.Insecure && !IsLoopback(addr) {
		f.Addf(field, "%q: other machines reach it, and it is not protected; give %s, or --insecure if you trust every machine that reaches it", addr, remedy)
	}
}

// IsLoopback reports whether only this machine reaches an address, HOST:PORT. An
// address that is none is not refused here.
func IsLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil || host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
