package sim

import (
	"time"

	"github.com/hachi-serve/hachi/internal/sim/event"
	"github.com/hachi-serve/hachi/internal/sim/scenario"
)

// process is what routers and nodes have in common: cores, a NIC, and a CPU that
// handles messages one after another. A process that starts again is another one.
type process struct {
	// What every message looks at comes first; this is when each is free.
	stack, egress, ingress time.Duration

	slow   float64 // how much longer it takes than usual
	up     bool
	cut    bool // neither hears nor is heard
	shared bool // its cores are
	world  *world
	cores  *cores
	// allowance is what the process may use of them.
	allowance allowance
	rate      float64 // bytes/s that the next work reads at full speed
	name      string
	at        scenario.Process
}

func (w *world) process(name string, at scenario.Process) process {
	cores := w.coresOf(name, at)
	return process{world: w, name: name, at: at, cores: cores, shared: cores.shared, allowance: allowanceOf(at.Quota, cores.threads(at)), up: true, slow: 1}
}

// compute runs work on the process's cores from a time on, which is now where others share
// them. It returns when the work ends, which is not known where they are shared.
func (p *process) compute(from, work time.Duration, done event.Handler) (ends time.Duration) {
	work = time.Duration(float64(work) * p.slow)
	if p.shared {
		p.cores.run(p, work, done)
		return 0
	}
	p.world.loop.AtLocal(from+work, done)
	return from + work
}

// message is the CPU time of a message.
func (p *process) message() time.Duration {
	return time.Duration(float64(p.world.scenario.Network.Message) * p.slow)
}

// handle returns when the process has handled a message that is there at a time. On a host
// that others share, threads beside the one that is busy take the cores.
func (p *process) handle(there time.Duration) time.Duration {
	if work := p.world.scenario.Network.Work; work > 0 && p.shared {
		there = max(there, p.cores.message(p, work))
	}
	p.stack = max(there, p.stack) + p.message()
	return p.stack
}

// depart sends a message of some bytes: arrives fires when it reaches the other end's NIC. One that
// another process of the host makes late leaves when that has computed.
func (p *process) depart(bytes int, arrives event.Handler) {
	w := p.world
	p.egress = max(p.handle(w.loop.Now()), p.egress) + w.scenario.Network.Transfer(bytes)
	there := p.egress + w.latency.Draw(w.random)
	carry := w.scenario.Network.Carry
	if carry == 0 || !p.shared {
		w.loop.AtLocal(there, arrives)
		return
	}
	began := w.loop.Now()
	p.cores.runOn(&p.cores.carrier, 1, 0, carry, event.Func(func() {
		w.loop.AtLocal(there+w.loop.Now()-began, arrives)
	}))
}

// arrive takes a message of some bytes that has reached the NIC, and returns when the
// process has it. A message that finds the buffer full is dropped; it comes again then.
func (p *process) arrive(bytes int) (at time.Duration, dropped bool) {
	w := p.world
	now, network := w.loop.Now(), &w.scenario.Network
	if network.Overflows(p.ingress - now) {
		w.stats.drops++
		return now + network.Timeout, true
	}
	p.ingress = max(now, p.ingress) + network.Transfer(bytes)
	return p.handle(p.ingress), false
}
