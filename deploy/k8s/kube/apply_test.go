package kube

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/restmapper"
	"sigs.k8s.io/yaml"

	"github.com/hachi-serve/hachi/deploy/k8s/verify"
)

const (
	manifests = ".."
	document  = "../../../docs/kubernetes.md"
)

// render renders a folder of the manifests. What a test adds to them is in files, by
// their paths.
func render(t *testing.T, dir string, files map[string]string) [][]byte {
	t.Helper()
	fs, err := verify.Load(manifests + "/..")
	if err != nil {
		t.Fatal(err)
	}
	for file, text := range files {
		if err := fs.WriteFile("k8s/"+file, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	documents, err := verify.Documents(fs, "k8s/"+dir)
	if err != nil {
		t.Fatal(err)
	}
	return documents
}

// objects decodes documents and moves them from the namespace hachi to another.
func objects(t *testing.T, documents [][]byte, namespace string) []*unstructured.Unstructured {
	t.Helper()
	var out []*unstructured.Unstructured
	for _, raw := range documents {
		o := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(raw, &o.Object); err != nil {
			t.Fatalf("%v in\n%s", err, raw)
		}
		if o.GetNamespace() == "hachi" {
			o.SetNamespace(namespace)
		}
		if o.GetKind() == "Namespace" {
			o.SetName(namespace)
		}
		out = append(out, o)
	}
	return out
}

// apply applies objects as `kubectl apply --server-side --validate=strict` does: an
// unknown or repeated field is an error, and so is a warning.
func (p *plane) apply(ctx context.Context, all []*unstructured.Unstructured) error {
	groups, err := restmapper.GetAPIGroupResources(p.Discovery())
	if err != nil {
		return err
	}
	mapper := restmapper.NewDiscoveryRESTMapper(groups)
	p.warnings.take()
	for _, o := range all {
		err := p.send(ctx, mapper, o)
		if warned := p.warnings.take(); len(warned) > 0 {
			err = errors.Join(err, fmt.Errorf("the API server warns: %q", warned))
		}
		if err != nil {
			return fmt.Errorf("%s %s: %w", o.GetKind(), o.GetName(), err)
		}
	}
	return nil
}

// send applies one object.
func (p *plane) send(ctx context.Context, mapper meta.RESTMapper, o *unstructured.Unstructured) error {
	kind := o.GroupVersionKind()
	mapping, err := mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		return err
	}
	body, err := json.Marshal(o.Object)
	if err != nil {
		return err
	}
	path := fmt.Sprintf("/apis/%s/%s", mapping.Resource.Group, mapping.Resource.Version)
	if mapping.Resource.Group == "" {
		path = "/api/" + mapping.Resource.Version
	}
	if o.GetNamespace() != "" {
		path += "/namespaces/" + o.GetNamespace()
	}
	path += "/" + mapping.Resource.Resource + "/" + url.PathEscape(o.GetName())
	return p.RESTClient().Patch("application/apply-patch+yaml").AbsPath(path).Param("fieldManager", "test").Param("fieldValidation", metav1.FieldValidationStrict).
		Body(bytes.NewReader(body)).Do(ctx).Error()
}

// define makes the kinds of the operators, and waits until the API server serves them.
// What it warns of in definitions is not of these manifests.
func (p *plane) define(ctx context.Context) error {
	groups, err := restmapper.GetAPIGroupResources(p.Discovery())
	if err != nil {
		return err
	}
	mapper := restmapper.NewDiscoveryRESTMapper(groups)
	definitions, err := verify.Definitions()
	if err != nil {
		return err
	}
	for _, raw := range definitions {
		o := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(raw, &o.Object); err != nil {
			return err
		}
		if err := p.send(ctx, mapper, o); err != nil {
			return fmt.Errorf("%s: %w", o.GetName(), err)
		}
		plural, group, _ := strings.Cut(o.GetName(), ".")
		if err := p.until(ctx, func(context.Context) error { return p.serves(group, plural) }); err != nil {
			return err
		}
	}
	p.warnings.take()
	return nil
}

// serves returns nil when the API server serves a resource.
func (p *plane) serves(group, plural string) error {
	_, all, err := p.Discovery().ServerGroupsAndResources()
	if err != nil {
		return err
	}
	for _, list := range all {
		of, _, _ := strings.Cut(list.GroupVersion, "/")
		if of == group && slices.ContainsFunc(list.APIResources, func(r metav1.APIResource) bool { return r.Name == plural }) {
			return nil
		}
	}
	return fmt.Errorf("%s.%s is not served", plural, group)
}

// documentedBlocks are the YAML documents of docs/kubernetes.md.
func documentedBlocks(t *testing.T) []string {
	t.Helper()
	raw, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, block := range strings.Split(string(raw), "```yaml\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		out = append(out, strings.Split(block, "---\n")...)
	}
	if len(out) == 0 {
		t.Fatal("docs/kubernetes.md shows no YAML: the test proves nothing")
	}
	return out
}

// together are components that are applied with one another.
var together = []string{
	"cert-manager, public-tls, monitoring, autoscaling-keda, image-volume", "pod-certificate, monitoring, autoscaling, object-store", "cert-manager, nfs, gateway, autoscaling",
}

// composed is an overlay with components on top.
func composed(overlay, components, change string) map[string]string {
	text := "resources: [../" + overlay + "]\ncomponents:\n"
	for _, c := range strings.Split(components, ", ") {
		text += "  - ../../components/" + c + "\n"
	}
	return map[string]string{"overlays/tested/kustomization.yaml": text + change}
}

// TestEveryComponentApplies: a real API server takes every component on top of the overlay
// cpu, by itself and with others, without an error or a warning.
func TestEveryComponentApplies(t *testing.T) {
	ctx := t.Context()
	if err := control.define(ctx); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(manifests + "/components")
	if err != nil {
		t.Fatal(err)
	}
	all := together
	for _, e := range entries {
		switch e.Name() {
		case "network-policies": // every overlay has it
		case "autoscaled", "certificates-folder": // parts of others
		default:
			all = append(all, e.Name())
		}
	}
	for i, components := range all {
		namespace := fmt.Sprintf("component-%d", i)
		if err := control.apply(ctx, objects(t, render(t, "overlays/tested", composed("cpu", components, "")), namespace)); err != nil {
			t.Errorf("%s: %v", components, err)
		}
		control.forget(ctx, t, namespace)
	}
}

// TestEveryOverlayApplies: a real API server takes every object of every overlay, and
// every manifest of the document, without an error or a warning.
func TestEveryOverlayApplies(t *testing.T) {
	ctx := t.Context()
	entries, err := os.ReadDir(manifests + "/overlays")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		namespace := "applies-" + e.Name()
		if err := control.apply(ctx, objects(t, render(t, "overlays/"+e.Name(), nil), namespace)); err != nil {
			t.Errorf("%s: %v", e.Name(), err)
		}
		control.forget(ctx, t, namespace)
	}
	if err := control.define(ctx); err != nil { // the document's own overlay has a component
		t.Fatal(err)
	}
	for i, text := range documentedBlocks(t) {
		namespace := fmt.Sprintf("applies-documented-%d", i)
		var documents [][]byte
		switch {
		case strings.Contains(text, "kind: Kustomization"):
			documents = render(t, "overlays/documented", map[string]string{"overlays/documented/kustomization.yaml": text})
		default:
			documents = [][]byte{[]byte("apiVersion: v1\nkind: Namespace\nmetadata: {name: hachi}\n"), []byte(text)}
		}
		if err := control.apply(ctx, objects(t, documents, namespace)); err != nil {
			t.Errorf("%v in\n%s", err, text)
		}
		control.forget(ctx, t, namespace)
	}
}

// TestABrokenManifestDoesNotApply: what TestEveryOverlayApplies relies on.
func TestABrokenManifestDoesNotApply(t *testing.T) {
	for name, c := range map[string]struct{ document, want string }{
		"unknown field": {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: default}\ndatta: {}\n", "datta"},
		"wrong value":   {"apiVersion: v1\nkind: Service\nmetadata: {name: x, namespace: default}\nspec: {ports: [{port: 99999}]}\n", "99999"},
		"warning":       {"apiVersion: v1\nkind: Pod\nmetadata: {name: x, namespace: default, annotations: {scheduler.alpha.kubernetes.io/critical-pod: \"\"}}\nspec: {containers: [{name: x, image: x}]}\n", "the API server warns"},
	} {
		if err := control.apply(t.Context(), objects(t, [][]byte{[]byte(c.document)}, "default")); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// forget deletes a namespace, and waits until no volume is left of it that others make too.
func (p *plane) forget(ctx context.Context, t *testing.T, namespace string) {
	t.Helper()
	if err := p.CoreV1().Namespaces().Delete(ctx, namespace, metav1.DeleteOptions{}); err != nil {
		t.Error(err)
	}
	const volume = "hachi-model"
	if err := p.CoreV1().PersistentVolumes().Delete(ctx, volume, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
		t.Error(err)
	}
	if err := p.until(ctx, func(ctx context.Context) error {
		_, err := p.CoreV1().PersistentVolumes().Get(ctx, volume, metav1.GetOptions{})
		return gone(err, "the volume "+volume)
	}); err != nil {
		t.Error(err)
	}
}

// remove deletes a namespace, and waits until what was in it is gone.
func (p *plane) remove(ctx context.Context, t *testing.T, namespace string) {
	t.Helper()
	p.forget(ctx, t, namespace)
	if err := p.until(ctx, func(ctx context.Context) error {
		_, err := p.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{})
		return gone(err, "the namespace "+namespace)
	}); err != nil {
		t.Error(err)
	}
}

// gone returns nil for the error of an object that is not there.
func gone(err error, what string) error {
	if err == nil {
		return fmt.Errorf("%s is still there", what)
	}
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
