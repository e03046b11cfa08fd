package verify

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// checkCluster: the numbers that several components must agree on.
func (m *Manifests) checkCluster(f *faults) {
	coordinator, experts := m.Workload("coordinator"), m.Workload("expertnode")
	wantFlag(f, coordinator, "expect-nodes", fmt.Sprint(experts.Replicas))
	placement := "column"
	if m.scaledBy(experts.Name) != nil {
		placement = "balanced" // a column moves with the number of nodes
	}
	wantFlag(f, coordinator, "placement", placement)
	wantFlag(f, experts, "advertise", "$(POD_NAME)."+m.governing(experts)+":7070")
	if want := m.shape().nodes; experts.Replicas != want {
		f.addf("%d expert nodes, want %d", experts.Replicas, want)
	}
	for _, w := range m.Workloads() {
		if w.Component == "etcd" {
			wantFlag(f, &w, "name", "$(POD_NAME)")
			continue
		}
		wantFlag(f, &w, "id", "$(POD_NAME)")
		if c := w.Container(); len(c.Command) > 0 || len(c.Args) == 0 || c.Args[0] != w.Component {
			f.addf("%s: its image is started as %v %v, want the role %s first", w.Name, c.Command, c.Args, w.Component)
		}
		if w.Component != "coordinator" {
			m.checkModel(f, w)
		}
	}
	m.checkEtcd(f)
}

func (m *Manifests) governing(w *Workload) string {
	return w.Set.Spec.ServiceName
}

func wantFlag(f *faults, w *Workload, name, want string) {
	if got, _ := w.Flag(name); got != want {
		f.addf("%s: --%s=%s, want %s", w.Name, name, got, want)
	}
}

// checkEtcd: members know all members, and everybody knows all of them; their
// data outlives their pods.
func (m *Manifests) checkEtcd(f *faults) {
	etcd := m.Workload("etcd")
	if etcd.Replicas%2 == 0 {
		f.addf("etcd: want an odd number of members, got %d", etcd.Replicas)
		return
	}
	var peers, clients []string
	for _, pod := range etcd.PodNames() {
		host := pod + "." + etcd.Set.Spec.ServiceName
		peers = append(peers, fmt.Sprintf("%s=$(SCHEME)://%s:2380", pod, host))
		clients = append(clients, host+":2379")
	}
	wantFlag(f, etcd, "initial-cluster", strings.Join(peers, ","))
	wantFlag(f, etcd, "initial-advertise-peer-urls", "$(SCHEME)://$(POD_NAME)."+etcd.Set.Spec.ServiceName+":2380")
	for _, w := range m.Workloads() {
		env, err := m.Environment(Pod{Name: "pod", Workload: w})
		if err != nil || w.Component == "etcd" {
			continue // checkAddresses tells
		}
		if want := strings.Join(clients, ","); env["HACHI_ETCD"] != want {
			f.addf("%s: HACHI_ETCD is %q, want %q", w.Name, env["HACHI_ETCD"], want)
		}
	}
	data, _ := etcd.Flag("data-dir")
	kept := slices.ContainsFunc(etcd.Container().VolumeMounts, func(mount corev1.VolumeMount) bool {
		template := slices.ContainsFunc(etcd.Set.Spec.VolumeClaimTemplates, func(t corev1.PersistentVolumeClaim) bool { return t.Name == mount.Name })
		return template && strings.HasPrefix(data, mount.MountPath+"/")
	})
	if !kept {
		f.addf("etcd: %s does not outlive its pod", data)
	}
}
