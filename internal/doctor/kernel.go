package doctor

import (
	"cmp"
	"slices"
	"time"
)

const (
	// minBandwidth is less than the memory of any machine of the last ten years gives.
	minBandwidth = 2 // GB/s
	// slowNode is how many times longer than the median a node may take.
	slowNode = 2.5
)

// judgeKernel reports a machine that computes slower than it could, and nodes that are
// slower than the others.
func judgeKernel(f Facts, out *findings) {
	if m := f.Machine; m != nil {
		if m.Kernel != m.Fastest {
			out.add(Warning, "this machine", "leave --kernel empty, and use a binary without the tag purego", "the kernel %s is chosen, the processor has %s", m.Kernel, m.Fastest)
		}
		if m.Choice != nil {
			out.add(Note, "this machine", "nothing; `hachi bench kernel` shows the others", "the kernel %s computes with %s, measured %s ago", m.Kernel, m.Choice, f.Now.Sub(m.Choice.Measured).Round(time.Minute))
		}
		if m.Bandwidth > 0 && m.Bandwidth < minBandwidth {
			out.add(Warning, "this machine", "look for other programs (`top`), a CPU quota, or swapping: decoding is as fast as memory", "memory gives %.1f GB/s to %d threads", m.Bandwidth, m.Threads)
		}
	}
	if f.Cluster == nil {
		return
	}
	var times []float64
	for _, n := range f.Cluster.Status.Nodes {
		if n.ExpertSeconds > 0 {
			times = append(times, n.ExpertSeconds)
		}
	}
	if len(times) < 3 {
		return // nothing to compare with
	}
	slices.SortFunc(times, cmp.Compare[float64])
	median := times[len(times)/2]
	for _, n := range f.Cluster.Status.Nodes {
		if n.ExpertSeconds > slowNode*median {
			out.add(Warning, n.Node, "run `hachi bench kernel` there; `balanced` placement gives a slow node fewer experts", "an expert takes %.1f times as long as on the median node", n.ExpertSeconds/median)
		}
	}
}
