package sim

import (
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/sim/event"
	"github.com/hachi-serve/hachi/internal/sim/machine"
	"github.com/hachi-serve/hachi/internal/sim/scenario"
)

// TestQuotasStopProcessesForTheRestOfAPeriod: two cores, and processes of one thread that
// compute at the same time, each from the start of a period of 5 ms.
func TestQuotasStopProcessesForTheRestOfAPeriod(t *testing.T) {
	const ms = time.Millisecond
	for _, test := range []struct {
		name   string
		quotas []float64 // cores; 0 is no limit
		work   []time.Duration
		ends   []time.Duration
	}{
		{"one is short enough", []float64{0.2}, []time.Duration{ms / 2}, []time.Duration{ms / 2}},
		{"one needs ten periods", []float64{0.2}, []time.Duration{10 * ms}, []time.Duration{46 * ms}},
		{"the other is not slowed", []float64{0.2, 0}, []time.Duration{3 * ms, 10 * ms}, []time.Duration{11 * ms, 10 * ms}},
		// Three on two cores run at two thirds until the first has spent 1 ms, after 1.5.
		{"three share until one stops", []float64{0.2, 0, 0}, []time.Duration{2 * ms, 4 * ms, 4 * ms}, []time.Duration{6 * ms, 4*ms + ms/2, 4*ms + ms/2}},
	} {
		w := &world{}
		c := &cores{world: w, total: 2, memory: 1e12, shared: true}
		ends := make([]time.Duration, len(test.work))
		for i, work := range test.work {
			p := &process{world: w, cores: c, shared: true, at: scenario.Process{Threads: 1}, slow: 1}
			p.allowance = allowanceOf(scenario.Quota{Cores: test.quotas[i], Period: 5 * ms}, 1)
			p.compute(0, work, event.Func(func() { ends[i] = w.loop.Now() }))
		}
		for w.loop.Step() {
		}
		for i, want := range test.ends {
			if off := ends[i] - want; off < -time.Microsecond || off > time.Microsecond {
				t.Errorf("%s: process %d ends at %v, want %v", test.name, i, ends[i], want)
			}
		}
	}
}

// TestThreadsKeepALittleOfAQuota: 2 of 5 ms for one thread, of which it keeps 1 ms at most,
// once.
func TestThreadsKeepALittleOfAQuota(t *testing.T) {
	const period = 5 * time.Millisecond
	a := allowanceOf(scenario.Quota{Cores: 0.4, Period: period}, 1)
	for i, test := range []struct{ use, left float64 }{{0, 2e-3}, {1.5e-3, 3e-3}, {2.7e-3, 3e-3}, {2.3e-3, 2.3e-3}, {0, 2e-3}} {
		a.renew(time.Duration(i) * period)
		if off := a.left - test.left; off < -instant || off > instant {
			t.Errorf("period %d begins with %.2f ms, want %.2f", i, a.left*1e3, test.left*1e3)
		}
		a.use(test.use)
	}
}

// TestMessagesTakeCores: on a host of one core, a process whose batch lasts 4 ms handles
// messages of 1 ms meanwhile.
func TestMessagesTakeCores(t *testing.T) {
	const ms = time.Millisecond
	for _, test := range []struct {
		name         string
		quota        float64 // cores; 0 is no limit
		work, carry  time.Duration
		handled, end time.Duration // of the second message, and of the batch
	}{
		{"nothing", 0, 0, 0, 3 * ms, 4 * ms},
		{"of the host", 0, ms, 0, 3 * ms, 6 * ms},
		// 2 ms in each period of 5, which are spent when the second message comes.
		{"of the quota", 0.4, ms, 0, 5 * ms, 12 * ms},
		// The message leaves when what makes it late has had its half of the core.
		{"of who carries them", 0, 0, ms, 5 * ms, 6 * ms},
	} {
		w := &world{scenario: &scenario.Scenario{Network: machine.Network{Bandwidth: 1e12, Work: test.work, Carry: test.carry}}}
		c := &cores{world: w, total: 1, memory: 1e12, shared: true}
		p := &process{world: w, cores: c, shared: true, at: scenario.Process{Threads: 1}, slow: 1}
		p.allowance = allowanceOf(scenario.Quota{Cores: test.quota, Period: 5 * ms}, 1)
		var end, handled time.Duration
		p.compute(0, 4*ms, event.Func(func() { end = w.loop.Now() }))
		arrives := event.Func(func() { handled = w.loop.Now() })
		p.depart(0, arrives)
		w.loop.After(3*ms, event.Func(func() { p.depart(0, arrives) }))
		for w.loop.Step() {
		}
		for name, off := range map[string]time.Duration{"the batch ends": end - test.end, "the message is handled": handled - test.handled} {
			if off < -time.Microsecond || off > time.Microsecond {
				t.Errorf("%s: %s %v later than expected", test.name, name, off)
			}
		}
	}
}
