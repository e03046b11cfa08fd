package doctor

// judgeCluster reports that the records of the cluster cannot be read, so that no check of
// the cluster had facts.
func judgeCluster(f Facts, out *findings) {
	if f.Unreadable != "" {
		out.add(Fault, "", "act on what the findings of etcd and certificates say, or name the cluster by --etcd, --cluster, --certificates or --data-dir; then run this again: "+
			"its processes, replicas and placement were not examined", "the records of the cluster cannot be read: %s", f.Unreadable)
	}
}
