package kube

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// onANode fits the overlay dev to containerd 1, which maps no users.
const onANode = `
  - target: {kind: StatefulSet}
    patch: |-
      - {op: replace, path: /spec/template/spec/hostUsers, value: true}
`

// TestANodeServes runs the pods of the overlay dev on one real node: kubelet and kube-proxy,
// containerd and runc, with the image of make image. Clients come by the address of the
// Service. An expert node and the routers are deleted in the middle of a stream; then every
// StatefulSet of hachi rolls. Every answer is that of an undisturbed cluster.
func TestANodeServes(t *testing.T) {
	if *layout == "" {
		t.Skip("it needs containerd, runc and namespaces of its own: make kube-node")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 12*time.Minute)
	defer cancel()
	if err := control.startNode(ctx, *components, *plugins); err != nil {
		t.Fatal(err)
	}
	loadImages(ctx, t)
	conn, err := net.ListenPacket("udp", net.JoinHostPort(nodeAddress, "53"))
	if err != nil {
		t.Fatal(err)
	}
	answering, end := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		names{control}.serve(answering, conn)
	}()
	const namespace = "hachi"
	t.Cleanup(func() {
		if t.Failed() {
			for _, name := range []string{"kubelet", "containerd", "kube-proxy"} {
				t.Logf("%s said last:\n%s", name, control.log(name))
			}
			tellPods(t, namespace)
		}
		end()
		_ = conn.Close()
		<-done
	})
	files := within("dev", "replicas: [{name: gateway, count: 2}]\nimages: [{name: hachi, newTag: v0.1.0}]\n"+quick+onANode)
	applyWithStorage(ctx, t, namespace, objects(t, render(t, "overlays/tested", files), namespace))
	allReady(ctx, t, namespace)
	s, err := control.CoreV1().Services(namespace).Get(ctx, "gateway", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	// A connection for each request: the Service chooses a pod for each.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort(s.Spec.ClusterIP, "8080"))
	}}}
	undisturbed(ctx, t, namespace, client, []string{"expert-1", "router-0", "router-1"})
}

// loadImages loads the images of pods.
func loadImages(ctx context.Context, t *testing.T) {
	t.Helper()
	dir, self := t.TempDir(), "/proc/self/exe"
	hachi, etcd, pause := filepath.Join(dir, "hachi.tar"), filepath.Join(dir, "etcd.tar"), filepath.Join(dir, "pause.tar")
	version := etcdImage(t)
	for _, err := range []error{
		packFolder(hachi, *layout),
		writeArchive(etcd, version, self, "usr/local/bin/etcd", []string{etcdEnv + "=1"}),
		writeArchive(pause, pauseImage, self, "pause", []string{pauseEnv + "=1"}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	importImage(ctx, t, hachi, "--base-name", "docker.io/library/hachi")
	importImage(ctx, t, etcd)
	importImage(ctx, t, pause)
}

// etcdImage is the image that the manifests name.
func etcdImage(t *testing.T) string {
	t.Helper()
	for _, o := range objects(t, render(t, "overlays/dev", nil), "hachi") {
		if o.GetKind() == "StatefulSet" && o.GetName() == "etcd" {
			var set appsv1.StatefulSet
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &set); err != nil {
				t.Fatal(err)
			}
			return set.Spec.Template.Spec.Containers[0].Image
		}
	}
	t.Fatal("the overlay dev has no etcd")
	return ""
}

// tellPods logs what the API server knows of pods, and the logs of those that are here.
func tellPods(t *testing.T, namespace string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	events, err := control.CoreV1().Events(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Log(err)
		return
	}
	for _, e := range events.Items {
		if e.Type != "Normal" {
			t.Logf("%s: %s: %s", e.InvolvedObject.Name, e.Reason, e.Message)
		}
	}
	logs, err := filepath.Glob("/var/log/pods/" + namespace + "_*/*/*.log")
	if err != nil {
		t.Log(err)
	}
	for _, file := range logs {
		if raw, err := os.ReadFile(file); err == nil {
			t.Logf("%s:\n%s", file, raw[max(0, len(raw)-1500):])
		}
	}
}
