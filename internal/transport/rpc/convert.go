package rpc

import (
	"errors"
	"math"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/hachi-serve/hachi/internal/moepb"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// op is what a failed call was doing.
const op = "expert call"

func unreachable(node moe.NodeID, err error) error {
	return &moe.Error{Op: op, Node: node, Kind: moe.Unreachable, Err: err}
}

// failureToProto keeps the kind, the newer placement and the hint of an error.
// FailureKind = moe.Kind + 1, because protobuf reserves 0 for an absent field.
// Op and Node are left out: the router knows both, and sets its own.
func failureToProto(sequence uint64, err error) *hachiv1.Failure {
	f := &hachiv1.Failure{Sequence: sequence, Kind: hachiv1.FailureKind(moe.KindOf(err) + 1), Message: err.Error()}
	var e *moe.Error
	if errors.As(err, &e) {
		f.Newer, f.RetryAfterNs = moepb.PlacementToProto(e.Newer), uint64(max(e.RetryAfter, 0))
		if e.Err != nil {
			f.Message = e.Err.Error()
		}
	}
	return f
}

// failureFromProto is the error that a failure stands for. An absent or unknown
// kind becomes Internal: the call failed, and nothing more is known.
func failureFromProto(node moe.NodeID, f *hachiv1.Failure) error {
	newer, err := moepb.PlacementFromProto(f.GetNewer())
	if err != nil {
		return &moe.Error{Op: op, Node: node, Kind: moe.Corrupt, Err: err}
	}
	kind := moe.Internal
	if k := f.GetKind(); k > hachiv1.FailureKind_FAILURE_KIND_UNSPECIFIED && k <= hachiv1.FailureKind_FAILURE_KIND_DRAINING {
		kind = moe.Kind(k - 1)
	}
	return &moe.Error{
		Op: op, Node: node, Kind: kind, Err: errors.New(f.GetMessage()), Newer: newer,
		RetryAfter: time.Duration(min(f.GetRetryAfterNs(), math.MaxInt64)),
	}
}

// streamError is the error of all calls on a stream that ended.
//
//	FailedPrecondition                            Mismatch: another model
//	DataLoss, InvalidArgument, ResourceExhausted  Corrupt: a side broke the protocol
//	any other code                                Unreachable: the node or the network
func streamError(node moe.NodeID, err error) error {
	kind := moe.Unreachable
	switch status.Code(err) {
	case codes.FailedPrecondition:
		kind = moe.Mismatch
	case codes.DataLoss, codes.InvalidArgument, codes.ResourceExhausted:
		kind = moe.Corrupt
	}
	return &moe.Error{Op: op, Node: node, Kind: kind, Err: err}
}
