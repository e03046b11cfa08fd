package registry_test

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/protobuf/proto"

	"github.com/hachi-serve/hachi/internal/cluster/etcd"
	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/moepb"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// BenchmarkLargeCluster runs one real etcd with the records of 1,000 nodes and 100
// routers under load for 20 s: nodes write 100 records a second together, a router
// 2 KiB/s of its rows, as expertnode and router bound them, and twenty of the nodes
// watch the routers.
//
//	go test ./internal/cluster/registry -run xxx -bench LargeCluster -benchtime 1x
//
// writes/s and record-KiB/s are what etcd stores, heap-MiB what it and all 1,200
// sessions hold in this process, db-MiB its file, node-KiB/s what one node receives.
func BenchmarkLargeCluster(b *testing.B) {
	for _, experts := range []int{256, 6144} {
		b.Run(fmt.Sprint(experts, " experts"), func(b *testing.B) {
			for b.Loop() {
				newLargeCluster(b, experts).run(b, 20*time.Second)
			}
		})
	}
}

const (
	largeNodes, largeRouters, largeWatchers = 1000, 100, 20
	// These are the bounds of expertnode and router.
	nodeWrites, routerBytes = 100, 2 << 10
)

// largeCluster is the sessions of a cluster at one etcd.
type largeCluster struct {
	reg     *registry.Registry
	etcd    *clientv3.Client
	server  string
	nodes   []*registry.NodeSession
	routers []*registry.RouterSession
	loads   []*registry.LoadSession
	experts int

	received atomic.Int64 // bytes, by the watchers
}

func newLargeCluster(b *testing.B, experts int) *largeCluster {
	server, err := etcd.Start(b.Context(), etcd.Config{Dir: filepath.Join(b.TempDir(), "etcd")})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(server.Close)
	c := &largeCluster{reg: newRegistry(b, server.Endpoints()[0]), server: server.Endpoints()[0], experts: experts}
	if c.etcd, err = clientv3.New(clientv3.Config{Endpoints: server.Endpoints(), Logger: nil}); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { c.etcd.Close() })
	b.Cleanup(c.reg.Close)
	t := moe.Uniform(experts/256, 256)
	for i := range largeNodes {
		var ids []moe.ExpertID
		for e := i; e < 2*experts; e += largeNodes {
			ids = append(ids, t.ID(e%experts))
		}
		c.nodes = append(c.nodes, c.reg.RegisterNode(b.Context(), &hachiv1.NodeRecord{
			NodeId: fmt.Sprint("expert-", i), Addr: "10.0.0.1:7070", Fingerprint: "0123456789abcdef", Resident: moepb.ShardToProto(moe.NewShard(ids)),
			ExpertsPerLayer: moepb.TopologyToProto(t), ExpertBytes: 1, CapacityBytes: 100,
		}))
	}
	for i := range largeRouters {
		id := fmt.Sprint("router-", i)
		c.routers = append(c.routers, c.reg.RegisterRouter(b.Context(), &hachiv1.RouterRecord{RouterId: id, GrpcAddr: "10.0.0.1:8081", Fingerprint: "0123456789abcdef"}))
		c.loads = append(c.loads, c.reg.RegisterLoad(b.Context(), &hachiv1.RouterLoad{RouterId: id, Fingerprint: "0123456789abcdef"}))
	}
	return c
}

// run reports under load, and measures.
func (c *largeCluster) run(b *testing.B, span time.Duration) {
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	nodes, routers, loads := c.reg.WatchNodes(ctx), c.reg.WatchRouters(ctx), c.reg.WatchLoads(ctx)
	for seen := range nodes {
		if len(seen.Records) == largeNodes {
			break
		}
	}
	for seen := range routers {
		if len(seen) == largeRouters {
			break
		}
	}
	for range largeWatchers {
		go c.watchRouters(ctx)
	}
	go func() {
		for range loads {
		}
	}()
	go func() {
		for range nodes {
		}
	}()
	time.Sleep(2 * time.Second) // the first loads and watches
	before, bytes := c.revision(b), 0
	c.received.Store(0)
	started := time.Now()
	clock := time.NewTicker(time.Second)
	defer clock.Stop()
	second := 0
	for ; time.Since(started) < span; second++ {
		bytes += c.second(second)
		<-clock.C
	}
	took := time.Since(started).Seconds()
	runtime.GC()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	state, err := c.etcd.Status(ctx, c.server)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(c.revision(b)-before)/took, "writes/s")
	b.ReportMetric(float64(bytes)/1024/took, "record-KiB/s")
	b.ReportMetric(float64(memory.HeapInuse)/(1<<20), "heap-MiB")
	b.ReportMetric(float64(state.DbSize)/(1<<20), "db-MiB")
	b.ReportMetric(float64(c.received.Load())/1024/took/largeWatchers, "node-KiB/s")
}

func (c *largeCluster) revision(b *testing.B) int64 {
	r, err := c.etcd.Get(b.Context(), "x")
	if err != nil {
		b.Fatal(err)
	}
	return r.Header.Revision
}

// watchRouters is what an expert node watches.
func (c *largeCluster) watchRouters(ctx context.Context) {
	for r := range c.etcd.Watch(ctx, "/test/routers/", clientv3.WithPrefix()) {
		for _, e := range r.Events {
			c.received.Add(int64(len(e.Kv.Value)))
		}
	}
}

// second is what changes in a second: every router holds another number of
// requests, nodes and routers report within their bounds. It returns the bytes of
// the records.
func (c *largeCluster) second(n int) (bytes int) {
	for i := n * nodeWrites; i < (n+1)*nodeWrites; i++ {
		c.nodes[i%largeNodes].Update(func(r *hachiv1.NodeRecord) {
			r.RowsServed += 1 << 20
			r.BusySeconds += 5
			bytes += proto.Size(r)
		})
	}
	for i, router := range c.routers {
		router.Update(func(r *hachiv1.RouterRecord) {
			r.Load = uint32(n + i%7)
			bytes += proto.Size(r)
		})
		c.loads[i].Update(func(r *hachiv1.RouterLoad) {
			if size := proto.Size(r); size > 0 && (n+i)%max(1, (size+routerBytes-1)/routerBytes) > 0 {
				return
			}
			r.RowsSent = make([]uint64, c.experts)
			for e := range r.RowsSent {
				r.RowsSent[e] = uint64(1<<24 + n<<10 + e)
			}
			bytes += proto.Size(r)
		})
	}
	return bytes
}
