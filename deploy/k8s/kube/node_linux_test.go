package kube

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	nodeName    = "node"
	nodeAddress = "10.99.0.1" // node.sh gives it
	nodeGroup   = "/hachi-kube"
	pauseImage  = "hachi.test/pause:1"
)

// containerdConfig is that of containerd 1 and 2.
const containerdConfig = `version = 2
root = "%[1]s/images"
state = "%[1]s/state"
[grpc]
  address = "%[2]s"
[plugins."io.containerd.internal.v1.opt"]
  path = "%[1]s/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "%[3]s"
  restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "%[4]s"
  conf_dir = "%[1]s/cni"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
`

// network gives pods addresses of a bridge.
const network = `{"cniVersion": "0.4.0", "name": "pods", "plugins": [{
  "type": "bridge", "bridge": "pods", "isGateway": true, "hairpinMode": true,
  "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.88.0.0/16"}]], "routes": [{"dst": "0.0.0.0/0"}], "dataDir": "%s/addresses"}
}]}`

const kubeletConfig = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
failCgroupV1: false
failSwapOn: false
cgroupDriver: cgroupfs
cgroupRoot: %[2]s
volumePluginDir: %[1]s/plugins
enforceNodeAllocatable: [none]
containerRuntimeEndpoint: unix://%[3]s
clusterDNS: [%[4]s]
clusterDomain: cluster.local
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
evictionHard: {memory.available: 100Mi, nodefs.available: 1%%, nodefs.inodesFree: 1%%, imagefs.available: 1%%}
imageGCHighThresholdPercent: 100
`

// socket is that of containerd. Its folder is of the namespace.
const socket = "/run/containerd.sock"

// startNode starts containerd, kubelet and kube-proxy.
func (p *plane) startNode(ctx context.Context, components, plugins string) error {
	dir := filepath.Join(p.dir, "node")
	for name, text := range map[string]string{
		"containerd.toml":   fmt.Sprintf(containerdConfig, dir, socket, pauseImage, plugins),
		"cni/pods.conflist": fmt.Sprintf(network, dir),
		"kubelet.yaml":      fmt.Sprintf(kubeletConfig, dir, nodeGroup, socket, nodeAddress),
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return err
		}
	}
	if err := makeGroups(); err != nil {
		return err
	}
	runtime, err := exec.LookPath("containerd")
	if err != nil {
		return err
	}
	if err := p.launch("containerd", exec.Command(runtime, "--config", filepath.Join(dir, "containerd.toml"))); err != nil {
		return err
	}
	if err := p.until(ctx, func(ctx context.Context) error { _, err := ctr(ctx, "version"); return err }); err != nil {
		return fmt.Errorf("containerd: %w", err)
	}
	kubeconfig := "--kubeconfig=" + filepath.Join(p.dir, "kubeconfig")
	if err := p.start(components, "kubelet", kubeconfig, "--config="+filepath.Join(dir, "kubelet.yaml"), "--root-dir="+filepath.Join(dir, "kubelet"),
		"--cert-dir="+filepath.Join(dir, "certificates"), "--hostname-override="+nodeName, "--node-ip="+nodeAddress); err != nil {
		return err
	}
	return p.start(components, "kube-proxy", kubeconfig, "--hostname-override="+nodeName, "--proxy-mode=iptables", "--cluster-cidr=10.88.0.0/16",
		"--conntrack-max-per-core=0", "--conntrack-tcp-timeout-established=0", "--conntrack-tcp-timeout-close-wait=0")
}

// makeGroups makes the control groups below which those of pods are.
func makeGroups() error {
	roots, err := filepath.Glob("/sys/fs/cgroup/*/cgroup.procs")
	if err != nil {
		return err
	}
	for _, root := range append(roots, "/sys/fs/cgroup/cgroup.procs") {
		if _, err := os.Stat(root); err != nil {
			continue
		}
		if err := os.MkdirAll(filepath.Join(filepath.Dir(root), nodeGroup), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// ctr calls the client of containerd, with the images of pods.
func ctr(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, "ctr", append([]string{"--address", socket, "--namespace", "k8s.io"}, args...)...).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("ctr %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return string(out), err
}

// importImage loads an image from an archive.
func importImage(ctx context.Context, t *testing.T, archive string, flags ...string) {
	t.Helper()
	out, err := ctr(ctx, append(append([]string{"images", "import"}, flags...), archive)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(out)
}
