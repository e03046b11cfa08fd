package sim

import (
	"google.golang.org/protobuf/proto"

	"github.com/hachi-serve/hachi/internal/sim/event"
	shell "github.com/hachi-serve/hachi/router"
)

// reportAgain reports, again and again. It is an event of this router only: nothing is
// planned across it (ahead.go).
func (r *router) reportAgain() {
	if r.up {
		r.report()
		r.reports = r.world.loop.Now() + shell.ReportEvery
		r.world.loop.AtLocal(r.reports, event.Func(r.reportAgain))
	}
}

// report writes which placement the router has adopted, and now and then what it has
// sent.
func (r *router) report() {
	r.catchUp()
	c := r.world.control
	if acked := uint64(r.dispatcher.AckedEpoch()); acked != r.record.AckedEpoch {
		r.record.AckedEpoch = acked
		c.routers[string(r.id)] = proto.CloneOf(r.record)
		c.routersChanged()
	}
	if now := r.world.loop.Now(); now >= r.nextLoad {
		r.load.RowsSent, r.load.Steps = r.dispatcher.Counts(), r.steps
		r.nextLoad = now + shell.LoadEvery(proto.Size(r.load))
		c.loads[string(r.id)] = proto.CloneOf(r.load)
		c.newLoads = true
	}
}
