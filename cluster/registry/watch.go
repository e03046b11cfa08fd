package registry

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/protobuf/proto"

	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// WatchTarget delivers the target and its changes.
func (r *Registry) WatchTarget(ctx context.Context) <-chan moe.Target {
	return watchOne(ctx, r, r.targetKey(), decodeTarget)
}

// WatchPlacement delivers the placement and its changes.
func (r *Registry) WatchPlacement(ctx context.Context) <-chan *moe.Placement {
	return watchOne(ctx, r, r.placementKey(), decodePlacement)
}

// WatchNodes delivers all node records, in order of id, at every change.
func (r *Registry) WatchNodes(ctx context.Context) <-chan []*hachiv1.NodeRecord {
	return watchAll[hachiv1.NodeRecord](ctx, r, r.prefix+"nodes/")
}

// WatchRouters delivers all router records, in order of id, at every change.
func (r *Registry) WatchRouters(ctx context.Context) <-chan []*hachiv1.RouterRecord {
	return watchAll[hachiv1.RouterRecord](ctx, r, r.prefix+"routers/")
}

// WatchDrains delivers the ids of the nodes asked to drain.
func (r *Registry) WatchDrains(ctx context.Context) <-chan []moe.NodeID {
	out := make(chan []moe.NodeID, 1)
	prefix := r.prefix + "drains/"
	go r.watch(ctx, prefix, func(kvs map[string][]byte) {
		ids := []moe.NodeID{}
		for _, key := range slices.Sorted(maps.Keys(kvs)) {
			ids = append(ids, moe.NodeID(strings.TrimPrefix(key, prefix)))
		}
		offer(out, ids)
	}, func() { close(out) })
	return out
}

func watchOne[T any](ctx context.Context, r *Registry, key string, decode func([]byte) (T, error)) <-chan T {
	out := make(chan T, 1)
	go r.watch(ctx, key, func(kvs map[string][]byte) {
		raw, ok := kvs[key]
		if !ok {
			return // deleted or never written: nothing to follow
		}
		value, err := decode(raw)
		if err != nil {
			r.opts.Logger.Error("record is damaged", "key", key, "err", err)
			return
		}
		offer(out, value)
	}, func() { close(out) })
	return out
}

func watchAll[T any, M message[T]](ctx context.Context, r *Registry, prefix string) <-chan []*T {
	out := make(chan []*T, 1)
	go r.watch(ctx, prefix, func(kvs map[string][]byte) {
		records := []*T{}
		for _, key := range slices.Sorted(maps.Keys(kvs)) {
			record := new(T)
			if err := proto.Unmarshal(kvs[key], M(record)); err != nil {
				r.opts.Logger.Error("record is damaged", "key", key, "err", err)
				continue
			}
			records = append(records, record)
		}
		offer(out, records)
	}, func() { close(out) })
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

// watch calls changed with all keys under prefix, first as they are and then
// at every change, until ctx ends. It begins anew after any failure.
func (r *Registry) watch(ctx context.Context, prefix string, changed func(map[string][]byte), done func()) {
	defer done()
	wait := 50 * time.Millisecond
	for ctx.Err() == nil {
		if r.watchOnce(ctx, prefix, changed) {
			wait = 50 * time.Millisecond
		}
		sleep(ctx, wait)
		wait = min(2*wait, maxBackoff)
	}
}

// watchOnce reports whether etcd answered at all.
func (r *Registry) watchOnce(ctx context.Context, prefix string, changed func(map[string][]byte)) bool {
	getCtx, cancel := context.WithTimeout(ctx, maxBackoff)
	resp, err := r.cli.Get(getCtx, prefix, clientv3.WithPrefix())
	cancel()
	if err != nil {
		return false
	}
	kvs := map[string][]byte{}
	for _, kv := range resp.Kvs {
		kvs[string(kv.Key)] = kv.Value
	}
	changed(kvs)
	// WithRequireLeader and progress notices end a watch on a member that is
	// cut off, instead of leaving it silent.
	watchCtx, cancel := context.WithCancel(clientv3.WithRequireLeader(ctx))
	defer cancel()
	for event := range r.cli.Watch(watchCtx, prefix, clientv3.WithPrefix(), clientv3.WithRev(resp.Header.Revision+1)) {
		if event.Err() != nil || event.Canceled {
			return true
		}
		for _, e := range event.Events {
			if e.Type == clientv3.EventTypeDelete {
				delete(kvs, string(e.Kv.Key))
			} else {
				kvs[string(e.Kv.Key)] = e.Kv.Value
			}
		}
		if len(event.Events) > 0 {
			changed(kvs)
		}
	}
	return true
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
