package verify

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// kubelet runs the pods of an overlay, each at its own loopback address.
type kubelet struct {
	*Runner
	hachi    string // the program
	pods     []Pod
	operator *operator
	running  map[string]*Process
}

func newKubelet(t *testing.T, m *Manifests) *kubelet {
	t.Helper()
	k := &kubelet{pods: m.Pods(loopback(t)), running: map[string]*Process{}}
	k.hachi = builtImage(t).program()
	k.Runner = &Runner{
		Manifests: m, Names: m.NamesOf(k.pods), Model: filepath.Join(t.TempDir(), "tiny"), Dir: t.TempDir(),
		Images: map[string]Program{"hachi": {Path: k.hachi}, "quay.io/coreos/etcd": {os.Args[0], []string{etcdEnv + "=1"}}},
	}
	k.operator = newOperator(t, k.hosts)
	k.Secrets, k.Authority = k.operator.secrets, filepath.Join(k.operator.dir, "certs")
	if out, err := exec.Command(k.hachi, "model", "init", k.Model).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Cleanup(func() {
		for _, p := range k.running {
			p.Kill()
			if t.Failed() {
				t.Logf("%s said last:\n%s", p.Pod.Name, p.LastWords())
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
	run, err := k.Start(p)
	if err != nil {
		t.Fatal(err)
	}
	k.running[p.Name] = run
}

func (k *kubelet) command(t *testing.T, p Pod) *exec.Cmd {
	t.Helper()
	cmd, err := k.Command(p)
	if err != nil {
		t.Fatal(err)
	}
	return cmd
}

func (k *kubelet) ready(ctx context.Context, p Pod) error { return k.running[p.Name].Ready(ctx) }

func (k *kubelet) stop(p Pod) error { return k.running[p.Name].Stop() }

var hostFlag = regexp.MustCompile(`--host (\S+)`)

// hosts replaces the names that certificates are issued for by the addresses of the
// pods behind them: names are resolved before a process of this machine sees them.
func (k *kubelet) hosts(script string) string {
	return hostFlag.ReplaceAllStringFunc(script, func(flag string) string {
		name := strings.TrimSuffix(strings.TrimSuffix(hostFlag.FindStringSubmatch(flag)[1], ".svc"), ".hachi")
		out := []string{flag}
		for _, e := range k.Names.hosts[name] {
			out = append(out, "--host "+e.pod.IP)
		}
		return strings.Join(out, " ")
	})
}
