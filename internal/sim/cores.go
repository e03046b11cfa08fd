package sim

import (
	"slices"
	"time"

	"github.com/hachi-serve/hachi/internal/sim/event"
	"github.com/hachi-serve/hachi/internal/sim/machine"
	"github.com/hachi-serve/hachi/internal/sim/scenario"
)

// cores are those of a machine. Jobs of the processes that share it get equal shares of
// the cores for each of their threads, those of processes apart that have used up their
// quota:
//
//	speed = min(1, cores / threads of all jobs)
//
// and no more than the memory can bring what they all read.
//
// The machine of one process has one job at a time of its expert batches, and one of its
// attention, so that nothing is to be shared.
type cores struct {
	world  *world
	total  float64
	memory float64 // bytes/s that all jobs can read
	shared bool
	jobs   []*job
	since  time.Duration // when remaining was last brought up to date
	// carrier makes packets late, beside the processes.
	carrier process
	others  machine.Others
	used    float64 // seconds of cores in this period of others
	still   bool    // others have the cores
	turn    uint64  // of the last plan of what comes next
}

// job is work under way.
type job struct {
	owner     *process
	threads   float64
	rate      float64       // bytes/s that it reads at full speed
	remaining time.Duration // at full speed
	done      event.Handler
}

// coresOf are the cores of a process's machine.
func (w *world) coresOf(name string, at scenario.Process) *cores {
	if at.Host == "" {
		return &cores{world: w, total: float64(at.Machine.Cores)}
	}
	if w.hosts[at.Host] == nil {
		w.hosts[at.Host] = &cores{world: w, total: float64(at.Machine.Cores), memory: at.Machine.Bandwidth * at.Machine.MemoryShare, shared: true, others: at.Machine.Others}
		w.hosts[at.Host].begin()
	}
	return w.hosts[at.Host]
}

// run begins a job of a process that shares its cores.
func (c *cores) run(owner *process, work time.Duration, done event.Handler) {
	c.runOn(owner, c.threads(owner.at), owner.rate, work, done)
}

// threads are those on which a process computes.
func (c *cores) threads(at scenario.Process) float64 {
	if at.Threads == 0 {
		return c.total
	}
	return float64(at.Threads)
}

// runOn begins a job of some threads, which reads bytes at a rate.
func (c *cores) runOn(owner *process, threads, rate float64, work time.Duration, done event.Handler) {
	c.catchUp()
	owner.allowance.renew(c.since)
	c.jobs = append(c.jobs, &job{owner, threads, rate, work, done})
	c.plan()
}

// runs reports that a job has a share of the cores.
func (c *cores) runs(j *job) bool { return !c.still && !j.owner.allowance.spent }

// speeds are how fast the jobs that run compute, and which share of their threads has a
// core: those that wait for memory have one.
func (c *cores) speeds() (speed, share float64) {
	threads, rate := 0.0, 0.0
	for _, j := range c.jobs {
		if c.runs(j) {
			threads, rate = threads+j.threads, rate+j.rate
		}
	}
	share = min(1, c.total/max(threads, 1))
	if rate*share > c.memory {
		return c.memory / rate, share
	}
	return share, share
}

// message takes a thread of a process, or what is beside all of them, for a while, and
// returns when it begins: in the next period, if the process has spent its quota.
func (c *cores) message(owner *process, work time.Duration) (from time.Duration) {
	c.runOn(owner, 1, 0, work, event.Func(func() {}))
	return owner.allowance.opens(c.since)
}

// catchUp takes what was done since the last change from what remains.
func (c *cores) catchUp() {
	now := c.world.loop.Now()
	if elapsed := now - c.since; elapsed > 0 {
		speed, share := c.speeds()
		done, threads := time.Duration(float64(elapsed)*speed), 0.0
		for _, j := range c.jobs {
			if c.still {
				threads += j.threads // others have the cores in their stead
			}
			if c.runs(j) {
				threads += j.threads
				j.remaining = max(0, j.remaining-done)
				j.owner.allowance.use(elapsed.Seconds() * j.threads * share)
			}
		}
		c.used += elapsed.Seconds() * min(threads, c.total)
	}
	c.since = now
	for _, j := range c.jobs {
		j.owner.allowance.renew(now)
	}
}

// plan schedules what comes next: the end of the job that ends first, that of a quota, or
// the begin of another period.
func (c *cores) plan() {
	c.turn++
	if len(c.jobs) == 0 || c.still {
		return
	}
	speed, share := c.speeds()
	var first *job
	wait := time.Duration(-1)
	sooner := func(after time.Duration, ends *job) {
		if wait < 0 || after < wait {
			wait, first = after, ends
		}
	}
	now := c.world.loop.Now()
	for _, j := range c.jobs {
		if c.runs(j) {
			sooner(time.Duration(float64(j.remaining)/speed), j)
		}
		if a := &j.owner.allowance; a.period > 0 {
			sooner(a.next(now, j.threads*share), nil)
		}
	}
	turn := c.turn
	c.world.loop.After(wait, event.Func(func() {
		switch {
		case turn != c.turn:
		case first != nil:
			c.end(first)
		default:
			c.catchUp()
			c.plan()
		}
	}))
}

func (c *cores) end(j *job) {
	c.catchUp()
	c.jobs = slices.DeleteFunc(c.jobs, func(other *job) bool { return other == j })
	c.plan()
	j.done.Fire()
}

// drop ends the jobs of a process that has died.
func (c *cores) drop(owner *process) {
	if !c.shared {
		return
	}
	c.catchUp()
	c.jobs = slices.DeleteFunc(c.jobs, func(j *job) bool { return j.owner == owner })
	c.plan()
}
