package e2e

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/freeport"
	"github.com/hachi-serve/hachi/internal/identity"
	"github.com/hachi-serve/hachi/test/e2e/internal/harness"
)

// TestStoppedWhileEtcdIsAway: a role that has joined ends with 0 when it is asked to,
// though it cannot say so in etcd.
func TestStoppedWhileEtcdIsAway(t *testing.T) {
	harness.Slow(t)
	t.Parallel()
	cluster := hachi.Cluster(t, nil)
	second := freeport.Address(t)
	common := []string{"--etcd", cluster.Endpoints()[0]}
	router := hachi.Start(t, append(append(cluster.Security(t, identity.Router, "router-1"), "router", "--id", "router-1", "--model", hachi.Model,
		"--listen", second, "--grpc", "127.0.0.1:0", "--kv-cache-memory", "64Mi"), common...)...)
	node := hachi.Start(t, append(append(cluster.Security(t, identity.Expert, "expert-9"), "expertnode", "--id", "expert-9", "--model", hachi.Model,
		"--listen", "127.0.0.1:0"), common...)...)
	front := freeport.Address(t)
	gateway := hachi.Start(t, append(append(cluster.Security(t, identity.Gateway, "gateway-9"), "gateway", "--id", "gateway-9", "--model", hachi.Model,
		"--listen", front, "--grpc", "127.0.0.1:0"), common...)...)
	standby := hachi.Start(t, append(append(cluster.Security(t, identity.Coordinator, "coordinator-9"), "coordinator", "--id", "coordinator-9",
		"--listen", "127.0.0.1:0"), common...)...)
	eventually.True(t, "the second router serves", func() bool { return harness.Serves("http://" + second) })
	eventually.True(t, "the gateway serves", func() bool { return harness.Serves("http://" + front) })
	eventually.True(t, "the node is registered", func() bool { return cluster.Node(t, "expert-9") != nil })
	cluster.StopEtcd()
	waiting := hachi.Start(t, append(append(cluster.Security(t, identity.Gateway, "gateway-8"), "gateway", "--id", "gateway-8", "--model", hachi.Model,
		"--listen", "127.0.0.1:0", "--grpc", "127.0.0.1:0"), common...)...)
	eventually.True(t, "the second gateway waits for etcd", func() bool { return strings.Contains(waiting.Output(t), "waiting for etcd") })
	for name, p := range map[string]*harness.Process{"router": router, "expert node": node, "coordinator": standby, "gateway": gateway, "gateway that waits": waiting} {
		if err := errors.Join(p.Process.Signal(syscall.SIGTERM), p.Wait()); err != nil {
			t.Errorf("%s: %v\n%s", name, err, p.Output(t))
		}
	}
}
