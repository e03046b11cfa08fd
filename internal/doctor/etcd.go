package doctor

import (
	"slices"
	"strings"
	"time"
)

const (
	// fullShare is the share of the quota from which an operator should act: etcd takes no
	// write when the quota is reached.
	fullShare = 0.8
	// slowEtcd is much longer than a healthy member takes.
	slowEtcd = 500 * time.Millisecond
)

// judgeEtcd reports members that are away, full, slow or without a leader.
func judgeEtcd(f Facts, out *findings) {
	away := 0
	for _, m := range f.Etcd {
		if m.Err != "" {
			away++
			out.add(Fault, m.Endpoint, "start etcd there, or correct --etcd and --etcd-certificates", "the member of etcd does not answer: %s", m.Err)
			continue
		}
		if slices.Contains(m.Alarms, "NOSPACE") {
			out.add(Fault, m.Endpoint, "compact and defragment (`etcdctl compact`, `etcdctl defrag`), then `etcdctl alarm disarm`; raise --quota-backend-bytes", "etcd is full and takes no write")
		} else if m.Quota > 0 && float64(m.Size) > fullShare*float64(m.Quota) {
			out.add(Warning, m.Endpoint, "`etcdctl defrag`, and turn auto-compaction on; raise --quota-backend-bytes if it grows again",
				"its database has %d of the %d MiB of its quota", m.Size>>20, m.Quota>>20)
		}
		if others := slices.DeleteFunc(slices.Clone(m.Alarms), func(a string) bool { return a == "NOSPACE" }); len(others) > 0 {
			out.add(Fault, m.Endpoint, "restore the member from a snapshot or from the others", "etcd has the alarm %s", strings.Join(others, ", "))
		}
		if m.Leader == 0 {
			out.add(Fault, m.Endpoint, "start the other members: most of them must run", "the member knows no leader: etcd takes no write")
		}
		if m.Latency > slowEtcd {
			out.add(Warning, m.Endpoint, "look at the disk and the network of this member: leases end when writes are late", "it took %v to answer", m.Latency.Round(time.Millisecond))
		}
	}
	if n := len(f.Etcd); n > 1 && away > 0 && away >= n-n/2 {
		out.add(Fault, "etcd", "start members until most of them run", "%d of the %d endpoints are away: nothing can be written", away, n)
	}
}
