package verify

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// shape is what the memory of a deployment follows from. Sizes are of bf16.
type shape struct {
	layers, experts        int
	hidden, ffn, vocab     int64
	heads, kvHeads, perKey int64

	nodes int   // how many expert nodes the manifests have for it
	room  int64 // what a process needs besides weights and cache
}

// mixtral is Mixtral 8x7B, and so KARAKURI LM 8x7B Chat.
var mixtral = shape{layers: 32, experts: 8, hidden: 4096, ffn: 14336, vocab: 32000, heads: 32, kvHeads: 8, perKey: 128, nodes: 8, room: 1 * gib}

// mini is hachi-mini.
var mini = shape{layers: 6, experts: 8, hidden: 256, ffn: 288, vocab: 8000, heads: 8, kvHeads: 4, perKey: 32, nodes: 2, room: 256 << 20}

// shape is that of the model of an overlay.
func (m *Manifests) shape() shape {
	if m.plain() {
		return mini
	}
	return mixtral
}

const (
	weightBytes = 2
	gib         = 1 << 30
)

// expertBytes is one expert of one layer: w1, w2 and w3.
func (s shape) expertBytes() int64 { return 3 * s.hidden * s.ffn * weightBytes }

// denseBytes is what a router maps: embedding, head, and per layer q, k, v and
// o. Norms and gates are left out: together they are 4 MB.
func (s shape) denseBytes() int64 {
	attention := 2*s.hidden*s.heads*s.perKey + 2*s.hidden*s.kvHeads*s.perKey
	return (2*s.vocab*s.hidden + int64(s.layers)*attention) * weightBytes
}

// tokenBytes is the keys and values of one token.
func (s shape) tokenBytes() int64 { return 2 * int64(s.layers) * s.kvHeads * s.perKey * weightBytes }

// checkpointBytes is everything.
func (s shape) checkpointBytes() int64 {
	return s.denseBytes() + int64(s.layers*s.experts)*s.expertBytes()
}

// neededCapacity is what a node must hold while `away` nodes are away: its share
// of all copies, rounded up per node. No node has an expert twice.
func (s shape) neededCapacity(copies, nodes, away int) int64 {
	left := nodes - away
	all := min(copies, left) * s.layers * s.experts
	return int64((all+left-1)/left) * s.expertBytes()
}

// device is an accelerator that an overlay asks for, and its memory.
var devices = map[corev1.ResourceName]int64{
	"nvidia.com/gpu":        30000 << 20, // the overlay asks for nodes with more
	"aws.amazon.com/neuron": 32 * gib,    // one Trainium chip
}

// checkMemory: the model fits where the overlay puts it.
func (m *Manifests) checkMemory(f *faults) {
	copies := m.number(f, "coordinator", "replicas")
	capacity := m.number(f, "expertnode", "capacity")
	cache := m.number(f, "router", "kv-cache-memory")
	sequences := m.number(f, "router", "max-num-seqs")
	experts, router := m.Workload("expertnode"), m.Workload("router")
	s := m.shape()
	if need := s.neededCapacity(int(copies), experts.Replicas, 1); capacity < need {
		f.addf("expert nodes: a capacity of %d bytes, %d are needed when one is away", capacity, need)
	}
	if tokens := cache / s.tokenBytes(); tokens < sequences*trainedLength {
		f.addf("routers: the KV cache has room for %d tokens, want %d for each of %d sequences", tokens, trainedLength, sequences)
	}
	checkFit(f, experts, capacity, s.room)
	checkFit(f, router, s.denseBytes()+cache, s.room)
	for _, c := range m.Claims {
		size := c.Spec.Resources.Requests[corev1.ResourceStorage]
		if need := s.checkpointBytes(); size.Value() < need {
			f.addf("claim %s: %s, the checkpoint has %d bytes", c.Name, size.String(), need)
		}
	}
	for _, w := range m.Workloads() {
		if quantity(w.Container(), corev1.ResourceMemory) == 0 {
			f.addf("%s: its memory has no limit", w.Name)
		}
	}
}

// trainedLength is the length of the sequences that the model was tuned on.
const trainedLength = 2048

// checkFit: bytes fit the device if there is one, else the pod's memory.
func checkFit(f *faults, w *Workload, bytes, room int64) {
	c := w.Container()
	for name, memory := range devices {
		if n := quantity(c, name); n > 0 {
			if bytes > n*memory {
				f.addf("%s: %d bytes, %d of %s have %d", w.Name, bytes, n, name, n*memory)
			}
			return
		}
	}
	if limit := quantity(c, corev1.ResourceMemory); limit < bytes+room {
		f.addf("%s: a memory limit of %d bytes, %d are needed", w.Name, limit, bytes+room)
	}
}

// number is a flag's value, a number or a size as in --capacity=26Gi.
func (m *Manifests) number(f *faults, component, flag string) int64 {
	text, _ := m.Workload(component).Flag(flag)
	n, err := resource.ParseQuantity(text)
	if err != nil {
		f.addf("%s: --%s=%s: %w", component, flag, text, err)
	}
	return n.Value()
}
