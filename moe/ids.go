package moe

import "fmt"

// NodeID names one expert node, for example "expert-3". It is stable across
// restarts of the node.
type NodeID string

// RouterID names one run of a router process; a restart makes a new one.
type RouterID string

// Fingerprint names everything that decides the bits of an expert's answer:
// content digest, weight format, wire dtype, numerics family and version.
// Lower-case hex. Two processes with different fingerprints never exchange
// rows.
type Fingerprint string

// Epoch orders placements. It is strictly increasing; 0 means none yet.
type Epoch uint64

// MaxEpoch is far above every epoch that a cluster reaches: one placement a
// nanosecond reaches it in 146 years. A higher one is damage, and believing it
// would leave no epoch for the next placement.
const MaxEpoch Epoch = 1 << 62

// ExpertID names one expert of one layer: the unit of placement.
type ExpertID struct {
	Layer  int
	Expert int
}

func (id ExpertID) String() string { return fmt.Sprintf("L%d/E%d", id.Layer, id.Expert) }

// Less orders experts by layer, then by expert.
func (id ExpertID) Less(other ExpertID) bool {
	if id.Layer != other.Layer {
		return id.Layer < other.Layer
	}
	return id.Expert < other.Expert
}

// Replica is one serving copy of an expert: the node that holds it and the
// address its expert service listens on, for example "127.0.0.1:7070".
type Replica struct {
	Node NodeID
	Addr string
}
