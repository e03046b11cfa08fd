package kube

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hachi-serve/hachi/deploy/k8s/verify"
)

// processes runs the pods of an overlay as processes of this machine.
type processes struct {
	verify.Runner
	pods []verify.Pod // with the addresses that pods of their names get
}

// newProcesses renders the overlay whose pods it runs.
func newProcesses(t *testing.T, files map[string]string) *processes {
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
	m, err := verify.Render(fs, "k8s/overlays/tested")
	if err != nil {
		t.Fatal(err)
	}
	pid := os.Getpid()
	p := &processes{pods: m.Pods(func(i int) string { return fmt.Sprintf("127.%d.%d.%d", 1+pid/250%250, 1+pid%250, i+1) })}
	p.Runner = verify.Runner{
		Manifests: m, Names: m.NamesOf(p.pods), Dir: t.TempDir(),
		Images: map[string]verify.Program{"hachi": {Path: *program}, "quay.io/coreos/etcd": {Path: os.Args[0], Env: []string{etcdEnv + "=1"}}},
	}
	return p
}

// run starts what the API server says of a pod, which its controller has made.
func (p *processes) run(pod *corev1.Pod) (string, container, error) {
	i := slices.IndexFunc(p.pods, func(known verify.Pod) bool { return known.Name == pod.Name })
	if i < 0 {
		return "", nil, errors.New("the overlay has no pod of this name")
	}
	found := p.pods[i]
	found.Workload.Template = &corev1.PodTemplateSpec{ObjectMeta: pod.ObjectMeta, Spec: pod.Spec}
	process, err := p.Start(found)
	return inCluster(found.IP), running{process}, err
}

// The API server takes no loopback address for an endpoint. The addresses of pods begin
// with 10 there, and with 127 on this machine.
func inCluster(ip string) string { return "10." + strings.TrimPrefix(ip, "127.") }
func here(ip string) string      { return "127." + strings.TrimPrefix(ip, "10.") }

// running is a container that is a process.
type running struct{ *verify.Process }

func (r running) ready(ctx context.Context) error {
	if err := r.Ready(ctx); ctx.Err() == nil {
		return err
	}
	return nil
}

func (r running) stop() error {
	if l := r.Pod.Workload.Container().Lifecycle; l != nil && l.PreStop != nil && l.PreStop.Sleep != nil {
		time.Sleep(time.Duration(l.PreStop.Sleep.Seconds) * time.Second)
	}
	return r.Stop()
}

// viaService is a client whose connections go where the Service leads: to an endpoint
// that serves, as the API server knows them.
func viaService(namespace, service string) *http.Client {
	var next atomic.Int64
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		endpoints, err := endpointsOf(ctx, namespace, service, port)
		if err != nil {
			return nil, err
		}
		if len(endpoints) == 0 {
			return nil, fmt.Errorf("no endpoint of the Service %s is ready", service)
		}
		return (&net.Dialer{}).DialContext(ctx, network, endpoints[int(next.Add(1))%len(endpoints)])
	}
	return &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
}

func endpointsOf(ctx context.Context, namespace, service, port string) ([]string, error) {
	s, err := control.CoreV1().Services(namespace).Get(ctx, service, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(s.Spec.Ports, func(p corev1.ServicePort) bool { return strconv.Itoa(int(p.Port)) == port })
	if i < 0 {
		return nil, fmt.Errorf("the Service %s has no port %s", service, port)
	}
	all, err := control.DiscoveryV1().EndpointSlices(namespace).List(ctx, metav1.ListOptions{LabelSelector: discoveryv1.LabelServiceName + "=" + service})
	if err != nil {
		return nil, err
	}
	var out []string
	for _, slice := range all.Items {
		for _, p := range slice.Ports {
			if *p.Name != s.Spec.Ports[i].Name {
				continue
			}
			for _, e := range slice.Endpoints {
				if *e.Conditions.Ready {
					out = append(out, net.JoinHostPort(here(e.Addresses[0]), strconv.Itoa(int(*p.Port))))
				}
			}
		}
	}
	return out, nil
}

// stream asks for an answer, calls begun after its first piece, and returns its text.
func stream(ctx context.Context, client *http.Client, seed int, begun func()) (string, error) {
	body, err := json.Marshal(map[string]any{"model": "hachi-mini", "prompt": "The eight of us walked to the river", "max_tokens": 100, "temperature": 1, "seed": seed, "ignore_eos": true, "stream": true})
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://localhost:8080/v1/completions", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var text strings.Builder
	whole := false
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		if whole = data == "[DONE]"; whole {
			break
		}
		var piece struct {
			Choices []struct {
				Text   string
				Finish string `json:"finish_reason"`
			}
		}
		if err := json.Unmarshal([]byte(data), &piece); err != nil || len(piece.Choices) != 1 {
			return "", fmt.Errorf("%s: %w", data, err)
		}
		if text.Len() == 0 && begun != nil {
			begun()
		}
		text.WriteString(piece.Choices[0].Text + piece.Choices[0].Finish)
	}
	if err := lines.Err(); err != nil || !whole {
		return "", fmt.Errorf("%s: an answer that breaks off after %q: %w", resp.Status, text.String(), err)
	}
	return text.String(), nil
}

// load streams answers again and again until the test is over, and compares them.
type load struct {
	answers atomic.Int64
	all     sync.WaitGroup
	end     context.CancelFunc

	mu     sync.Mutex
	faults []error
}

const clients = 3

func startLoad(ctx context.Context, client *http.Client, want []string) *load {
	l := &load{}
	ctx, l.end = context.WithCancel(ctx)
	for seed := range clients {
		l.all.Go(func() {
			for ctx.Err() == nil {
				got, err := stream(context.WithoutCancel(ctx), client, seed, nil)
				if err == nil && got != want[seed] {
					err = fmt.Errorf("seed %d: %q, want %q", seed, got, want[seed])
				}
				l.answers.Add(1)
				if err != nil {
					l.mu.Lock()
					l.faults = append(l.faults, err)
					l.mu.Unlock()
				}
			}
		})
	}
	return l
}

// stop returns how many answers there were, and those that were not as they should be.
func (l *load) stop() (int64, []error) {
	l.end()
	l.all.Wait()
	return l.answers.Load(), l.faults
}

// TestPodsServeWhileControllersReplaceThem runs every pod of the overlay dev: real
// controllers make them, the scheduler places them, clients come by the Service of the
// gateways. An expert node is deleted in the middle of a stream, and so is a router; then
// every StatefulSet of hachi rolls. Every answer is that of an undisturbed cluster.
func TestPodsServeWhileControllersReplaceThem(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	if err := control.machines(ctx, "serving", 1, nil); err != nil {
		t.Fatal(err)
	}
	const namespace = "served"
	// A second gateway, so that one is there while the other is replaced.
	files := within("dev", "replicas: [{name: gateway, count: 2}]\n"+strings.Replace(quick, "value: 1", "value: 3", 1))
	deploy(ctx, t, namespace, render(t, "overlays/tested", files), newProcesses(t, files).run)
	allReady(ctx, t, namespace)
	undisturbed(ctx, t, namespace, viaService(namespace, "gateway"), []string{"expert-1", "router-0", "router-1"})
}

// undisturbed deletes pods in the middle of streams, and rolls every StatefulSet of hachi:
// every answer is that from before.
func undisturbed(ctx context.Context, t *testing.T, namespace string, client *http.Client, pods []string) {
	t.Helper()
	var want []string
	for seed := range clients {
		text, err := stream(ctx, client, seed, nil)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, text)
	}
	if want[0] == want[1] || want[1] == want[2] {
		t.Fatalf("answers of different seeds are alike: %q", want)
	}
	for _, pod := range pods {
		var old types.UID
		got, err := stream(ctx, client, 0, func() { old = deletePod(ctx, t, namespace, pod) })
		if err != nil || got != want[0] {
			t.Errorf("with %s deleted: %q, %v; want %q", pod, got, err, want[0])
		}
		replaced(ctx, t, namespace, pod, old)
	}
	l := startLoad(ctx, client, want)
	for _, set := range []string{"expert", "router", "gateway", "coordinator"} {
		before := l.answers.Load()
		roll(ctx, t, namespace, set)
		allReady(ctx, t, namespace)
		t.Logf("%s: %d answers while its pods were replaced", set, l.answers.Load()-before)
	}
	answers, faults := l.stop()
	for _, err := range faults {
		t.Error(err)
	}
	if answers < 3*clients {
		t.Errorf("%d answers are too few to show anything", answers)
	}
}

func deletePod(ctx context.Context, t *testing.T, namespace, pod string) types.UID {
	t.Helper()
	old, err := control.CoreV1().Pods(namespace).Get(ctx, pod, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := control.CoreV1().Pods(namespace).Delete(ctx, pod, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	return old.UID
}

// replaced waits until a pod of the name is another one.
func replaced(ctx context.Context, t *testing.T, namespace, pod string, old types.UID) {
	t.Helper()
	if err := control.until(ctx, func(ctx context.Context) error {
		fresh, err := control.CoreV1().Pods(namespace).Get(ctx, pod, metav1.GetOptions{})
		if err == nil && fresh.UID == old {
			err = fmt.Errorf("%s is still there", pod)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	allReady(ctx, t, namespace)
}
