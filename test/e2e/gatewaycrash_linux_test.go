//go:build !race

package e2e

import (
	"testing"

	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/test/e2e/internal/harness"
)

// TestACrashOfAGatewayOrBehindItStopsNoStreamOfOthers: the streams of a router that
// crashes go on at the other, those of a router need no gateway, and each process runs
// again.
func TestACrashOfAGatewayOrBehindItStopsNoStreamOfOthers(t *testing.T) {
	harness.Slow(t)
	t.Parallel()
	cluster := gatewayCluster(t, 2)
	want := harness.MustCompleteAll(t, cluster.URL(), harness.StreamTokens)
	for i, signal := range crashes {
		serveAgain(t, cluster, 2)
		cluster.DuringAnswers(t, func() { crash(t, cluster, []string{"router-0", "router-1"}[i%2], signal) })
		serveAgain(t, cluster, 2)
		crashBeside(t, cluster, "gateway-0", signal, "http://"+cluster.View(t).Routers[0].GetHttpAddr(), want)
		eventually.True(t, "the gateway serves", func() bool { return harness.Serves(cluster.URL()) })
	}
	harness.Compare(t, "at the gateway that crashed", harness.MustCompleteAll(t, cluster.URL(), harness.StreamTokens), want)
}
