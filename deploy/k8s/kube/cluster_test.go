package kube

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// patience is how long a test waits for the control plane.
const patience = 4 * time.Minute

// quick shortens the pause after each pod of a rollout.
const quick = `
patches:
  - target: {kind: StatefulSet, name: expert}
    patch: |-
      - {op: replace, path: /spec/minReadySeconds, value: 1}
`

// within is an overlay that changes another.
func within(overlay, change string) map[string]string {
	return map[string]string{"overlays/tested/kustomization.yaml": "resources: [../" + overlay + "]\n" + change}
}

// deploy applies an overlay in a namespace, with volumes for its claims and a stub that
// runs its pods.
func deploy(ctx context.Context, t *testing.T, namespace string, documents [][]byte, run func(*corev1.Pod) (string, container, error)) {
	t.Helper()
	// The stub outlives the test, whose context ends before what it has made is removed.
	ctx, end := context.WithCancel(context.WithoutCancel(ctx))
	all := objects(t, documents, namespace)
	k := startKubelet(ctx, control, namespace, run)
	t.Cleanup(func() {
		// The stub confirms the deletions.
		removing, done := context.WithTimeout(context.Background(), patience)
		defer done()
		control.remove(removing, t, namespace)
		end()
		for _, err := range k.wait() {
			t.Error(err)
		}
	})
	applyWithStorage(ctx, t, namespace, all)
}

// applyWithStorage applies objects, with volumes for their claims.
func applyWithStorage(ctx context.Context, t *testing.T, namespace string, all []*unstructured.Unstructured) {
	t.Helper()
	if err := errors.Join(control.storage(ctx, namespace, all), control.apply(ctx, all)); err != nil {
		t.Fatal(err)
	}
}

// allReady waits until every StatefulSet of a namespace has all its pods, of its newest
// template.
func allReady(ctx context.Context, t *testing.T, namespace string) {
	t.Helper()
	if err := control.until(ctx, func(ctx context.Context) error {
		sets, err := control.AppsV1().StatefulSets(namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, s := range sets.Items {
			if st := s.Status; st.ObservedGeneration != s.Generation || st.AvailableReplicas != *s.Spec.Replicas || st.UpdatedReplicas != *s.Spec.Replicas {
				return fmt.Errorf("%s: %d of %d pods are available, %d of the newest template%s", s.Name, st.AvailableReplicas, *s.Spec.Replicas, st.UpdatedReplicas, pending(ctx, namespace))
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// pending says why pods have no machine.
func pending(ctx context.Context, namespace string) string {
	pods, err := control.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err.Error()
	}
	var why strings.Builder
	for _, p := range pods.Items {
		for _, c := range p.Status.Conditions {
			if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
				fmt.Fprintf(&why, "; %s: %s", p.Name, c.Message)
			}
		}
	}
	return why.String()
}

// idle is a container that runs nothing, at an address that no other pod has.
func idle() func(*corev1.Pod) (string, container, error) {
	var mu sync.Mutex
	n := 0
	return func(*corev1.Pod) (string, container, error) {
		mu.Lock()
		defer mu.Unlock()
		n++
		return fmt.Sprintf("10.0.%d.%d", n/250, n%250+1), nothing{}, nil
	}
}

func podsOf(ctx context.Context, t *testing.T, namespace, component string) []corev1.Pod {
	t.Helper()
	pods, err := control.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/component=" + component})
	if err != nil {
		t.Fatal(err)
	}
	return pods.Items
}

// TestPodsOfEveryOverlayGetMachines: real controllers make the pods, and the real
// scheduler places them on machines as each overlay asks for, no two of a component on
// one.
func TestPodsOfEveryOverlayGetMachines(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	special := map[string][]string{"gpu": {"expertnode", "router"}, "trn1": {"expertnode"}} // need a device
	for overlay, change := range map[string]func(*corev1.Node){
		"cpu": nil, "dev": nil,
		"gpu": func(n *corev1.Node) {
			n.Labels["nvidia.com/gpu.present"], n.Labels["nvidia.com/gpu.memory"] = "true", "81559"
			n.Labels["nvidia.com/gpu.compute.major"], n.Labels["nvidia.com/gpu.compute.minor"] = "9", "0"
			n.Status.Capacity["nvidia.com/gpu"] = resource.MustParse("2")
		},
		"trn1": func(n *corev1.Node) {
			n.Labels[corev1.LabelInstanceTypeStable] = "trn1.32xlarge"
			n.Status.Capacity["aws.amazon.com/neuron"] = resource.MustParse("16")
		},
	} {
		t.Run(overlay, func(t *testing.T) {
			n, more, wanted := 8, "", map[string]int{"etcd": 3, "coordinator": 2, "expertnode": 8, "router": 2, "gateway": 2}
			if overlay == "dev" {
				n, more, wanted = 1, onOneMachine, map[string]int{"etcd": 1, "coordinator": 1, "expertnode": 1, "router": 1, "gateway": 1}
			}
			if err := control.machines(ctx, overlay, n, change); err != nil {
				t.Fatal(err)
			}
			namespace := "placed-" + overlay
			deploy(ctx, t, namespace, render(t, "overlays/tested", within(overlay, quick+more)), idle())
			allReady(ctx, t, namespace)
			for component, want := range wanted {
				machines := map[string]bool{}
				for _, p := range podsOf(ctx, t, namespace, component) {
					machines[p.Spec.NodeName] = true
					if slices.Contains(special[overlay], component) && !strings.HasPrefix(p.Spec.NodeName, overlay+"-") {
						t.Errorf("%s is on %s, which has no %s", p.Name, p.Spec.NodeName, overlay)
					}
				}
				if len(machines) != want {
					t.Errorf("%s: %d machines, want %d", component, len(machines), want)
				}
			}
		})
	}
}

// onOneMachine leaves the pods no machine but that of dev.
const onOneMachine = `
  - target: {kind: StatefulSet}
    patch: |-
      - {op: add, path: /spec/template/spec/nodeSelector, value: {machines: dev}}
`

// TestAutoscalersBeginWithTheirMinimum: the manifests name no number of pods, and the real
// controller makes the minimum of each autoscaler.
func TestAutoscalersBeginWithTheirMinimum(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := control.machines(ctx, "scaled", 8, nil); err != nil {
		t.Fatal(err)
	}
	const namespace = "scaled"
	deploy(ctx, t, namespace, render(t, "overlays/tested", composed("cpu", "autoscaling", quick)), idle())
	if err := control.until(ctx, func(ctx context.Context) error {
		for set, want := range map[string]int32{"expert": 8, "router": 2, "gateway": 2} {
			s, err := control.AppsV1().StatefulSets(namespace).Get(ctx, set, metav1.GetOptions{})
			if err != nil {
				return err
			}
			if s.Status.ReadyReplicas != want || *s.Spec.Replicas != want {
				return fmt.Errorf("%s: %d of %d pods, want %d", set, s.Status.ReadyReplicas, *s.Spec.Replicas, want)
			}
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// TestBudgetsRefuseASecondEviction, until the first pod is back.
func TestBudgetsRefuseASecondEviction(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := control.machines(ctx, "evicted", 8, nil); err != nil {
		t.Fatal(err)
	}
	const namespace = "evictions"
	gate, address := make(chan struct{}), idle()
	deploy(ctx, t, namespace, render(t, "overlays/tested", within("cpu", quick)), func(p *corev1.Pod) (string, container, error) {
		ip, _, err := address(p)
		return ip, nothing{gate: gate}, err
	})
	allReady(ctx, t, namespace)
	evict := func(pod string) error {
		return control.CoreV1().Pods(namespace).EvictV1(ctx, &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Name: pod, Namespace: namespace}})
	}
	for _, component := range []string{"expert", "router", "gateway", "coordinator", "etcd"} {
		// The budget's controller has counted the pods.
		if err := control.until(ctx, func(context.Context) error { return evict(component + "-0") }); err != nil {
			t.Errorf("%s: the first eviction: %v", component, err)
		}
		if err := evict(component + "-1"); !apierrors.IsTooManyRequests(err) {
			t.Errorf("%s: the second eviction while the first pod ends: %v, want that the budget refuses it", component, err)
		}
	}
	close(gate)
	allReady(ctx, t, namespace)
	for _, component := range []string{"expert", "router", "gateway", "coordinator", "etcd"} {
		if err := control.until(ctx, func(context.Context) error { return evict(component + "-1") }); err != nil {
			t.Errorf("%s: an eviction after the first pod is back: %v", component, err)
		}
	}
	allReady(ctx, t, namespace)
}

// roll does what `kubectl rollout restart` does.
func roll(ctx context.Context, t *testing.T, namespace, set string) {
	t.Helper()
	patch := fmt.Sprintf(`{"spec":{"template":{"metadata":{"annotations":{"kubectl.kubernetes.io/restartedAt":%q}}}}}`, time.Now().Format(time.RFC3339Nano))
	if _, err := control.AppsV1().StatefulSets(namespace).Patch(ctx, set, types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
}

// TestARolloutTakesOnePodAtATime, of every component.
func TestARolloutTakesOnePodAtATime(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := control.machines(ctx, "rolled", 8, nil); err != nil {
		t.Fatal(err)
	}
	const namespace = "rollouts"
	deploy(ctx, t, namespace, render(t, "overlays/tested", within("cpu", quick)), idle())
	allReady(ctx, t, namespace)
	for _, set := range []string{"expert", "router", "gateway", "coordinator", "etcd"} {
		before, err := control.AppsV1().StatefulSets(namespace).Get(ctx, set, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		watch, err := control.AppsV1().StatefulSets(namespace).Watch(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + set, ResourceVersion: before.ResourceVersion})
		if err != nil {
			t.Fatal(err)
		}
		roll(ctx, t, namespace, set)
		least, replaced := int(*before.Spec.Replicas), []int32{}
		for event := range watch.ResultChan() {
			s, ok := event.Object.(*appsv1.StatefulSet)
			if !ok {
				continue
			}
			least = min(least, int(s.Status.ReadyReplicas))
			if n := s.Status.UpdatedReplicas; s.Status.UpdateRevision != before.Status.UpdateRevision && (len(replaced) == 0 || replaced[len(replaced)-1] != n) {
				replaced = append(replaced, n)
			}
			if s.Status.UpdateRevision != before.Status.UpdateRevision && s.Status.CurrentRevision == s.Status.UpdateRevision {
				break
			}
		}
		watch.Stop()
		if err := ctx.Err(); err != nil {
			t.Fatalf("%s: %v", set, err)
		}
		if want := int(*before.Spec.Replicas) - 1; least < want {
			t.Errorf("%s: %d pods were ready at the worst, want %d", set, least, want)
		}
		if !slices.IsSorted(replaced) || len(replaced) < int(*before.Spec.Replicas) {
			t.Errorf("%s: pods of the new template were %v, want one more each time", set, replaced)
		}
	}
}

// TestTwoHundredExperts: 200 pods of expert nodes are on 200 machines, and one more pod
// waits.
func TestTwoHundredExperts(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	const n = 200
	if err := control.machines(ctx, "many", n, nil); err != nil {
		t.Fatal(err)
	}
	const namespace = "many"
	change := fmt.Sprintf(`
replicas: [{name: expert, count: %d}]
patches:
  - target: {kind: StatefulSet, name: expert}
    patch: |-
      - {op: replace, path: /spec/minReadySeconds, value: 0}
      - {op: add, path: /spec/template/spec/nodeSelector, value: {machines: many}}
  - target: {kind: StatefulSet, name: coordinator}
    patch: |-
      - {op: replace, path: /spec/template/spec/containers/0/args/9, value: --expect-nodes=%d}
`, n, n)
	deploy(ctx, t, namespace, render(t, "overlays/tested", within("cpu", change)), idle())
	allReady(ctx, t, namespace)
	machines := map[string]bool{}
	for _, p := range podsOf(ctx, t, namespace, "expertnode") {
		machines[p.Spec.NodeName] = true
	}
	if len(machines) != n {
		t.Errorf("the pods are on %d machines, want %d", len(machines), n)
	}
	if _, err := control.AppsV1().StatefulSets(namespace).Patch(ctx, "expert", types.MergePatchType, []byte(fmt.Sprintf(`{"spec":{"replicas":%d}}`, n+1)), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := control.until(ctx, func(ctx context.Context) error {
		if why := pending(ctx, namespace); !strings.Contains(why, fmt.Sprintf("expert-%d: ", n)) || !strings.Contains(why, "anti-affinity") {
			return fmt.Errorf("a pod more than machines: pending %q", why)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}
