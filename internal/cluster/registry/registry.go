package registry

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/protobuf/proto"

	"github.com/hachi-serve/hachi/internal/moepb"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// Options configure a Registry.
type Options struct {
	TTL    time.Duration // of this process's records
	Logger *slog.Logger
}

// Registry reads and writes the records of one cluster.
type Registry struct {
	cli    *clientv3.Client
	prefix string
	opts   Options
}

// DefaultTTL is the lease of a node or router record.
const DefaultTTL = 10 * time.Second

// DefaultCluster is the name of a cluster whose configuration gives none.
const DefaultCluster = "hachi"

// Prefix is the key under which all records of a cluster live in etcd.
func Prefix(cluster string) string { return "/hachi/" + cluster + "/" }

// New makes a registry of the keys under prefix, which ends with a slash.
func New(cli *clientv3.Client, prefix string, opts Options) *Registry {
	return &Registry{cli: cli, prefix: prefix, opts: opts}
}

const (
	// maxBackoff bounds every wait between tries: below the TTL, so that an
	// etcd that came back is found before a lease would have ended.
	firstBackoff = 50 * time.Millisecond
	maxBackoff   = time.Second
	// callTimeout bounds one call: a healthy etcd answers in milliseconds.
	callTimeout = 3 * time.Second
	// probeEvery is how often a watch asks whether etcd is still the same.
	probeEvery = 2 * time.Second
)

// Dial makes a client that finds an etcd again soon after it came back. It
// does not wait for one to be there.
func Dial(endpoints []string, logger *slog.Logger) (*clientv3.Client, error) {
	cli, err := clientv3.New(clientv3.Config{
		Endpoints: endpoints, Logger: zap.NewNop(), DialKeepAliveTime: 5 * time.Second, DialKeepAliveTimeout: 3 * time.Second,
		DialOptions: []grpc.DialOption{grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: maxBackoff},
			MinConnectTimeout: callTimeout,
		})},
	})
	if err != nil {
		return nil, fmt.Errorf("etcd %v: %w", endpoints, err)
	}
	return cli, nil
}

// Keys of a cluster, under its prefix.
func (r *Registry) nodeKey(id string) string   { return r.prefix + "nodes/" + id }
func (r *Registry) routerKey(id string) string { return r.prefix + "routers/" + id }
func (r *Registry) drainKey(id string) string  { return r.prefix + "drains/" + id }
func (r *Registry) targetKey() string          { return r.prefix + "target" }
func (r *Registry) placementKey() string       { return r.prefix + "placement" }

// ElectionKey is the prefix of the coordinators' election.
func (r *Registry) ElectionKey() string { return r.prefix + "election" }

// Client is the etcd client, for the election.
func (r *Registry) Client() *clientv3.Client { return r.cli }

// Nodes reads all node records.
func (r *Registry) Nodes(ctx context.Context) ([]*hachiv1.NodeRecord, error) {
	return list[hachiv1.NodeRecord](ctx, r, r.prefix+"nodes/")
}

// Routers reads all router records.
func (r *Registry) Routers(ctx context.Context) ([]*hachiv1.RouterRecord, error) {
	return list[hachiv1.RouterRecord](ctx, r, r.prefix+"routers/")
}

// Placement reads the published placement and the revision that wrote it; nil
// if there is none.
func (r *Registry) Placement(ctx context.Context) (*moe.Placement, int64, error) {
	resp, err := r.cli.Get(ctx, r.placementKey())
	if err != nil || len(resp.Kvs) == 0 {
		return nil, 0, err
	}
	p, err := decodePlacement(resp.Kvs[0].Value)
	return p, resp.Kvs[0].ModRevision, err
}

// Coordinators reads the records of the election, the leader's first.
func (r *Registry) Coordinators(ctx context.Context) ([]*hachiv1.CoordinatorRecord, error) {
	return list[hachiv1.CoordinatorRecord](ctx, r, r.ElectionKey()+"/", clientv3.WithSort(clientv3.SortByCreateRevision, clientv3.SortAscend))
}

// Drains reads the nodes asked to leave, as WatchDrains delivers them.
func (r *Registry) Drains(ctx context.Context) (map[moe.NodeID]int64, error) {
	resp, err := r.cli.Get(ctx, r.drainKey(""), clientv3.WithPrefix())
	if err != nil {
		return nil, err
	}
	values := map[string][]byte{}
	for _, kv := range resp.Kvs {
		values[string(kv.Key)] = kv.Value
	}
	return r.decodeDrains(values), nil
}

func (r *Registry) decodeDrains(values map[string][]byte) map[moe.NodeID]int64 {
	out := map[moe.NodeID]int64{}
	for key, value := range values {
		started, err := strconv.ParseInt(string(value), 10, 64)
		if err != nil {
			r.opts.Logger.Error("record is damaged", "key", key, "err", err)
			continue
		}
		out[moe.NodeID(strings.TrimPrefix(key, r.drainKey("")))] = started
	}
	return out
}

// Drain asks that the run of a node that started at a time be emptied.
func (r *Registry) Drain(ctx context.Context, node moe.NodeID, startedUnixNano int64) error {
	_, err := r.cli.Put(ctx, r.drainKey(string(node)), strconv.FormatInt(startedUnixNano, 10))
	return err
}

// Undrain takes the request back.
func (r *Registry) Undrain(ctx context.Context, node moe.NodeID) error {
	_, err := r.cli.Delete(ctx, r.drainKey(string(node)))
	return err
}

// Clear removes everything an earlier cluster left. It is for a cluster of
// which no process runs any more: whoever still knows an epoch of it will make
// the new one go on above that.
func (r *Registry) Clear(ctx context.Context) error {
	_, err := r.cli.Delete(ctx, r.prefix, clientv3.WithPrefix())
	return err
}

// message is a pointer to a generated message of type T.
type message[T any] interface {
	*T
	proto.Message
}

func list[T any, M message[T]](ctx context.Context, r *Registry, prefix string, opts ...clientv3.OpOption) ([]*T, error) {
	resp, err := r.cli.Get(ctx, prefix, append(opts, clientv3.WithPrefix())...)
	if err != nil {
		return nil, err
	}
	out := []*T{}
	for _, kv := range resp.Kvs {
		record := new(T)
		if err := proto.Unmarshal(kv.Value, M(record)); err != nil {
			return nil, fmt.Errorf("record %s: %w", kv.Key, err)
		}
		out = append(out, record)
	}
	return out, nil
}

func decodePlacement(raw []byte) (*moe.Placement, error) {
	var record hachiv1.PlacementRecord
	if err := proto.Unmarshal(raw, &record); err != nil {
		return nil, fmt.Errorf("placement: %w", err)
	}
	return moepb.PlacementFromProto(&record)
}

func decodeTarget(raw []byte) (moe.Target, error) {
	var record hachiv1.TargetRecord
	if err := proto.Unmarshal(raw, &record); err != nil {
		return moe.Target{}, fmt.Errorf("target: %w", err)
	}
	return moepb.TargetFromProto(&record)
}
