package doctor

import (
	"context"
	"os"
	"sync"

	"github.com/hachi-serve/hachi/internal/status"
)

// GatherCluster asks etcd, the leader and every process of a cluster. An error of etcd is
// a fact, and leaves the rest out.
func GatherCluster(ctx context.Context, where status.Where) (etcd []EtcdFacts, certificates []CertificateFacts, cluster *ClusterFacts) {
	etcd = gatherEtcd(ctx, where)
	view, err := status.ReadView(ctx, where)
	if err != nil {
		return etcd, nil, nil
	}
	seen, why := view.AskStatus(ctx)
	cluster = &ClusterFacts{Status: status.Describe(view, seen, why), Fingerprints: map[string]string{}}
	cluster.Host, _ = os.Hostname() // "" is no process's
	for _, n := range view.Nodes {
		cluster.Fingerprints[n.GetNodeId()] = n.GetFingerprint()
		cluster.ExpertBytes = max(cluster.ExpertBytes, int64(n.GetExpertBytes()))
	}
	asked := targets(view)
	cluster.Processes = make([]ProcessFacts, len(asked))
	ends := make([]*CertificateFacts, len(asked))
	var wait sync.WaitGroup
	for i, t := range asked {
		wait.Go(func() { cluster.Processes[i], ends[i] = t.ask(ctx) })
	}
	wait.Wait()
	for _, c := range ends {
		if c != nil {
			certificates = append(certificates, *c)
		}
	}
	return etcd, certificates, cluster
}
