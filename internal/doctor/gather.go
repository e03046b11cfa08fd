package doctor

import (
	"context"
	"os"
	"sync"

	"github.com/hachi-serve/hachi/internal/status"
)

// GatherEtcd asks each endpoint of etcd.
func (f *Facts) GatherEtcd(ctx context.Context, where status.Where) { f.Etcd = gatherEtcd(ctx, where) }

// GatherCluster asks etcd, the leader and every process of a cluster. Records that cannot
// be read are a fact, and leave the rest out.
func (f *Facts) GatherCluster(ctx context.Context, where status.Where) {
	f.GatherEtcd(ctx, where)
	view, err := status.ReadView(ctx, where)
	if err != nil {
		f.Unreadable = err.Error()
		return
	}
	seen, why := view.AskStatus(ctx)
	cluster := &ClusterFacts{Status: status.Describe(view, seen, why), Fingerprints: map[string]string{}, RouterFingerprints: map[string]string{}}
	cluster.Host, _ = os.Hostname() // "" is no process's
	for _, n := range view.Nodes {
		cluster.Fingerprints[n.GetNodeId()] = n.GetFingerprint()
		cluster.ExpertBytes = max(cluster.ExpertBytes, int64(n.GetExpertBytes()))
	}
	for _, r := range view.Routers {
		cluster.RouterFingerprints[r.GetRouterId()] = r.GetFingerprint()
	}
	asked := targets(view)
	cluster.Processes = make([]ProcessFacts, len(asked))
	ends := make([]*CertificateFacts, len(asked))
	var wait sync.WaitGroup
	for i, t := range asked {
		wait.Go(func() { cluster.Processes[i], ends[i] = t.ask(ctx) })
	}
	wait.Wait()
	f.Cluster = cluster
	for _, c := range ends {
		if c != nil {
			f.Certificates = append(f.Certificates, *c)
		}
	}
}
