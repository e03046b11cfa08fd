package moe

import (
	"errors"
	"fmt"
	"slices"
)

// Placement maps every expert to the replicas that serve it, in order of
// preference, at one epoch. It is immutable.
type Placement struct {
	epoch       Epoch
	fingerprint Fingerprint
	topology    Topology
	replicas    [][]Replica // by Topology.Index
	hosts       []Replica   // each replica of replicas once
	hostsOf     [][]int32   // replicas, as places in hosts
}

// NewPlacement copies replicas, one list per expert in the order of
// Topology.Index. An expert without a replica is an error: nothing is published
// with a hole in it. A layer without experts is none.
func NewPlacement(epoch Epoch, fp Fingerprint, t Topology, replicas [][]Replica) (*Placement, error) {
	if epoch == 0 {
		return nil, errors.New("placement: epoch 0 means no placement")
	}
	if epoch > MaxEpoch {
		return nil, fmt.Errorf("placement: epoch %d, expected at most %d", epoch, MaxEpoch)
	}
	if t.Experts() == 0 || len(replicas) != t.Experts() {
		return nil, fmt.Errorf("placement: %d replica lists, expected one for each of the %d experts of %v", len(replicas), t.Experts(), t)
	}
	table := make([][]Replica, len(replicas))
	for i, list := range replicas {
		if len(list) == 0 {
			return nil, fmt.Errorf("placement: expert %v has no replica", t.ID(i))
		}
		table[i] = slices.Clone(list)
	}
	p := &Placement{epoch: epoch, fingerprint: fp, topology: t, replicas: table}
	p.numberHosts()
	return p, nil
}

// numberHosts lists the hosts. Places of all experts lie one after another in memory.
func (p *Placement) numberHosts() {
	numbers, all := map[Replica]int32{}, []int32{}
	for _, list := range p.replicas {
		for _, r := range list {
			n, known := numbers[r]
			if !known {
				n = int32(len(p.hosts))
				numbers[r], p.hosts = n, append(p.hosts, r)
			}
			all = append(all, n)
		}
	}
	for _, list := range p.replicas {
		p.hostsOf, all = append(p.hostsOf, all[:len(list):len(list)]), all[len(list):]
	}
}

func (p *Placement) Epoch() Epoch             { return p.epoch }
func (p *Placement) Fingerprint() Fingerprint { return p.fingerprint }
func (p *Placement) Topology() Topology       { return p.topology }

// Replicas lists the copies of an expert in order of preference. The caller
// must not change it. An expert outside the placement has none.
func (p *Placement) Replicas(id ExpertID) []Replica {
	if i := p.topology.Index(id); i >= 0 {
		return p.replicas[i]
	}
	return nil
}

// Hosts lists every replica that is named, each once, in a fixed order. The caller must
// not change it.
func (p *Placement) Hosts() []Replica { return p.hosts }

// HostsOf lists the replicas of the expert at an index of the topology, in order of
// preference, as places in Hosts. The caller must not change it.
func (p *Placement) HostsOf(index int) []int32 { return p.hostsOf[index] }

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
	return p.fingerprint == other.fingerprint && p.topology.Equal(other.topology) &&
		slices.EqualFunc(p.replicas, other.replicas, slices.Equal)
}
