package registry

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/hachi-serve/hachi/internal/moepb"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// electionTTL bounds how long a dead leader keeps a standby waiting.
const electionTTL = 5 * time.Second

// Campaign waits until this coordinator leads. Its record is listed from now
// on; the lease is renewed until ctx ends.
func (r *Registry) Campaign(ctx context.Context, record *hachiv1.CoordinatorRecord) (*Term, error) {
	raw, err := proto.Marshal(record)
	if err != nil {
		return nil, fmt.Errorf("coordinator record: %w", err)
	}
	return r.store.Campaign(ctx, r.electionKey(), raw, electionTTL)
}

// Leadership proves that a coordinator leads: its key in the election and the
// revision that made it.
type Leadership struct {
	Key      string
	Revision int64
}

// State is what a coordinator has written, with the revisions that fence the
// next write.
type State struct {
	Target      moe.Target
	TargetKnown bool
	Placement   *moe.Placement // nil if none
	// Stale asks for Rewrite.
	Stale             bool
	targetRevision    int64
	placementRevision int64
}

// ReadState reads target and placement. What is damaged counts as absent: it
// is reported, and the next write replaces it.
func (r *Registry) ReadState(ctx context.Context) (State, error) {
	var s State
	entries, err := r.store.Get(ctx, r.targetKey(), r.placementKey())
	if err != nil {
		return s, err
	}
	for _, e := range entries {
		switch e.Key {
		case r.targetKey():
			s.targetRevision = e.Modified
			s.Target, err = decodeTarget(e.Value)
			s.TargetKnown = err == nil
		case r.placementKey():
			s.placementRevision = e.Modified
			s.Placement, err = decodePlacement(e.Value)
		}
		s.Stale = s.Stale || e.Stale
		r.note(e.Key, err)
	}
	return s, nil
}

// Rewrite writes target, placement and drains again as they are, so that this
// coordinator has signed them.
func (r *Registry) Rewrite(ctx context.Context, l Leadership, s *State) error {
	if s.TargetKnown {
		if err := r.WriteTarget(ctx, l, s, s.Target); err != nil {
			return err
		}
	}
	if s.Placement != nil {
		if err := r.WritePlacement(ctx, l, s, s.Placement); err != nil {
			return err
		}
	}
	drains, err := r.Drains(ctx)
	if err != nil {
		return err
	}
	for node, started := range drains {
		if err := r.Drain(ctx, node, started); err != nil {
			return err
		}
	}
	s.Stale = false
	return nil
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
	return r.store.Commit(ctx, []Guard{
		{Key: l.Key, Created: true, Revision: l.Revision},
		{Key: r.targetKey(), Revision: s.targetRevision},
		{Key: r.placementKey(), Revision: s.placementRevision},
	}, key, raw, 0)
}
