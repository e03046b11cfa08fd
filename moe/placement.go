package moe

import (
	"fmt"
	"slices"
)

// Placement maps every expert to the replicas that serve it, in order of
// preference, at one epoch. It is immutable.
type Placement struct {
	epoch       Epoch
	fingerprint Fingerprint
	layers      int
	experts     int
	replicas    [][]Replica // [layer*experts+expert]
}

// NewPlacement copies replicas, a [layers*experts] table in layer-major
// order. An expert without a replica is an error: nothing is published with a
// hole in it.
func NewPlacement(epoch Epoch, fp Fingerprint, layers, experts int, replicas [][]Replica) (*Placement, error) {
	if epoch == 0 {
		return nil, fmt.Errorf("placement: epoch 0 is reserved for none")
	}
	if layers <= 0 || experts <= 0 || len(replicas) != layers*experts {
		return nil, fmt.Errorf("placement: %d replica lists for %d layers of %d experts", len(replicas), layers, experts)
	}
	table := make([][]Replica, len(replicas))
	for i, list := range replicas {
		if len(list) == 0 {
			return nil, fmt.Errorf("placement: expert %v has no replica", ExpertID{i / experts, i % experts})
		}
		table[i] = slices.Clone(list)
	}
	return &Placement{epoch: epoch, fingerprint: fp, layers: layers, experts: experts, replicas: table}, nil
}

func (p *Placement) Epoch() Epoch             { return p.epoch }
func (p *Placement) Fingerprint() Fingerprint { return p.fingerprint }
func (p *Placement) Layers() int              { return p.layers }
func (p *Placement) Experts() int             { return p.experts }

// Replicas lists the copies of an expert in order of preference. The caller
// must not change it. An expert outside the placement has none.
func (p *Placement) Replicas(id ExpertID) []Replica {
	if id.Layer < 0 || id.Layer >= p.layers || id.Expert < 0 || id.Expert >= p.experts {
		return nil
	}
	return p.replicas[id.Layer*p.experts+id.Expert]
}

// Nodes lists the nodes that serve anything, sorted, each once.
func (p *Placement) Nodes() []Replica {
	seen := map[NodeID]Replica{}
	for _, list := range p.replicas {
		for _, r := range list {
			seen[r.Node] = r
		}
	}
	out := make([]Replica, 0, len(seen))
	for _, r := range seen {
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b Replica) int {
		if a.Node < b.Node {
			return -1
		}
		return 1
	})
	return out
}

// SameReplicas reports that two placements of one model list the same replicas
// in the same order; their epochs may differ.
func (p *Placement) SameReplicas(other *Placement) bool {
	return p.fingerprint == other.fingerprint && p.layers == other.layers && p.experts == other.experts &&
		slices.EqualFunc(p.replicas, other.replicas, slices.Equal)
}
