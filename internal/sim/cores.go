package sim

import (
	"slices"
	"time"

	"github.com/hachi-serve/hachi/internal/sim/event"
	"github.com/hachi-serve/hachi/internal/sim/machine"
	"github.com/hachi-serve/hachi/internal/sim/scenario"
)

// cores are those of a machine. Jobs of the processes that share it get equal shares of
// the cores for each of their threads:
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
	others machine.Others
	used   float64 // seconds of cores in this period of others
	still  bool    // others have the cores
	turn   uint64  // of the last plan of the next end
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

// run begins a job at a time, and returns when it ends: see process.compute.
func (c *cores) run(owner *process, from, work time.Duration, done event.Handler) (ends time.Duration) {
	if !c.shared {
		c.world.loop.At(from+work, done)
		return from + work
	}
	threads := float64(owner.at.Threads)
	if threads == 0 {
		threads = c.total
	}
	c.catchUp()
	c.jobs = append(c.jobs, &job{owner, threads, owner.rate, work, done})
	c.plan()
	return 0
}

func (c *cores) speed() float64 {
	if c.still {
		return 0
	}
	threads, rate := 0.0, 0.0
	for _, j := range c.jobs {
		threads, rate = threads+j.threads, rate+j.rate
	}
	speed := min(1, c.total/max(threads, 1))
	if rate*speed > c.memory {
		speed = c.memory / rate
	}
	return speed
}

// catchUp takes what was done since the last change from what remains.
func (c *cores) catchUp() {
	now := c.world.loop.Now()
	if elapsed := now - c.since; elapsed > 0 {
		done := time.Duration(float64(elapsed) * c.speed())
		threads := 0.0
		for _, j := range c.jobs {
			threads += j.threads
		}
		c.used += elapsed.Seconds() * min(threads, c.total)
		for _, j := range c.jobs {
			j.remaining = max(0, j.remaining-done)
		}
	}
	c.since = now
}

// plan schedules the end of the job that ends first.
func (c *cores) plan() {
	c.turn++
	if len(c.jobs) == 0 || c.still {
		return
	}
	first := slices.MinFunc(c.jobs, func(a, b *job) int { return int(a.remaining - b.remaining) })
	turn, wait := c.turn, time.Duration(float64(first.remaining)/c.speed())
	c.world.loop.After(wait, event.Func(func() {
		if turn == c.turn {
			c.end(first)
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
