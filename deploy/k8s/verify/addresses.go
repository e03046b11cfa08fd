package verify

import (
	"fmt"
	"net"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// checkAddresses follows every address that a pod is given, and finds every
// path that it is given in a volume.
func (m *Manifests) checkAddresses(f *faults) {
	pods := m.Pods(func(i int) string { return fmt.Sprintf("192.0.2.%d", i+1) })
	names := m.NamesOf(pods)
	for _, p := range pods {
		env, err := m.Environment(p)
		if err != nil {
			f.addf("%w", err)
			continue
		}
		args, err := p.Arguments(env)
		if err != nil {
			f.addf("%w", err)
		}
		texts := slices.Clone(args)
		for _, value := range env {
			texts = append(texts, value)
		}
		for _, text := range texts {
			if _, err := names.Localize(p, text); err != nil {
				f.addf("%w", err)
			}
		}
		for _, arg := range args {
			checkListener(f, p, arg)
			_, value, _ := strings.Cut(arg, "=")
			checkPath(f, p, value)
		}
		for _, value := range env {
			checkPath(f, p, value)
		}
	}
	m.checkPeers(f)
}

// listeners are the flags that open a port, and its protocols.
var listeners = map[string][]corev1.Protocol{
	"listen":              {corev1.ProtocolTCP},
	"grpc":                {corev1.ProtocolTCP},
	"gossip":              {corev1.ProtocolTCP, corev1.ProtocolUDP},
	"admin-listen":        {corev1.ProtocolTCP},
	"listen-client-urls":  {corev1.ProtocolTCP},
	"listen-peer-urls":    {corev1.ProtocolTCP},
	"listen-metrics-urls": {corev1.ProtocolTCP},
}

// advertised are the flags that tell others where a listener is.
var advertised = map[string]string{
	"listen": "advertise", "grpc": "advertise-grpc", "gossip": "advertise-gossip",
	"listen-client-urls": "advertise-client-urls", "listen-peer-urls": "initial-advertise-peer-urls",
}

// checkListener: a port that is opened is opened to other pods, which find
// it by an advertised address, and declared with its protocols.
func checkListener(f *faults, p Pod, arg string) {
	flag, value, _ := strings.Cut(strings.TrimPrefix(arg, "--"), "=")
	protocols := listeners[flag]
	if protocols == nil {
		return
	}
	host, digits, err := net.SplitHostPort(withoutScheme(value))
	if err != nil {
		f.addf("pod %s: %s: %w", p.Name, arg, err)
		return
	}
	if host != "0.0.0.0" {
		f.addf("pod %s: %s does not listen to other pods", p.Name, arg)
	}
	if name := advertised[flag]; name != "" {
		given, _ := p.Workload.Flag(name)
		if at, port, err := net.SplitHostPort(withoutScheme(given)); err != nil || at == host || port != digits {
			f.addf("pod %s: --%s=%s is not where others reach %s", p.Name, name, given, arg)
		}
	}
	for _, proto := range protocols {
		var port int32
		if _, err := fmt.Sscan(digits, &port); err != nil || !p.containerPort(port, proto) {
			f.addf("pod %s: %s: the container declares no port %s/%s", p.Name, arg, digits, proto)
		}
	}
}

// withoutScheme is the address of a URL.
func withoutScheme(url string) string {
	if _, rest, ok := strings.Cut(url, "://"); ok {
		return rest
	}
	return url
}

// checkPath: a path is in a volume, for the root file system is read-only.
func checkPath(f *faults, p Pod, value string) {
	if path.IsAbs(value) && !p.mounted(value) {
		f.addf("pod %s: %s is in no volume", p.Name, value)
	}
}

// mounted reports whether a path is in a volume, or has volumes in it.
func (p Pod) mounted(file string) bool {
	for _, mount := range p.Workload.Container().VolumeMounts {
		if file == mount.MountPath || strings.HasPrefix(file, mount.MountPath+"/") || strings.HasPrefix(mount.MountPath, file+"/") {
			return true
		}
	}
	return false
}

// checkPeers: StatefulSets are governed by a headless Service whose names lead
// to pods that are not ready yet, because they become ready together.
func (m *Manifests) checkPeers(f *faults) {
	for _, set := range m.StatefulSets {
		found := false
		for _, s := range m.Services {
			if s.Name != set.Spec.ServiceName {
				continue
			}
			found = true
			if !headless(s) {
				f.addf("Service %s gives its pods no names of their own: want clusterIP None", s.Name)
			}
			if !s.Spec.PublishNotReadyAddresses {
				f.addf("Service %s hides pods until they are ready, and they wait for one another", s.Name)
			}
		}
		if !found {
			f.addf("StatefulSet %s: there is no Service %q", set.Name, set.Spec.ServiceName)
		}
	}
}
