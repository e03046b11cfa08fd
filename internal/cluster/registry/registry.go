package registry

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/hachi-serve/hachi/internal/episode"
	"github.com/hachi-serve/hachi/internal/moepb"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// Options configure a Registry.
type Options struct {
	TTL    time.Duration // of this process's records
	Logger *slog.Logger  // nil is silent
}

// Registry reads and writes the records of one cluster.
type Registry struct {
	store  Store
	prefix string
	opts   Options

	damage *episode.Log

	life  context.Context // ends with the registry; every watch and session is bound to it
	close context.CancelFunc

	mu     sync.Mutex // guards name, closed and the start of work
	name   *Name      // of this process; nil without a Claim
	closed bool
	work   sync.WaitGroup // goroutines of watches and sessions
}

// DefaultTTL is the lease of a node or router record.
const DefaultTTL = 10 * time.Second

// DefaultCluster is the name of a cluster whose configuration gives none.
const DefaultCluster = "hachi"

// root is the key under which all clusters live in a store.
const root = "/hachi/"

// Prefix is the key under which all records of a cluster live in etcd.
func Prefix(cluster string) string { return root + cluster + "/" }

// Clusters lists the clusters of a store of which a process runs, sorted.
func Clusters(ctx context.Context, store Store) ([]string, error) {
	entries, err := store.Get(ctx, root)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		cluster, _, found := strings.Cut(strings.TrimPrefix(e.Key, root), "/")
		if found && e.Lease != 0 {
			out = append(out, cluster)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// New makes a registry of the keys under prefix, which ends with a slash.
func New(store Store, prefix string, opts Options) *Registry {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	r := &Registry{store: store, prefix: prefix, opts: opts, damage: newDamage(opts.Logger)}
	r.life, r.close = context.WithCancel(context.Background())
	return r
}

// Close ends every watch and session and returns when their goroutines have
// ended, so that the store may be closed. Records stay until their leases end;
// Session.Close removes one at once.
func (r *Registry) Close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.close()
	r.work.Wait()
}

// start runs f on a goroutine that Close joins, with a context that ends with
// ctx or with the registry. On a closed registry f gets an ended context.
func (r *Registry) start(ctx context.Context, f func(context.Context)) {
	ctx, cancel := context.WithCancel(ctx)
	unbind := context.AfterFunc(r.life, cancel)
	run := func() {
		defer cancel()
		defer unbind()
		f(ctx)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed { // Close may be past its Wait: do not add to it
		cancel()
		run()
		return
	}
	r.work.Go(run)
}

const (
	// maxBackoff bounds every wait between tries: below the TTL, so that a store
	// that came back is found before a lease would have ended.
	firstBackoff = 50 * time.Millisecond
	maxBackoff   = time.Second
	// callTimeout bounds one call: a healthy store answers in milliseconds.
	callTimeout = 3 * time.Second
	// revokeTimeout bounds the return of a lease: one that is not given back ends by
	// itself, and a process that is asked to stop has little time.
	revokeTimeout = time.Second
)

// Keys of a cluster, under its prefix.
func (r *Registry) nodeKey(id string) string    { return r.prefix + "nodes/" + id }
func (r *Registry) routerKey(id string) string  { return r.prefix + "routers/" + id }
func (r *Registry) loadKey(id string) string    { return r.prefix + "loads/" + id }
func (r *Registry) gatewayKey(id string) string { return r.prefix + "gateways/" + id }
func (r *Registry) drainKey(id string) string   { return r.prefix + "drains/" + id }
func (r *Registry) targetKey() string           { return r.prefix + "target" }
func (r *Registry) placementKey() string        { return r.prefix + "placement" }
func (r *Registry) electionKey() string         { return r.prefix + "election" }
func (r *Registry) nameKey(role, id string) string {
	return r.prefix + "names/" + role + "/" + id
}

// Nodes reads all node records.
func (r *Registry) Nodes(ctx context.Context) ([]*hachiv1.NodeRecord, error) {
	return list[hachiv1.NodeRecord](ctx, r, r.prefix+"nodes/")
}

// Routers reads all router records.
func (r *Registry) Routers(ctx context.Context) ([]*hachiv1.RouterRecord, error) {
	return list[hachiv1.RouterRecord](ctx, r, r.prefix+"routers/")
}

// Gateways reads all gateway records.
func (r *Registry) Gateways(ctx context.Context) ([]*hachiv1.GatewayRecord, error) {
	return list[hachiv1.GatewayRecord](ctx, r, r.gatewayKey(""))
}

// Loads reads what all routers have sent.
func (r *Registry) Loads(ctx context.Context) ([]*hachiv1.RouterLoad, error) {
	return list[hachiv1.RouterLoad](ctx, r, r.loadKey(""))
}

// Placement reads the published placement and the revision that wrote it; nil
// if there is none, or what no process of this cluster would write.
func (r *Registry) Placement(ctx context.Context) (*moe.Placement, int64, error) {
	entries, err := r.store.Get(ctx, r.placementKey())
	if err != nil {
		return nil, 0, err
	}
	r.settle(r.placementKey(), holds(entries))
	if len(entries) == 0 {
		return nil, 0, nil
	}
	p, err := decodePlacement(entries[0].Value)
	switch {
	case errors.Is(err, errSealed):
		return nil, 0, err
	case !r.note(entries[0].Key, err):
		return nil, entries[0].Modified, nil
	}
	return p, entries[0].Modified, nil
}

// Holders reads the holders of the names of a role, by name.
func (r *Registry) Holders(ctx context.Context, role string) (map[string]Holder, error) {
	prefix := r.nameKey(role, "")
	entries, err := r.store.Get(ctx, prefix)
	if err != nil {
		return nil, err
	}
	out := map[string]Holder{}
	for _, e := range entries {
		var h Holder
		if json.Unmarshal(e.Value, &h) == nil { // a damaged value holds nothing
			out[strings.TrimPrefix(e.Key, prefix)] = h
		}
	}
	return out, nil
}

// Coordinators reads the records of the election, the leader's first.
func (r *Registry) Coordinators(ctx context.Context) ([]*hachiv1.CoordinatorRecord, error) {
	entries, err := r.store.Get(ctx, r.electionKey()+"/")
	if err != nil {
		return nil, err
	}
	slices.SortFunc(entries, func(a, b Entry) int { return cmp.Compare(a.Created, b.Created) })
	return decodeAll[hachiv1.CoordinatorRecord](r, entries), nil
}

// Drains reads the nodes asked to leave, as WatchDrains delivers them.
func (r *Registry) Drains(ctx context.Context) (map[moe.NodeID]int64, error) {
	entries, err := r.store.Get(ctx, r.drainKey(""))
	if err != nil {
		return nil, err
	}
	values := map[string][]byte{}
	for _, e := range entries {
		values[e.Key] = e.Value
	}
	r.settle(r.drainKey(""), holds(entries))
	return r.decodeDrains(values), nil
}

func (r *Registry) decodeDrains(values map[string][]byte) map[moe.NodeID]int64 {
	out := map[moe.NodeID]int64{}
	for key, value := range values {
		started, err := strconv.ParseInt(string(value), 10, 64)
		if why := refusal(value); why != nil {
			err = why
		}
		if !r.note(key, err) {
			continue
		}
		out[moe.NodeID(strings.TrimPrefix(key, r.drainKey("")))] = started
	}
	return out
}

// Drain asks that the run of a node that started at a time be emptied.
func (r *Registry) Drain(ctx context.Context, node moe.NodeID, startedUnixNano int64) error {
	return r.store.Put(ctx, r.drainKey(string(node)), strconv.AppendInt(nil, startedUnixNano, 10), 0)
}

// Undrain takes the request back.
func (r *Registry) Undrain(ctx context.Context, node moe.NodeID) error {
	return r.store.Delete(ctx, r.drainKey(string(node)))
}

// revoke ends a lease, and the keys under it, now; 0 is no lease.
func (r *Registry) revoke(ctx context.Context, lease LeaseID) error {
	if lease == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, revokeTimeout)
	defer cancel()
	return r.store.Revoke(ctx, lease)
}

// Clear removes everything an earlier cluster left. It is for a cluster of
// which no process runs any more: a process that still knows an epoch of it makes
// the new one continue above that epoch.
func (r *Registry) Clear(ctx context.Context) error {
	return r.store.Clear(ctx, r.prefix)
}

// Forget removes the target and the placement of an earlier run, whose signatures
// no process trusts any more.
func (r *Registry) Forget(ctx context.Context) error {
	for _, key := range []string{r.targetKey(), r.placementKey()} {
		if err := r.store.Delete(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

// message is a pointer to a generated message of type T.
type message[T any] interface {
	*T
	proto.Message
}

func list[T any, M message[T]](ctx context.Context, r *Registry, prefix string) ([]*T, error) {
	entries, err := r.store.Get(ctx, prefix)
	if err != nil {
		return nil, err
	}
	r.settle(prefix, holds(entries))
	return decodeAll[T, M](r, entries), nil
}

// holds reports which keys entries have.
func holds(entries []Entry) func(key string) bool {
	return func(key string) bool {
		return slices.ContainsFunc(entries, func(e Entry) bool { return e.Key == key })
	}
}

// decodeAll decodes what can be decoded.
func decodeAll[T any, M message[T]](r *Registry, entries []Entry) []*T {
	out := []*T{}
	for _, e := range entries {
		record, err := decodeRecord[T, M](e.Key, e.Value)
		if r.note(e.Key, err) {
			out = append(out, record)
		}
	}
	return out
}

func decodePlacement(raw []byte) (*moe.Placement, error) {
	if err := refusal(raw); err != nil {
		return nil, fmt.Errorf("placement: %w", err)
	}
	var record hachiv1.PlacementRecord
	if err := proto.Unmarshal(raw, &record); err != nil {
		return nil, fmt.Errorf("placement: %w", err)
	}
	return moepb.PlacementFromProto(&record)
}

func decodeTarget(raw []byte) (moe.Target, error) {
	if err := refusal(raw); err != nil {
		return moe.Target{}, fmt.Errorf("target: %w", err)
	}
	var record hachiv1.TargetRecord
	if err := proto.Unmarshal(raw, &record); err != nil {
		return moe.Target{}, fmt.Errorf("target: %w", err)
	}
	return moepb.TargetFromProto(&record)
}
