package console

import (
	"strings"
	"time"

	"github.com/hachi-serve/hachi/internal/coordinator/planner"
	"github.com/hachi-serve/hachi/internal/status"
	"github.com/hachi-serve/hachi/moe"
)

// eventsBody is what the page of events shows.
type eventsBody struct {
	Kinds  []status.Kind
	Chosen status.Kind // "" is all
	Events []eventRow
}

// eventRow is an event in a table.
type eventRow struct {
	Number         uint64
	At, Kind, Text string
	Bad            bool
}

// maxEvents bounds the table.
const maxEvents = 500

func rowOf(e status.Event, now time.Time) eventRow {
	return eventRow{e.Number, clock(e.At, now), string(e.Kind), e.Text, e.Bad}
}

func (c *Console) events(v view) any {
	out := eventsBody{Kinds: status.Kinds()}
	for _, k := range out.Kinds {
		if v.query("kind") == string(k) {
			out.Chosen = k
		}
	}
	for _, e := range c.Watcher.Events() {
		if (out.Chosen == "" || out.Chosen == e.Kind) && len(out.Events) < maxEvents {
			out.Events = append(out.Events, rowOf(e, v.now))
		}
	}
	return out
}

// compareNames sorts names with numbers in them: expert-2 before expert-10.
func compareNames(a, b string) int {
	if n := planner.Natural(moe.NodeID(a), moe.NodeID(b)); n != 0 {
		return n
	}
	return strings.Compare(a, b)
}
