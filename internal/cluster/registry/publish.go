package registry

import (
	"context"
	"errors"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/protobuf/proto"

	"github.com/hachi-serve/hachi/internal/moepb"
	"github.com/hachi-serve/hachi/moe"
)

// ErrFenced means that this coordinator does not lead any more, or that
// somebody else wrote meanwhile.
var ErrFenced = errors.New("the write was fenced: another coordinator leads")

// Leadership proves that a coordinator leads: its key in the election and the
// revision that made it.
type Leadership struct {
	Key      string
	Revision int64
}

// State is what a coordinator has written, with the revisions that fence the
// next write.
type State struct {
	Target            moe.Target
	TargetKnown       bool
	Placement         *moe.Placement // nil if none
	targetRevision    int64
	placementRevision int64
}

// ReadState reads target and placement. What is damaged counts as absent: it
// is reported, and the next write replaces it.
func (r *Registry) ReadState(ctx context.Context) (State, error) {
	var s State
	resp, err := r.cli.Txn(ctx).Then(clientv3.OpGet(r.targetKey()), clientv3.OpGet(r.placementKey())).Commit()
	if err != nil {
		return s, err
	}
	if kvs := resp.Responses[0].GetResponseRange().Kvs; len(kvs) > 0 {
		s.targetRevision = kvs[0].ModRevision
		if s.Target, err = decodeTarget(kvs[0].Value); err != nil {
			r.opts.Logger.Error("record is damaged", "key", r.targetKey(), "err", err)
		}
		s.TargetKnown = err == nil
	}
	if kvs := resp.Responses[1].GetResponseRange().Kvs; len(kvs) > 0 {
		s.placementRevision = kvs[0].ModRevision
		if s.Placement, err = decodePlacement(kvs[0].Value); err != nil {
			r.opts.Logger.Error("record is damaged", "key", r.placementKey(), "err", err)
		}
	}
	return s, nil
}

// WriteTarget replaces the target.
func (r *Registry) WriteTarget(ctx context.Context, l Leadership, s *State, t moe.Target) error {
	revision, err := r.fencedPut(ctx, l, s, r.targetKey(), moepb.TargetToProto(t))
	if err == nil {
		s.Target, s.TargetKnown, s.targetRevision = t, true, revision
	}
	return err
}

// WritePlacement publishes a placement.
func (r *Registry) WritePlacement(ctx context.Context, l Leadership, s *State, p *moe.Placement) error {
	revision, err := r.fencedPut(ctx, l, s, r.placementKey(), moepb.PlacementToProto(p))
	if err == nil {
		s.Placement, s.placementRevision = p, revision
	}
	return err
}

// fencedPut writes if the coordinator still leads and both values are those it
// decided upon, and with them the last epoch.
func (r *Registry) fencedPut(ctx context.Context, l Leadership, s *State, key string, m proto.Message) (int64, error) {
	raw, err := proto.Marshal(m)
	if err != nil {
		return 0, err
	}
	resp, err := r.cli.Txn(ctx).
		If(clientv3.Compare(clientv3.CreateRevision(l.Key), "=", l.Revision),
			clientv3.Compare(clientv3.ModRevision(r.targetKey()), "=", s.targetRevision),
			clientv3.Compare(clientv3.ModRevision(r.placementKey()), "=", s.placementRevision)).
		Then(clientv3.OpPut(key, string(raw))).Commit()
	if err != nil {
		return 0, err
	}
	if !resp.Succeeded {
		return 0, ErrFenced
	}
	return resp.Header.Revision, nil
}

// isGone reports that a lease has ended.
func isGone(err error) bool { return errors.Is(err, rpctypes.ErrLeaseNotFound) }
