package sim

import (
	"time"

	"github.com/hachi-serve/hachi/internal/sim/scenario"
)

// allowance is the CPU time that a process may have in each period, as a control group of
// Linux gives it: at full speed until it is spent. What is left at the end of a period is
// lost, but for what its threads keep. The zero value is no limit.
type allowance struct {
	period time.Duration
	each   float64 // seconds of cores in a period
	kept   float64 // seconds that stay at the end of a period at most
	left   float64
	spent  bool  // until the next period
	number int64 // of the period
}

// allowanceOf is that of a quota of some threads, before its first period.
func allowanceOf(q scenario.Quota, threads float64) allowance {
	if q.Cores == 0 {
		return allowance{}
	}
	return allowance{period: q.Period, each: q.Cores * q.Period.Seconds(), kept: keeps * threads, number: -1}
}

// keeps is what a core does not give back of a quota when the thread that it runs sleeps, seconds:
// min_cfs_rq_runtime of Linux. It does not expire.
// Source: https://docs.kernel.org/scheduler/sched-bwc.html, "CFS Bandwidth Quota Caveats".
const keeps = 1e-3

// instant is a time that counts for nothing, seconds.
const instant = 1e-9

// use takes what the process has used.
func (a *allowance) use(seconds float64) {
	if a.period > 0 {
		a.left -= seconds
		a.spent = a.left <= instant
	}
}

// renew begins another period, if it is time.
func (a *allowance) renew(now time.Duration) {
	if a.period == 0 {
		return
	}
	if number := int64(now / a.period); number != a.number {
		a.number, a.left, a.spent = number, a.each+min(max(0, a.left), a.kept), false
	}
}

// opens is when the process may compute again.
func (a *allowance) opens(now time.Duration) time.Duration {
	if !a.spent {
		return now
	}
	return time.Duration(a.number+1) * a.period
}

// next is after which time the allowance is spent, if the process uses some cores, or
// another period begins.
func (a *allowance) next(now time.Duration, cores float64) time.Duration {
	end := time.Duration(a.number+1)*a.period - now
	if a.spent {
		return end
	}
	return min(end, time.Duration((a.left/cores+instant)*float64(time.Second)))
}
