package verify

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// kubelet runs pods as processes, each at its own loopback address. Volumes are
// folders; names are resolved before a process sees them.
type kubelet struct {
	manifests *Manifests
	names     Names
	image     image
	pods      []Pod
	operator  *operator
	model     string // what the claim of that name holds
	dir       string // logs, and the root of each pod, which has its volumes
	running   map[string]*process
}

// process is the container of a pod.
type process struct {
	pod  Pod
	cmd  *exec.Cmd
	log  string
	done chan struct{} // closed when it ended
}

func newKubelet(t *testing.T, overlay string) *kubelet {
	t.Helper()
	k := &kubelet{manifests: render(t, overlay), image: builtImage(t), dir: t.TempDir(), running: map[string]*process{}}
	k.pods = k.manifests.Pods(loopback(t))
	k.names = k.manifests.NamesOf(k.pods)
	k.operator = newOperator(t, k.hosts)
	k.model = filepath.Join(t.TempDir(), "tiny")
	if out, err := exec.Command(k.image.program(), "model", "init", k.model).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Cleanup(func() {
		for _, p := range k.running {
			_ = p.cmd.Process.Kill() // it may have ended
			<-p.done
			if t.Failed() {
				t.Logf("%s said last:\n%s", p.pod.Name, p.lastWords())
			}
		}
	})
	return k
}

// pod finds a pod by name.
func (k *kubelet) pod(t *testing.T, name string) Pod {
	t.Helper()
	i := slices.IndexFunc(k.pods, func(p Pod) bool { return p.Name == name })
	if i < 0 {
		t.Fatalf("no pod is called %s", name)
	}
	return k.pods[i]
}

// start starts a pod's container.
func (k *kubelet) start(t *testing.T, p Pod) {
	t.Helper()
	k.mount(t, p)
	cmd := k.command(t, p)
	out, err := os.OpenFile(filepath.Join(k.dir, p.Name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	run := &process{pod: p, cmd: cmd, log: out.Name(), done: make(chan struct{})}
	k.running[p.Name] = run
	go func() {
		defer close(run.done)
		_ = cmd.Wait() // the state tells
	}()
}

// command is the container's program with its arguments and nothing in its
// environment that the manifests do not put there.
func (k *kubelet) command(t *testing.T, p Pod) *exec.Cmd {
	t.Helper()
	env, err := k.manifests.Environment(p)
	if err != nil {
		t.Fatal(err)
	}
	args, err := p.Arguments(env)
	if err != nil {
		t.Fatal(err)
	}
	for i, arg := range args {
		if args[i], err = k.names.Localize(p, k.local(p, arg)); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(k.image.program(), args...)
	cmd.Env = k.environment(t, p)
	if c := p.Workload.Container(); len(c.Command) > 0 {
		if c.Command[0] != "/usr/local/bin/etcd" {
			t.Fatalf("no image has %v", c.Command)
		}
		cmd = exec.Command(os.Args[0], args...)
		cmd.Env = append(k.environment(t, p), etcdEnv+"=1")
	}
	cmd.Dir = k.dir
	return cmd
}

func (k *kubelet) environment(t *testing.T, p Pod) []string {
	t.Helper()
	env, err := k.manifests.Environment(p)
	if err != nil {
		t.Fatal(err)
	}
	out := []string{} // not nil, which would be this process's own
	for name, value := range env {
		if value, err = k.names.Localize(p, k.local(p, value)); err != nil {
			t.Fatal(err)
		}
		out = append(out, name+"="+value)
	}
	return out
}

// ready waits as a kubelet does: for the startup probe, then for readiness.
func (k *kubelet) ready(ctx context.Context, p Pod) error {
	c := p.Workload.Container()
	for _, probe := range []*corev1.Probe{c.StartupProbe, c.LivenessProbe, c.ReadinessProbe} {
		for err := k.ask(ctx, p, probe); err != nil; err = k.ask(ctx, p, probe) {
			select {
			case <-k.running[p.Name].done:
				return fmt.Errorf("%s ended: %s", p.Name, k.running[p.Name].lastWords())
			case <-ctx.Done():
				return fmt.Errorf("%s: %w: %s", p.Name, err, k.running[p.Name].lastWords())
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
	return nil
}

// ask carries out a probe.
func (k *kubelet) ask(ctx context.Context, p Pod, probe *corev1.Probe) error {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(max(1, probe.TimeoutSeconds))*time.Second)
	defer cancel()
	port, _ := p.Workload.ProbePort(probe)
	if probe.HTTPGet == nil {
		return errors.New("this test does not know the probe")
	}
	scheme := strings.ToLower(string(cmp.Or(probe.HTTPGet.Scheme, corev1.URISchemeHTTP)))
	return askHTTP(ctx, fmt.Sprintf("%s://%s:%d%s", scheme, p.IP, port, probe.HTTPGet.Path))
}

// prober asks as a kubelet does: it verifies no certificate, and has none.
var prober = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}

func askHTTP(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := prober.Do(req)
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode < 200 || resp.StatusCode >= 400 {
		return fmt.Errorf("%s: %s", url, resp.Status)
	}
	return nil
}

// stop sends SIGTERM and waits as long as a kubelet would before it kills.
func (k *kubelet) stop(p Pod) error {
	run := k.running[p.Name]
	if err := run.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("%s: %w", p.Name, err)
	}
	select {
	case <-run.done:
	case <-time.After(p.Workload.Grace()):
		return fmt.Errorf("%s had to be killed %v after SIGTERM: %s", p.Name, p.Workload.Grace(), run.lastWords())
	}
	// etcd ends by the signal itself once it is done.
	if code := run.cmd.ProcessState.ExitCode(); code != 0 && p.Workload.Component != "etcd" {
		return fmt.Errorf("%s: exit status %d: %s", p.Name, code, run.lastWords())
	}
	return nil
}

// crash begins what the Go runtime says at the end of a process.
var crash = regexp.MustCompile(`(?m)^(panic|fatal error|unexpected fault|SIG[A-Z]+):`)

func (p *process) lastWords() string {
	raw, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	if at := crash.FindIndex(raw); at != nil { // its first lines say why
		return string(raw[max(0, at[0]-500):min(len(raw), at[0]+2500)])
	}
	return string(raw[max(0, len(raw)-1500):])
}
