package rpc

import (
	"errors"
	"fmt"

	"github.com/hachi-serve/hachi/moe"
	"github.com/hachi-serve/hachi/moe/moepb"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// callToProto writes the header of a call.
func callToProto(sequence uint64, c *moe.Call) *hachiv1.Call {
	out := &hachiv1.Call{Sequence: sequence, Epoch: uint64(c.Epoch), Layer: uint32(c.Layer), Rows: uint32(c.Rows)}
	for _, g := range c.Groups {
		index := make([]uint32, len(g.Index))
		for i, row := range g.Index {
			index[i] = uint32(row)
		}
		out.Groups = append(out.Groups, &hachiv1.CallGroup{Expert: uint32(g.Expert), Index: index})
	}
	return out
}

// callFromProto reads and checks a call; rowBytes is the size of one row.
func callFromProto(p *hachiv1.Call, payload []byte, rowBytes int, fp moe.Fingerprint) (*moe.Call, error) {
	if uint64(p.GetRows())*uint64(rowBytes) != uint64(len(payload)) {
		return nil, fmt.Errorf("%d rows of %d bytes in a payload of %d", p.GetRows(), rowBytes, len(payload))
	}
	c := &moe.Call{Fingerprint: fp, Epoch: moe.Epoch(p.GetEpoch()), Layer: int(p.GetLayer()), Rows: int(p.GetRows()), X: payload}
	for i, g := range p.GetGroups() {
		if i > 0 && g.GetExpert() <= p.Groups[i-1].GetExpert() {
			return nil, fmt.Errorf("experts are not ascending at %d", g.GetExpert())
		}
		index := make([]int32, len(g.GetIndex()))
		for j, row := range g.GetIndex() {
			if row >= p.GetRows() || (j > 0 && row <= g.Index[j-1]) {
				return nil, fmt.Errorf("expert %d: row %d of %d is out of range or order", g.GetExpert(), row, p.GetRows())
			}
			index[j] = int32(row)
		}
		c.Groups = append(c.Groups, moe.Group{Expert: int(g.GetExpert()), Index: index})
	}
	if c.OutRows() == 0 {
		return nil, errors.New("the call asks for nothing")
	}
	return c, nil
}

// failureToProto keeps the kind and the newer placement of an error.
func failureToProto(sequence uint64, err error) *hachiv1.Failure {
	f := &hachiv1.Failure{Sequence: sequence, Kind: hachiv1.FailureKind(moe.KindOf(err) + 1), Message: err.Error()}
	var e *moe.Error
	if errors.As(err, &e) {
		f.Newer = moepb.PlacementToProto(e.Newer)
		if e.Err != nil {
			f.Message = e.Err.Error()
		}
	}
	return f
}

func failureFromProto(node moe.NodeID, f *hachiv1.Failure) error {
	newer, err := moepb.PlacementFromProto(f.GetNewer())
	if err != nil {
		return &moe.Error{Op: op, Node: node, Kind: moe.Corrupt, Err: err}
	}
	kind := moe.Internal
	if k := f.GetKind(); k > hachiv1.FailureKind_FAILURE_KIND_UNSPECIFIED && k <= hachiv1.FailureKind_FAILURE_KIND_DRAINING {
		kind = moe.Kind(k - 1)
	}
	return &moe.Error{Op: op, Node: node, Kind: kind, Err: errors.New(f.GetMessage()), Newer: newer}
}

// op is what a failed call was doing.
const op = "expert call"
