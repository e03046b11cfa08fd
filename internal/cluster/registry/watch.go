package registry

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// Nodes are all node records at one time.
type Nodes struct {
	Records []*hachiv1.NodeRecord // in order of id
	// Connection counts how often etcd was reached again: when it rises, leases
	// may have expired while no process could renew them.
	Connection uint64
}

// WatchTarget delivers the target and its changes.
func (r *Registry) WatchTarget(ctx context.Context) <-chan moe.Target {
	return watchOne(ctx, r, r.targetKey(), decodeTarget)
}

// WatchPlacement delivers the placement and its changes.
func (r *Registry) WatchPlacement(ctx context.Context) <-chan *moe.Placement {
	return watchOne(ctx, r, r.placementKey(), decodePlacement)
}

// WatchWritten delivers a signal when target or placement may have changed: written,
// damaged or deleted.
func (r *Registry) WatchWritten(ctx context.Context) (target, placement <-chan struct{}) {
	signal := func(contents) (struct{}, bool) { return struct{}{}, true }
	return follow(ctx, r, r.targetKey(), signal), follow(ctx, r, r.placementKey(), signal)
}

// WatchNodes delivers all node records at every change.
func (r *Registry) WatchNodes(ctx context.Context) <-chan Nodes {
	records := decoder[hachiv1.NodeRecord](r)
	return follow(ctx, r, r.prefix+"nodes/", func(c contents) (Nodes, bool) { return Nodes{records(c), c.connection}, true })
}

// WatchRouters delivers all router records, in order of id, at every change.
func (r *Registry) WatchRouters(ctx context.Context) <-chan []*hachiv1.RouterRecord {
	records := decoder[hachiv1.RouterRecord](r)
	return follow(ctx, r, r.prefix+"routers/", func(c contents) ([]*hachiv1.RouterRecord, bool) { return records(c), true })
}

// WatchLoads delivers what all routers have sent, in order of id, at every change.
func (r *Registry) WatchLoads(ctx context.Context) <-chan []*hachiv1.RouterLoad {
	records := decoder[hachiv1.RouterLoad](r)
	return follow(ctx, r, r.loadKey(""), func(c contents) ([]*hachiv1.RouterLoad, bool) { return records(c), true })
}

// WatchDrains delivers the nodes asked to leave, and which run of them was:
// its start in Unix nanoseconds.
func (r *Registry) WatchDrains(ctx context.Context) <-chan map[moe.NodeID]int64 {
	return follow(ctx, r, r.drainKey(""), func(c contents) (map[moe.NodeID]int64, bool) {
		return r.decodeDrains(c.values), true
	})
}

// watchOne delivers the value of one key. Its absence is not delivered: there
// is nothing to follow.
func watchOne[T any](ctx context.Context, r *Registry, key string, decode func([]byte) (T, error)) <-chan T {
	return follow(ctx, r, key, func(c contents) (value T, ok bool) {
		raw, ok := c.values[key]
		if !ok {
			return value, false
		}
		value, err := decode(raw)
		return value, r.note(key, err)
	})
}

// decoder decodes what can be decoded, in order of key. A record is decoded once,
// and again when it changes: one who watches a thousand nodes sees each change of
// each. Receivers must not change a record.
func decoder[T any, M message[T]](r *Registry) func(contents) []*T {
	type decoded struct {
		raw    []byte
		record *T
		err    error
	}
	before := map[string]decoded{}
	return func(c contents) []*T {
		out, now := []*T{}, make(map[string]decoded, len(c.values))
		for _, key := range slices.Sorted(maps.Keys(c.values)) {
			d, ok := before[key]
			if raw := c.values[key]; !ok || !bytes.Equal(d.raw, raw) {
				d = decoded{raw: raw}
				d.record, d.err = decodeRecord[T, M](key, raw)
			}
			now[key] = d
			if r.note(key, d.err) {
				out = append(out, d.record)
			}
		}
		before = now
		return out
	}
}

// contents are the keys under a prefix at one time.
type contents struct {
	values     map[string][]byte
	connection uint64
}

// follow delivers what read makes of the contents under a prefix, at every
// change, until ctx ends. The channel holds the latest value.
func follow[T any](ctx context.Context, r *Registry, prefix string, read func(contents) (T, bool)) <-chan T {
	out := make(chan T, 1)
	r.start(ctx, func(ctx context.Context) {
		defer close(out)
		r.watch(ctx, prefix, func(c contents) {
			r.settle(prefix, func(key string) bool { _, ok := c.values[key]; return ok })
			if value, ok := read(c); ok {
				offer(out, value)
			}
		})
	})
	return out
}

// offer replaces what the reader has not taken yet. Only one goroutine offers.
func offer[T any](out chan T, value T) {
	for {
		select {
		case out <- value:
			return
		default:
		}
		select {
		case <-out:
		default:
		}
	}
}

// watch calls changed with the contents under prefix, first as they are and
// then at every change, until ctx ends. It restarts after any failure.
func (r *Registry) watch(ctx context.Context, prefix string, changed func(contents)) {
	c := contents{}
	wait := firstBackoff
	for ctx.Err() == nil {
		c.connection++
		if r.store.Watch(ctx, prefix, func(values map[string][]byte) {
			c.values = values
			changed(c)
		}) {
			wait = firstBackoff
		}
		sleep(ctx, wait)
		wait = min(2*wait, maxBackoff)
	}
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
