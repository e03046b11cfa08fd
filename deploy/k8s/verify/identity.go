package verify

import (
	"maps"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// plain reports whether an overlay may be in plaintext. One may.
func (m *Manifests) plain() bool { return m.Overlay == "dev" }

// certificatesDir is where a pod has its certificate.
const certificatesDir = "/etc/hachi/certificates"

// identityOf are the variables by which the pods of a component show who they are,
// and demand it of others.
func identityOf(component string) map[string]string {
	if component == "etcd" {
		out := map[string]string{"SCHEME": "https", "ETCD_PEER_CERT_ALLOWED_CN": "etcd", "ETCD_TLS_MIN_VERSION": "TLS1.3", "ETCD_ENABLE_GRPC_GATEWAY": "false"}
		for _, side := range []string{"ETCD_", "ETCD_PEER_"} {
			out[side+"CLIENT_CERT_AUTH"], out[side+"TRUSTED_CA_FILE"] = "true", certificatesDir+"/ca.crt"
			out[side+"CERT_FILE"], out[side+"KEY_FILE"] = certificatesDir+"/tls.crt", certificatesDir+"/tls.key"
		}
		return out
	}
	out := map[string]string{"HACHI_CERTIFICATES": certificatesDir, "HACHI_GOSSIP_KEYS": "/etc/hachi/gossip/gossip.keys"}
	if servesClients(component) {
		out["HACHI_API_KEYS"], out["HACHI_ADMIN_KEYS"] = "/etc/hachi/keys/clients.yaml", "/etc/hachi/keys/admins.yaml"
		out["HACHI_HTTP_CERTIFICATES"] = certificatesDir
	}
	return out
}

// servesClients reports whether a component has the API, and so needs the keys of
// clients.
func servesClients(component string) bool { return component == "router" || component == "gateway" }

// checkIdentity: every process has a certificate and demands one; nothing is in
// plaintext but the overlay dev.
func (m *Manifests) checkIdentity(f *faults) {
	for _, w := range m.Workloads() {
		p := Pod{Name: w.PodNames()[0], Workload: w}
		env, err := m.Environment(p)
		if err != nil {
			continue // checkAddresses tells
		}
		if m.plain() {
			if w.Component != "etcd" && env["HACHI_INSECURE"] != "true" {
				f.addf("%s: the overlay dev is plain, and its pods refuse to be", w.Name)
			}
			continue
		}
		checkVariablesOf(f, w, env)
		args, err := p.Arguments(env)
		if err != nil {
			continue
		}
		for _, arg := range args {
			flag, value, _ := strings.Cut(strings.TrimPrefix(arg, "--"), "=")
			if slices.Contains([]string{"insecure", "plaintext", "etcd-certificates"}, flag) || strings.Contains(value, "http://") && flag != "listen-metrics-urls" {
				f.addf("%s: %s is in plaintext", w.Name, arg)
			}
		}
		m.checkFiles(f, w)
		m.checkFolder(f, w)
		checkEncryptedProbes(f, w)
	}
}

func checkVariablesOf(f *faults, w Workload, env map[string]string) {
	want := identityOf(w.Component)
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if env[name] != want[name] {
			f.addf("%s: %s is %q, want %q", w.Name, name, env[name], want[name])
		}
	}
	for _, name := range []string{"HACHI_INSECURE", "HACHI_PLAINTEXT", "HACHI_ETCD_CERTIFICATES"} {
		if value, ok := env[name]; ok {
			f.addf("%s: %s=%s is in plaintext", w.Name, name, value)
		}
	}
}

// checkFiles: the files that the variables name are mounted from the Secrets that
// have them.
func (m *Manifests) checkFiles(f *faults, w Workload) {
	want := map[string]string{}
	if source := w.certificates(); source == nil || source.Secret != nil {
		want[path.Join(certificatesDir, "ca.crt")] = w.Name + certificatesSuffix + "/ca.crt"
		want[path.Join(certificatesDir, "tls.crt")] = w.Name + certificatesSuffix + "/$(POD_NAME).crt"
		want[path.Join(certificatesDir, "tls.key")] = w.Name + certificatesSuffix + "/$(POD_NAME).key"
	}
	if dir, ok := w.Flag("http-certificates"); ok {
		want[dir] = publicSecret + "/"
	}
	if file := m.variable(w, "HACHI_MODEL_CREDENTIALS"); file != "" {
		want[path.Dir(file)] = storeSecret + "/"
	}
	if w.Component != "etcd" {
		want["/etc/hachi/gossip"] = gossipSecret + "/"
	}
	if servesClients(w.Component) {
		want["/etc/hachi/keys"] = keysSecret + "/"
	}
	got := map[string]string{}
	for _, mount := range w.Container().VolumeMounts {
		i := slices.IndexFunc(w.Template.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == mount.Name && v.Secret != nil })
		if i >= 0 {
			got[mount.MountPath] = w.Template.Spec.Volumes[i].Secret.SecretName + "/" + mount.SubPath + mount.SubPathExpr
		}
	}
	if !maps.Equal(got, want) {
		f.addf("%s: mounts of Secrets are %v, want %v", w.Name, got, want)
	}
}

// checkEncryptedProbes: a kubelet has no certificate and verifies none. It can ask
// over HTTPS, where the listener lets everyone ask for its health.
func checkEncryptedProbes(f *faults, w Workload) {
	c := w.Container()
	for _, probe := range []*corev1.Probe{c.StartupProbe, c.LivenessProbe, c.ReadinessProbe} {
		switch {
		case probe == nil: // checkProbes tells
		case probe.HTTPGet == nil:
			f.addf("%s: a probe that is not of HTTP is refused, or says nothing", w.Name)
		case w.Component != "etcd" && probe.HTTPGet.Scheme != corev1.URISchemeHTTPS:
			f.addf("%s: the probe of %s is in plaintext, and is refused", w.Name, probe.HTTPGet.Path)
		}
	}
}
