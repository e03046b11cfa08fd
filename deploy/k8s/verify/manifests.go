package verify

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// Manifests are the objects of one overlay.
type Manifests struct {
	Overlay      string // the name of its folder
	Namespaces   []*corev1.Namespace
	Services     []*corev1.Service
	ConfigMaps   []*corev1.ConfigMap
	Claims       []*corev1.PersistentVolumeClaim
	StatefulSets []*appsv1.StatefulSet
	Budgets      []*policyv1.PodDisruptionBudget
	Policies     []*networkingv1.NetworkPolicy
	Volumes      []*corev1.PersistentVolume
	Autoscalers  []*autoscalingv2.HorizontalPodAutoscaler

	// Objects of operators.
	ScaledObjects []*scaledObject
	Monitors      []*podMonitor
	Rules         []*prometheusRule
	Issuers       []*named
	Gateways      []*named
	Routes        []*httpRoute
	BackendTLS    []*backendTLSPolicy
}

// Load copies the YAML and JSON files under dir into memory, so that they can be changed
// before they are rendered. Paths keep their place relative to dir.
func Load(dir string) (filesys.FileSystem, error) {
	fs := filesys.MakeFsInMemory()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if ext := filepath.Ext(path); err != nil || ext != ".yaml" && ext != ".json" {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		return fs.WriteFile(rel, raw)
	})
	return fs, err
}

// Render builds a kustomization and decodes what it gives. Unknown fields,
// unknown kinds, duplicate keys and what the API server would refuse are errors.
func Render(fs filesys.FileSystem, dir string) (*Manifests, error) {
	documents, err := Documents(fs, dir)
	if err != nil {
		return nil, err
	}
	m := &Manifests{Overlay: filepath.Base(dir)}
	for _, raw := range documents {
		if err := m.add(raw); err != nil {
			return nil, fmt.Errorf("%w in\n%s", err, raw)
		}
	}
	return m, nil
}

// Documents builds a kustomization: one document for each object, in the order in which
// they can be made. They are JSON, which is YAML too and is read in half the time.
func Documents(fs filesys.FileSystem, dir string) ([][]byte, error) {
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(fs, dir)
	if err != nil {
		return nil, err
	}
	var out [][]byte
	for _, r := range built.Resources() {
		raw, err := r.MarshalJSON()
		if err != nil {
			return nil, err
		}
		out = append(out, raw)
	}
	return out, nil
}

// add decodes one document.
func (m *Manifests) add(raw []byte) error {
	object, err := decode(raw)
	if err != nil {
		return err
	}
	switch o := object.(type) {
	case *corev1.Namespace:
		m.Namespaces = append(m.Namespaces, o)
	case *corev1.Service:
		m.Services = append(m.Services, o)
	case *corev1.ConfigMap:
		m.ConfigMaps = append(m.ConfigMaps, o)
	case *corev1.PersistentVolumeClaim:
		m.Claims = append(m.Claims, o)
	case *appsv1.StatefulSet:
		m.StatefulSets = append(m.StatefulSets, o)
	case *policyv1.PodDisruptionBudget:
		m.Budgets = append(m.Budgets, o)
	case *networkingv1.NetworkPolicy:
		m.Policies = append(m.Policies, o)
	case *corev1.PersistentVolume:
		m.Volumes = append(m.Volumes, o)
	case *autoscalingv2.HorizontalPodAutoscaler:
		m.Autoscalers = append(m.Autoscalers, o)
	case *unstructured.Unstructured:
		return m.addCustom(o)
	default:
		return fmt.Errorf("no rule says what a %T is for", object)
	}
	return nil
}

// addCustom keeps an object of an operator.
func (m *Manifests) addCustom(o *unstructured.Unstructured) error {
	switch o.GetKind() {
	case "ScaledObject":
		return keep(&m.ScaledObjects, o)
	case "PodMonitor":
		return keep(&m.Monitors, o)
	case "PrometheusRule":
		return keep(&m.Rules, o)
	case "Issuer":
		return keep(&m.Issuers, o)
	case "Gateway":
		return keep(&m.Gateways, o)
	case "HTTPRoute":
		return keep(&m.Routes, o)
	case "BackendTLSPolicy":
		return keep(&m.BackendTLS, o)
	}
	return fmt.Errorf("no rule says what a %s is for", o.GetKind())
}

// named is an object of which nothing but its name matters.
type named struct {
	metav1.ObjectMeta `json:"metadata"`
}

func keep[T any](all *[]*T, o *unstructured.Unstructured) error {
	v := new(T)
	*all = append(*all, v)
	return into(o, v)
}

// decoder reads documents of the core, apps, autoscaling, policy and networking APIs. Making
// one takes longer than to read a document.
var decoder = sync.OnceValues(func() (runtime.Decoder, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, appsv1.AddToScheme, autoscalingv2.AddToScheme, policyv1.AddToScheme, networkingv1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, err
		}
	}
	return serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer(), nil
})

// decode reads one document, and validates it.
func decode(raw []byte) (runtime.Object, error) {
	read, err := decoder()
	if err != nil {
		return nil, err
	}
	object, _, err := read.Decode(raw, nil, nil)
	if runtime.IsNotRegisteredError(err) {
		return decodeCustom(raw, err)
	}
	if err != nil {
		return nil, err
	}
	return object, validate(raw)
}
