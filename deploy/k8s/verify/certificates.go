package verify

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// certificatesVolume is the volume with the certificate of a pod.
const certificatesVolume = "certificates"

// certificates is the source of that volume; nil when there is none.
func (w Workload) certificates() *corev1.VolumeSource {
	i := slices.IndexFunc(w.Template.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == certificatesVolume })
	if i < 0 {
		return nil
	}
	return &w.Template.Spec.Volumes[i].VolumeSource
}

// hostsOf are the names of a pod's certificate besides its URI: those by which clients
// find it that know no URI.
func hostsOf(component, pod string) []string {
	switch component {
	case "etcd":
		return []string{"localhost", pod + ".etcd"}
	case "router":
		return []string{"localhost", "routers.hachi.svc"}
	case "gateway":
		return []string{"localhost", "gateway", "gateway.hachi", "gateway.hachi.svc"}
	case "coordinator":
		return []string{"coordinator.hachi.svc"}
	}
	return []string{"expert.hachi.svc"}
}

// roleOf is the role that the certificates of a component name.
func roleOf(component string) string {
	if component == "expertnode" {
		return "expert"
	}
	return component
}

// checkFolder: a volume that brings certificates by itself is one folder, whose files
// are replaced while the pod runs; those of single files are not.
func (m *Manifests) checkFolder(f *faults, w Workload) {
	source := w.certificates()
	if source == nil || source.Secret != nil {
		return
	}
	var at []string
	for _, mount := range w.Container().VolumeMounts {
		if mount.Name == certificatesVolume {
			at = append(at, mount.MountPath+mount.SubPath+mount.SubPathExpr)
			if !mount.ReadOnly {
				f.addf("%s: %s can be written", w.Name, mount.MountPath)
			}
		}
	}
	if !slices.Equal(at, []string{certificatesDir}) {
		f.addf("%s: its certificates are mounted at %v, want the folder %s", w.Name, at, certificatesDir)
	}
	switch {
	case source.CSI != nil && source.CSI.Driver == certManagerDriver:
		m.checkRequest(f, w, source.CSI)
	case source.Projected != nil:
		checkProjection(f, w, source.Projected)
	default:
		f.addf("%s: nothing is known of what brings its certificates", w.Name)
	}
}

// certManagerDriver makes certificates of cert-manager for the pods of a machine.
const certManagerDriver = "csi.cert-manager.io"

// attribute is one of the attributes of the driver's volume for a pod.
func attribute(source *corev1.CSIVolumeSource, name string, p Pod) string {
	value := source.VolumeAttributes[certManagerDriver+"/"+name]
	return strings.ReplaceAll(value, "${POD_NAME}", p.Name)
}

// checkRequest: the driver asks an Issuer of the manifests for what hachi demands.
func (m *Manifests) checkRequest(f *faults, w Workload, source *corev1.CSIVolumeSource) {
	role := roleOf(w.Component)
	for _, pod := range w.PodNames() {
		p := Pod{Name: pod, Workload: w}
		want := map[string]string{
			"common-name": role, "uri-sans": fmt.Sprintf("spiffe://hachi/%s/%s", role, pod), "dns-names": strings.Join(hostsOf(w.Component, pod), ","),
			"key-usages": "digital signature,server auth,client auth", "key-algorithm": "ECDSA", "key-size": "256", "key-encoding": "PKCS8", "issuer-kind": "Issuer",
		}
		for _, name := range slices.Sorted(maps.Keys(want)) {
			if got := attribute(source, name, p); got != want[name] {
				f.addf("%s: cert-manager is asked for the %s %q, want %q", pod, name, got, want[name])
			}
		}
		issuer := attribute(source, "issuer-name", p)
		if !slices.ContainsFunc(m.Issuers, func(n *named) bool { return n.Name == issuer && n.Namespace == w.Namespace }) {
			f.addf("%s: there is no Issuer %q", pod, issuer)
		}
		if group := w.Template.Spec.SecurityContext.FSGroup; group == nil || attribute(source, "fs-group", p) != fmt.Sprint(*group) {
			f.addf("%s: its group cannot read its certificate", pod)
		}
	}
}

// checkProjection: kubelet writes the files that hachi reads, all from one signer.
func checkProjection(f *faults, w Workload, source *corev1.ProjectedVolumeSource) {
	files, signers := map[string]bool{}, map[string]bool{}
	for _, s := range source.Sources {
		if c := s.PodCertificate; c != nil {
			files[c.CertificateChainPath], files[c.KeyPath], signers[c.SignerName] = true, true, true
			if c.KeyType != "ECDSAP256" {
				f.addf("%s: a key of the type %s, want ECDSAP256", w.Name, c.KeyType)
			}
		}
		if b := s.ClusterTrustBundle; b != nil && b.SignerName != nil {
			files[b.Path], signers[*b.SignerName] = true, true
		}
	}
	if got := slices.Sorted(maps.Keys(files)); !slices.Equal(got, scraperKeys) || len(signers) != 1 {
		f.addf("%s: its signers %v write %v, want %v of one", w.Name, slices.Sorted(maps.Keys(signers)), got, scraperKeys)
	}
	if mode := source.DefaultMode; mode == nil || *mode&^0o440 != 0 {
		f.addf("%s: its key can be read by every user of the pod, or written", w.Name)
	}
}
