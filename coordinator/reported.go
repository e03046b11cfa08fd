package coordinator

import "github.com/hachi-serve/hachi/moe"

const (
	// ahead is how far one process may be above all that others report and this one knows:
	// by the placements that an etcd has lost, of which there are far fewer.
	ahead moe.Epoch = 1 << 20
	// credible leaves epochs for every later placement.
	credible = moe.MaxEpoch / 2
)

// reported is the highest epoch that a node or a router reports, or that this process wrote
// in an earlier term. Routers ignore placements below it. A single process does not decide
// it, whatever it says: an epoch that leaves none for the next placement would end all
// placement.
func (s *state) reported() moe.Epoch {
	var highest, second moe.Epoch
	hear := func(e moe.Epoch) {
		if e <= credible {
			highest, second = max(highest, e), max(second, min(highest, e))
		}
	}
	for _, m := range s.members {
		hear(moe.Epoch(m.record.GetEpoch()))
	}
	for _, r := range s.routers {
		hear(moe.Epoch(r.GetAckedEpoch()))
	}
	known := s.floor
	if s.placement != nil {
		known = max(known, s.placement.Epoch())
	}
	if others := max(known, second); others > 0 && highest > others+ahead {
		highest = second
	}
	return max(s.floor, highest)
}
