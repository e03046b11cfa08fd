package verify

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// manifests is deploy/k8s, which is k8s among the files that load reads.
const manifests = ".."

var overlays = []string{"cpu", "dev", "gpu", "trn1"}

// tree is every file of the manifests.
var tree = sync.OnceValues(func() (map[string][]byte, error) {
	fs, err := Load(manifests + "/..")
	if err != nil {
		return nil, err
	}
	// The first rendering reads the schema of kustomize, which is a variable of its package.
	if _, err := Documents(fs, "k8s/base"); err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	return files, fs.Walk(filesys.SelfDir, func(file string, d os.FileInfo, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files[file], err = fs.ReadFile(file)
		return err
	})
})

// load returns files that a test may change.
func load(t *testing.T) filesys.FileSystem {
	t.Helper()
	files, err := tree()
	if err != nil {
		t.Fatal(err)
	}
	fs := filesys.MakeFsInMemory()
	for file, raw := range files {
		if err := fs.WriteFile(file, raw); err != nil {
			t.Fatal(err)
		}
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
	t.Parallel()
	for _, overlay := range overlays {
		t.Run(overlay, func(t *testing.T) {
			t.Parallel()
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
	t.Parallel()
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

// placing is what makes the pods of one overlay different from those of another.
type placing struct {
	image, backend string
	onGPU          bool   // attention
	device         string // and how many
	selector       map[string]string
	toleration     string
}

func placingOf(w *Workload) (got placing) {
	got.image, _, _ = strings.Cut(w.Container().Image, ":")
	got.backend, _ = w.Flag("backend")
	got.onGPU = slices.Contains(w.Container().Args, "--gpu-attention")
	got.selector = w.Template.Spec.NodeSelector
	for name, n := range w.Container().Resources.Limits {
		if strings.Contains(string(name), "/") {
			got.device = fmt.Sprintf("%s=%s", name, n.String())
		}
	}
	for _, toleration := range w.Template.Spec.Tolerations {
		if toleration.Operator == corev1.TolerationOpExists && toleration.Effect == corev1.TaintEffectNoSchedule {
			got.toleration += toleration.Key
		}
	}
	return got
}

// TestWhatComputes: on cores, but for experts on Trainium, and for everything on GPUs.
func TestWhatComputes(t *testing.T) {
	t.Parallel()
	cores := placing{image: "hachi", backend: "cpu"}
	gpu := placing{
		image: "hachi-cuda", backend: "cuda", onGPU: true, device: "nvidia.com/gpu=1", toleration: "nvidia.com/gpu",
		selector: map[string]string{"nvidia.com/gpu.present": "true", "nvidia.com/gpu.compute.major": "9", "nvidia.com/gpu.compute.minor": "0"},
	}
	trainium := placing{
		image: "hachi-neuron", backend: "sidecar", device: "aws.amazon.com/neuron=16", toleration: "aws.amazon.com/neuron",
		selector: map[string]string{"node.kubernetes.io/instance-type": "trn1.32xlarge"},
	}
	for overlay, want := range map[string]map[string]placing{
		"cpu":  {"expertnode": cores, "router": cores},
		"dev":  {"expertnode": cores, "router": cores},
		"gpu":  {"expertnode": gpu, "router": gpu},
		"trn1": {"expertnode": trainium, "router": cores},
	} {
		for component, want := range want {
			if got := placingOf(render(t, overlay).Workload(component)); !reflect.DeepEqual(got, want) {
				t.Errorf("%s, %s: %+v, want %+v", overlay, component, got, want)
			}
		}
	}
}

// TestTrainiumHelpers: one for each NeuronCore, their programs on a volume of the pod's
// own, and one name for the family that routers and nodes agree on.
func TestTrainiumHelpers(t *testing.T) {
	m := render(t, "trn1")
	w := m.Workload("expertnode")
	chips := quantity(w.Container(), "aws.amazon.com/neuron")
	if n, _ := w.Flag("sidecar-helpers"); n != fmt.Sprint(2*chips) {
		t.Errorf("%s helpers, want two for each of %d chips", n, chips)
	}
	command, _ := w.Flag("sidecar")
	_, cache, _ := strings.Cut(command, "--cache ")
	if !(Pod{Workload: *w}).mounted(cache) || !slices.ContainsFunc(w.Set.Spec.VolumeClaimTemplates, func(c corev1.PersistentVolumeClaim) bool { return c.Name == "cache" }) {
		t.Errorf("the helper is %q: want its cache on a volume", command)
	}
	stages, err := parseDockerfile(neuronDockerfile)
	if err != nil {
		t.Fatal(err)
	}
	program := strings.Fields(command)[1]
	if !slices.ContainsFunc(stages[len(stages)-1].Commands, func(c instructions.Command) bool {
		copied, ok := c.(*instructions.CopyCommand)
		return ok && copied.DestPath == program
	}) {
		t.Errorf("the image has no %s", program)
	}
	for _, component := range []string{"expertnode", "router"} {
		env, err := m.Environment(Pod{Workload: *m.Workload(component)})
		if _, ok := env["HACHI_EXPERT_FAMILY"]; err != nil || !ok {
			t.Errorf("%s: %v, no variable for the family in %v", component, err, env)
		}
	}
}

// TestOverlaysShareTheRest: what does not compute is the same everywhere, so
// what is shown of it for one overlay holds for all but dev.
func TestOverlaysShareTheRest(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
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
