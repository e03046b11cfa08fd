// Package verify holds the manifests to what the product is. It renders the
// overlays with kustomize's own library, decodes every document strictly into
// the Kubernetes API's types, validates it with the API server's own functions,
// and checks what a schema cannot know: that names lead somewhere, that budgets
// leave enough pods, that memory fits the model.
// Its tests also build the image's binary by the Dockerfile's own commands and
// run the rendered pods as processes of this machine, each on a loopback
// address of its own, with their arguments, environment, probes and signals.
//
// What it owns: nothing of the product. It is a module of its own, so that the
// product does not depend on Kubernetes.
//
// Invariants: an overlay without faults gives no errors from Check; every rule
// of Check is shown to fail by a broken rendering in the tests.
//
// The definitions of the operators' kinds are read from their Go modules, of one version
// and checksum each (operators.go), and are not copied here: a copy of 2 MB would be the
// same bytes, and nothing would show that it is old.
//
// Not covered: scheduling, volumes, kube-proxy and DNS are Kubernetes' own and
// are only modeled; package kube shows the manifests to a control plane. The tests that run
// pods need Linux, where all of 127.0.0.0/8 is local.
//
// Concurrency: every function is pure but Load, which reads files, Documents, whose first
// call reads the schema of kustomize, and the methods of Runner and Process, which run
// programs.
package verify
