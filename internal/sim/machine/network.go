package machine

import (
	"math"
	"math/rand/v2"
	"time"
)

// Network is what lies between processes.
type Network struct {
	P50, P99  time.Duration // of the latency, one way
	Bandwidth float64       // of a NIC, bytes/s each way
	Message   time.Duration // CPU time of a message at each end
	// Work is what a message takes, on all threads of a process, of the cores of a host that
	// processes share, and of the quota of the process; 0 takes nothing of them.
	Work time.Duration
	// Carry is what another process, which makes packets late, takes of a core of a shared
	// host for each message. The message waits for it.
	Carry time.Duration
	// A NIC's receiver that has more than Buffer bytes waiting drops a message, which
	// comes again after Timeout: incast. 0 never drops.
	Buffer  float64
	Timeout time.Duration
}

// z99 is the 99th percentile of the standard normal distribution.
const z99 = 2.3263478740408408

// Latency is the distribution of the latency of a network.
type Latency struct {
	p50   time.Duration
	sigma float64 // 0 is none
}

// Latency is the distribution of the latency.
func (n *Network) Latency() Latency {
	if n.P99 <= n.P50 {
		return Latency{p50: n.P50}
	}
	return Latency{n.P50, math.Log(float64(n.P99)/float64(n.P50)) / z99}
}

// Draw draws a latency.
func (l Latency) Draw(r *rand.Rand) time.Duration {
	if l.sigma == 0 {
		return l.p50
	}
	return time.Duration(float64(l.p50) * math.Exp(l.sigma*r.NormFloat64()))
}

// Transfer is how long a NIC takes for a message.
func (n *Network) Transfer(bytes int) time.Duration { return seconds(float64(bytes) / n.Bandwidth) }

// Overflows reports that a receiver drops a message, when those before it take backlog.
func (n *Network) Overflows(backlog time.Duration) bool {
	return n.Buffer > 0 && backlog.Seconds()*n.Bandwidth > n.Buffer
}
