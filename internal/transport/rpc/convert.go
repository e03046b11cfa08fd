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

// failureToProto keeps the kind and the newer placement of an error.
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
