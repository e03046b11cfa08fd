package verify

import (
	"errors"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// manifests is deploy/k8s, which is k8s among the files that load reads.
const manifests = ".."

var overlays = []string{"cpu", "dev", "gpu", "trn1"}

func load(t *testing.T) filesys.FileSystem {
	t.Helper()
	fs, err := Load(manifests + "/..")
	if err != nil {
		t.Fatal(err)
	}
	return fs
}

func render(t *testing.T, overlay string) *Manifests {
	t.Helper()
	m, err := Render(load(t), "k8s/overlays/"+overlay)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestOverlaysHaveNoFaults(t *testing.T) {
	for _, overlay := range overlays {
		t.Run(overlay, func(t *testing.T) {
			for _, err := range Check(render(t, overlay)) {
				t.Error(err)
			}
		})
	}
}

// TestNoOverlayIsForgotten: a folder that is not in the list is not checked.
func TestNoOverlayIsForgotten(t *testing.T) {
	entries, err := os.ReadDir(manifests + "/overlays")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if !slices.Equal(got, overlays) {
		t.Errorf("the overlays are %v, want %v", got, overlays)
	}
}

func TestPods(t *testing.T) {
	usual := map[string]int{"etcd": 3, "coordinator": 2, "expertnode": 8, "router": 2, "gateway": 2}
	for _, overlay := range overlays {
		want := usual
		if overlay == "dev" {
			want = map[string]int{"etcd": 1, "coordinator": 1, "expertnode": 2, "router": 2, "gateway": 1}
		}
		got := map[string]int{}
		for _, p := range render(t, overlay).Pods(func(int) string { return "" }) {
			got[p.Workload.Component]++
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s: pods %v, want %v", overlay, got, want)
		}
	}
}

// TestWhatComputes holds what makes one overlay different from another.
func TestWhatComputes(t *testing.T) {
	type placing struct {
		backend    string
		device     corev1.ResourceName
		selector   map[string]string
		toleration string
	}
	want := map[string]placing{
		"cpu":  {backend: "cpu"},
		"dev":  {backend: "cpu"},
		"gpu":  {"gpu", "nvidia.com/gpu", map[string]string{"nvidia.com/gpu.present": "true"}, "nvidia.com/gpu"},
		"trn1": {"neuron", "aws.amazon.com/neuron", map[string]string{"node.kubernetes.io/instance-type": "trn1.32xlarge"}, "aws.amazon.com/neuron"},
	}
	for _, overlay := range overlays {
		m := render(t, overlay)
		for _, component := range []string{"expertnode", "router"} {
			w, got := m.Workload(component), placing{}
			got.backend, _ = w.Flag("backend")
			got.selector = w.Template.Spec.NodeSelector
			for name := range w.Container().Resources.Limits {
				if strings.Contains(string(name), "/") {
					got.device = name
				}
			}
			for _, toleration := range w.Template.Spec.Tolerations {
				if toleration.Operator == corev1.TolerationOpExists && toleration.Effect == corev1.TaintEffectNoSchedule {
					got.toleration += toleration.Key
				}
			}
			if !reflect.DeepEqual(got, want[overlay]) {
				t.Errorf("%s, %s: %+v, want %+v", overlay, component, got, want[overlay])
			}
		}
	}
}

// TestOverlaysShareTheRest: what does not compute is the same everywhere, so
// what is shown of it for one overlay holds for all but dev.
func TestOverlaysShareTheRest(t *testing.T) {
	first := render(t, "cpu")
	for _, overlay := range []string{"gpu", "trn1"} {
		m := render(t, overlay)
		for _, component := range []string{"etcd", "coordinator", "gateway"} {
			if !reflect.DeepEqual(m.Workload(component), first.Workload(component)) {
				t.Errorf("%s: %s differs from that of cpu", overlay, component)
			}
		}
		if !reflect.DeepEqual(m.Services, first.Services) || !reflect.DeepEqual(m.Budgets, first.Budgets) {
			t.Errorf("%s: Services or budgets differ from those of cpu", overlay)
		}
	}
}

// TestShape computes by hand what memory.go computes.
func TestShape(t *testing.T) {
	for _, c := range []struct {
		what      string
		got, want int64
	}{
		{"expert", mixtral.expertBytes(), 336 << 20},
		{"column", 32 * mixtral.expertBytes(), 10<<30 + 512<<20},
		{"dense", mixtral.denseBytes(), 3_208_642_560},
		{"token", mixtral.tokenBytes(), 128 << 10},
		{"one of eight, none away", mixtral.neededCapacity(2, 8, 0), 64 * 336 << 20},
		{"one of eight, one away", mixtral.neededCapacity(2, 8, 1), 74 * 336 << 20},
		{"expert of hachi-mini", mini.expertBytes(), 432 << 10},
		{"all experts of hachi-mini", mini.neededCapacity(2, 2, 0), 20<<20 + 256<<10},
		{"token of hachi-mini", mini.tokenBytes(), 3 << 10},
	} {
		if c.got != c.want {
			t.Errorf("%s: %d bytes, want %d", c.what, c.got, c.want)
		}
	}
}

func TestDocumentedManifests(t *testing.T) {
	raw, err := os.ReadFile("../../../docs/kubernetes.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(raw), "```yaml\n")[1:]
	if len(blocks) == 0 {
		t.Fatal("docs/kubernetes.md shows no YAML: the test proves nothing")
	}
	for i, block := range blocks {
		block, _, _ = strings.Cut(block, "```")
		for _, document := range strings.Split(block, "---\n") {
			if err := documented(t, document); err != nil {
				t.Errorf("block %d: %v\n%s", i+1, err, document)
			}
		}
	}
}

// documented decodes an object, or renders a kustomization as an overlay beside the
// others and checks it.
func documented(t *testing.T, document string) error {
	if !strings.Contains(document, "kind: Kustomization") {
		object, err := decode([]byte(document))
		if err != nil {
			return err
		}
		var f faults
		if pod, ok := object.(*corev1.Pod); ok {
			checkStandard(&f, pod.Name, &pod.ObjectMeta, &pod.Spec)
		}
		return errors.Join(f...)
	}
	fs := load(t)
	if err := fs.WriteFile("k8s/overlays/documented/kustomization.yaml", []byte(document)); err != nil {
		return err
	}
	m, err := Render(fs, "k8s/overlays/documented")
	if err != nil {
		return err
	}
	return errors.Join(Check(m)...)
}
