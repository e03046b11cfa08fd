package coordinator

import (
	"slices"

	"github.com/hachi-serve/hachi/internal/coordinator/planner"
	"github.com/hachi-serve/hachi/internal/moepb"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// shape identifies the model that a placement is for.
type shape struct {
	fingerprint moe.Fingerprint
	topology    moe.Topology
}

// shape chooses the model that the cluster serves, and notes why there is none:
//
//  1. that of the published placement, unless an operator has replaced it: no
//     member serves it, routers are registered, and all are for other models;
//  2. without a placement, that of most routers;
//  3. without routers too, that of most members.
//
// Of equals the lower fingerprint wins. A cluster has one model: nodes of others
// are left out and noted, also while all nodes of the model are away. Its nodes
// come back to their experts.
func (s *state) shape(roster map[moe.NodeID]planner.Mode) (shape, bool) {
	shapes := s.shapes(roster)
	if p := s.placement; p != nil && !s.replaced(roster) {
		return s.shapeOf(p.Fingerprint(), shapes, "the placement")
	}
	if fp, ok := plurality(routerModels(s.routers)); ok {
		return s.shapeOf(fp, shapes, "the routers")
	}
	var models []moe.Fingerprint
	for id := range roster {
		if fp := moe.Fingerprint(s.members[id].record.GetFingerprint()); shapes[fp].topology.Experts() > 0 {
			models = append(models, fp)
		}
	}
	fp, ok := plurality(models)
	if !ok {
		s.note("no expert node is registered")
	}
	return shapes[fp], ok
}

// shapeOf is the shape of a model as its members report it.
func (s *state) shapeOf(fp moe.Fingerprint, shapes map[moe.Fingerprint]shape, whose string) (shape, bool) {
	sh, ok := shapes[fp]
	switch {
	case ok:
	case len(shapes) > 0:
		s.note("no expert node serves the model of %s, %s: nodes of other models are left out", whose, fp)
	default:
		s.note("no expert node is registered")
	}
	return sh, ok
}

// shapes are the models that members report, by fingerprint. A fingerprint covers
// the topology, so members of one model agree; should they not, most of them
// count. A member that this coordinator knows only from the placement counts when
// no other reports: a placement may be damaged in a way that leaves it readable.
func (s *state) shapes(roster map[moe.NodeID]planner.Mode) map[moe.Fingerprint]shape {
	votes := map[moe.Fingerprint]map[string]int{}
	out := map[moe.Fingerprint]shape{}
	for _, id := range s.ids() {
		m := s.members[id]
		t, err := moepb.TopologyFromProto(m.record.GetExpertsPerLayer())
		if _, counts := roster[id]; !counts || err != nil || t.Experts() == 0 {
			continue // a damaged record names no model
		}
		fp := moe.Fingerprint(m.record.GetFingerprint())
		if votes[fp] == nil {
			votes[fp] = map[string]int{}
		}
		weight := 1
		if !m.seeded {
			weight = len(s.members) + 1
		}
		votes[fp][t.String()] += weight
		if best, ok := out[fp]; !ok || votes[fp][t.String()] > votes[fp][best.topology.String()] {
			out[fp] = shape{fp, t}
		}
	}
	return out
}

// replaced reports that an operator has replaced the model of the placement.
func (s *state) replaced(roster map[moe.NodeID]planner.Mode) bool {
	old := s.placement.Fingerprint()
	for id := range roster {
		if s.belongs(id, old) {
			return false
		}
	}
	models := routerModels(s.routers)
	return len(models) > 0 && !slices.Contains(models, old)
}

// routerModels are the models that routers are registered for, one entry each.
func routerModels(routers []*hachiv1.RouterRecord) []moe.Fingerprint {
	var out []moe.Fingerprint
	for _, r := range routers {
		if fp := moe.Fingerprint(r.GetFingerprint()); fp != "" {
			out = append(out, fp)
		}
	}
	return out
}

// plurality is the model that occurs most often; of equals, the lower one.
func plurality(models []moe.Fingerprint) (best moe.Fingerprint, ok bool) {
	votes := map[moe.Fingerprint]int{}
	for _, fp := range models {
		votes[fp]++
	}
	for fp, n := range votes {
		if !ok || n > votes[best] || (n == votes[best] && fp < best) {
			best, ok = fp, true
		}
	}
	return best, ok
}

// belongs reports that a member serves a model. A member that is only known from
// the target has no fingerprint and gets the benefit of the doubt.
func (s *state) belongs(id moe.NodeID, model moe.Fingerprint) bool {
	fp := moe.Fingerprint(s.members[id].record.GetFingerprint())
	return fp == model || (fp == "" && !s.members[id].present)
}
