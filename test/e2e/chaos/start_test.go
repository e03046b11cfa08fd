package chaos

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/freeport"
	"github.com/hachi-serve/hachi/internal/identity"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/namespaces"
	"github.com/hachi-serve/hachi/internal/weights/mini"
	"github.com/hachi-serve/hachi/test/e2e/internal/harness"
)

// apart are the processes that have a network of their own: all but the gateways,
// which the clients of this process call.
func apart() (out []string) {
	out = append(memberNames(), "coordinator-0", "coordinator-1", guest)
	for i := range routers {
		out = append(out, fmt.Sprintf("router-%d", i))
	}
	for i := range nodes {
		out = append(out, fmt.Sprintf("expert-%d", i))
	}
	return out
}

// logsDisk is the size of the disk with configurations and logs in MiB.
const logsDisk = 64

// start starts a cluster that serves hachi-mini, with a second coordinator and gateway.
func start(t *testing.T) *world {
	t.Helper()
	w := &world{dir: filepath.Join(t.TempDir(), "data"), extras: map[string]*process{}, admins: map[string]string{}}
	model := filepath.Join(t.TempDir(), mini.Name)
	if err := mini.Write(model); err != nil {
		t.Fatal(err)
	}
	var err error
	if w.network, err = namespaces.New(t.Context(), apart()...); err != nil {
		t.Logf("no packet is disturbed, and no disk fills up: %v", err)
	} else {
		t.Cleanup(func() {
			if err := w.network.Close(); err != nil {
				t.Error(err)
			}
		})
		if err := mount(t, w.dir, logsDisk); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		for _, line := range harness.ProcessesWith(t, w.dir) {
			t.Errorf("a process is left: %s", line)
		}
	})
	if w.store, err = newStore(t, filepath.Join(filepath.Dir(w.dir), "etcd"), w.network != nil, w.address, w.inside); err != nil {
		t.Fatal(err)
	}
	w.cluster = hachi.Cluster(t, func(c *local.UpConfig) {
		c.Model.Dir, c.DataDir, c.Nodes, c.Routers, c.Placement.Replicas, c.Restart = model, w.dir, nodes, routers, replicas, true
		c.Etcd, c.Security.EtcdCertificates = w.store.endpoints, w.store.certificates
		c.Host, c.Security.Insecure = w.address, w.network != nil // the bridge is of this machine only
		c.Exec = func(name string, argv []string) []string { return w.inside(name, w.watched(t, name, argv)) }
		w.gates = append(w.gates, &gate{name: "gateway-0", url: "http://" + c.Listen})
	}).Cluster
	if w.admin, err = w.adminClient(); err != nil {
		t.Fatal(err)
	}
	listen := freeport.Address(t)
	w.gates = append(w.gates, &gate{name: "gateway-1", url: "http://" + listen})
	w.extra(t, "gateway", identity.Gateway, "gateway-0", "gateway-1", "--listen", listen, "--grpc", "127.0.0.1:0")
	w.extra(t, "coordinator", identity.Coordinator, "coordinator-0", "coordinator-1")
	w.extra(t, "expertnode", identity.Expert, "expert-0", guest)
	for _, name := range []string{"gateway-1", "coordinator-1"} {
		if err := w.extras[name].Start(); err != nil {
			t.Fatal(err)
		}
	}
	for _, g := range w.gates {
		eventually.True(t, g.name+" serves", func() bool { return g.serves(t.Context()) })
	}
	w.drain = func(ctx context.Context, args ...string) error {
		out, err := exec.CommandContext(ctx, hachi.Binary, append([]string{"drain", "--data-dir", w.dir}, args...)...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	}
	return w
}

// address is that on which a process listens.
func (w *world) address(name string) string {
	if w.network == nil {
		return "127.0.0.1"
	}
	return w.network.Address(name)
}

// inside is the command line of a process in its network.
func (w *world) inside(name string, argv []string) []string {
	if w.network == nil {
		return argv
	}
	return w.network.Command(name, argv)
}

// watched lets a process tell what it uses, by an admin API.
func (w *world) watched(t *testing.T, name string, argv []string) []string {
	_, port, err := net.SplitHostPort(freeport.Address(t))
	if err != nil {
		t.Fatal(err)
	}
	address := net.JoinHostPort(w.address(name), port)
	w.admins[name] = "https://" + address
	return append(argv, "--admin-listen", address)
}

// extra makes the command line of a process that `hachi up` does not start, with the
// configuration of another of its role, until the test ends.
func (w *world) extra(t *testing.T, command string, as identity.Role, like, name string, more ...string) {
	t.Helper()
	certificates, err := w.cluster.Certificates(as, name)
	if err != nil {
		t.Fatal(err)
	}
	argv := []string{hachi.Binary, command, "--id", name, "--config", filepath.Join(w.dir, "config", like+".yaml"),
		"--certificates", certificates, "--gossip", net.JoinHostPort(w.address(name), "0")}
	if len(more) == 0 {
		more = []string{"--listen", net.JoinHostPort(w.address(name), "0")}
	}
	if argv = append(argv, more...); name != guest { // which is not there before and after
		argv = w.watched(t, name, argv)
	}
	p := &process{argv: w.inside(name, argv), env: []string{"GOMAXPROCS=2"}, log: filepath.Join(w.dir, "logs", name+".log")}
	w.extras[name] = p
	t.Cleanup(func() { p.Hold(syscall.SIGTERM) })
}
