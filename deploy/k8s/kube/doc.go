// Package kube shows the manifests to a real control plane: its tests start etcd,
// kube-apiserver, kube-controller-manager and kube-scheduler of the version in go.mod,
// apply every overlay, and let the real controllers make, place, roll and evict pods.
//
// What it owns: nothing of the product. It is a module of its own, because it builds the
// control plane from the module of Kubernetes, which takes minutes; `make kube` builds
// it once for each version and runs the tests.
//
// Machines are objects of the API only. A stub stands for their kubelets: a pod of
// most tests is ready as soon as it has a machine, and runs nothing; the pods of the
// overlay dev run as processes of this machine, as `make manifests` runs them, with
// their probes, signals and grace periods.
//
// TestANodeServes has a real node instead: kubelet, kube-proxy, containerd and runc, in
// namespaces that node.sh makes; `make kube-node` runs it.
//
// Not covered: CoreDNS, policies and storage drivers, and, by the other tests, kubelets.
// A pod of the stub keeps its address, because names are resolved before a process sees
// them; a client of a Service dials an endpoint that the real controllers call ready,
// as kube-proxy would. The tests need Linux, where all of 127.0.0.0/8 is local.
//
// Concurrency: the stub has one goroutine for each pod, which ends with the pod.
//
// References: https://kubernetes.io/docs/concepts/overview/components/.
package kube
