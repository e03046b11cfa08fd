package moe

import (
	"iter"
	"slices"
	"strconv"
	"strings"
)

// Topology counts the experts of every layer of a model. A layer without
// experts is dense: its feed-forward network is computed where attention is.
// Tables with one entry per expert are in the order of Index. A Topology is
// immutable; the zero value has no layers.
type Topology struct {
	// first[l] is the index of the first expert of layer l;
	// first[len(first)-1] is the number of experts. Nil without layers.
	first []int
}

// NewTopology has perLayer[l] experts in layer l. A negative count is 0.
func NewTopology(perLayer []int) Topology {
	first := make([]int, len(perLayer)+1)
	for l, n := range perLayer {
		first[l+1] = first[l] + max(0, n)
	}
	return Topology{first: first}
}

// Uniform has the same number of experts in every layer.
func Uniform(layers, experts int) Topology {
	return NewTopology(slices.Repeat([]int{experts}, layers))
}

// Layers counts all layers, dense ones too.
func (t Topology) Layers() int { return max(0, len(t.first)-1) }

// Experts counts the experts of all layers.
func (t Topology) Experts() int {
	if len(t.first) == 0 {
		return 0
	}
	return t.first[len(t.first)-1]
}

// In counts the experts of one layer: 0 when the layer is dense or not there.
func (t Topology) In(layer int) int {
	if layer < 0 || layer >= t.Layers() {
		return 0
	}
	return t.first[layer+1] - t.first[layer]
}

// First is the index of the first expert of a layer of the model.
func (t Topology) First(layer int) int { return t.first[layer] }

// Has reports that the model has the expert.
func (t Topology) Has(id ExpertID) bool { return id.Expert >= 0 && id.Expert < t.In(id.Layer) }

// Index is the place of an expert in a table with one entry per expert, layer
// by layer; -1 for an expert that the model does not have.
func (t Topology) Index(id ExpertID) int {
	if !t.Has(id) {
		return -1
	}
	return t.first[id.Layer] + id.Expert
}

// ID is the expert at an index from 0 to Experts()-1.
func (t Topology) ID(index int) ExpertID {
	layer, found := slices.BinarySearch(t.first, index)
	if !found {
		return ExpertID{Layer: layer - 1, Expert: index - t.first[layer-1]}
	}
	for t.In(layer) == 0 { // dense layers begin at the same index
		layer++
	}
	return ExpertID{Layer: layer}
}

// All yields every expert with its index, in ascending order.
func (t Topology) All() iter.Seq2[int, ExpertID] {
	return func(yield func(int, ExpertID) bool) {
		for layer := range t.Layers() {
			for expert := range t.In(layer) {
				if !yield(t.first[layer]+expert, ExpertID{Layer: layer, Expert: expert}) {
					return
				}
			}
		}
	}
}

// PerLayer lists the number of experts of every layer.
func (t Topology) PerLayer() []int {
	out := make([]int, t.Layers())
	for layer := range out {
		out[layer] = t.In(layer)
	}
	return out
}

// Equal reports that two topologies have the same experts in the same layers.
func (t Topology) Equal(other Topology) bool {
	return t.Layers() == other.Layers() && (t.Layers() == 0 || slices.Equal(t.first, other.first))
}

// String is "32x8" for 32 layers of 8 experts, and "1x0,31x8" when the first
// of them is dense. Equal topologies have the same string.
func (t Topology) String() string {
	var b strings.Builder
	for layer := 0; layer < t.Layers(); {
		run := 1
		for layer+run < t.Layers() && t.In(layer+run) == t.In(layer) {
			run++
		}
		if layer > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(run) + "x" + strconv.Itoa(t.In(layer)))
		layer += run
	}
	return b.String()
}
