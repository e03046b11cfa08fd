package router

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/hachi-serve/hachi/internal/cluster/memory"
	"github.com/hachi-serve/hachi/internal/cluster/registry"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// written counts the bytes of a load record that is written at every change.
type written struct {
	record hachiv1.RouterLoad
	bytes  int
	times  int
}

func (w *written) Update(change func(*hachiv1.RouterLoad)) {
	change(&w.record)
	w.bytes += proto.Size(&w.record)
	w.times++
}

// TestLoadReportsAreBounded whatever the number of experts.
func TestLoadReportsAreBounded(t *testing.T) {
	const seconds = 100
	for _, experts := range []int{8, 256, 6144, 100_000} {
		counts, w := make([]uint64, experts), &written{}
		var report loadReport
		start := time.Unix(0, 0)
		for now := start; now.Sub(start) < seconds*time.Second; now = now.Add(ReportEvery) {
			for i := range counts {
				counts[i] += uint64(1 << 20)
			}
			report.report(w, func() []uint64 { return counts }, 1, now)
		}
		largest := proto.Size(&w.record)
		if w.times > seconds || w.bytes > loadBytesPerSecond*seconds+largest {
			t.Errorf("%d experts: %d bytes in %d records in %d s", experts, w.bytes, w.times, seconds)
		}
		if w.times == 0 || (experts <= 256 && w.times != seconds) {
			t.Errorf("%d experts: %d records in %d s", experts, w.times, seconds)
		}
	}
}

// countingStore counts what is written to it.
type countingStore struct {
	registry.Store
	puts atomic.Int64
}

func (c *countingStore) Put(ctx context.Context, key string, value []byte, lease registry.LeaseID) error {
	c.puts.Add(1)
	return c.Store.Put(ctx, key, value, lease)
}

// TestTheRecordIsWrittenOnceASecond whatever the load does, and is right in the
// end.
func TestTheRecordIsWrittenOnceASecond(t *testing.T) {
	const seconds = 600
	for name, tt := range map[string]struct {
		load func(step int) uint32
		most int64
	}{
		"any load at any time":    {func(int) uint32 { return rand.Uint32N(100) }, seconds},
		"an answer more and less": {func(step int) uint32 { return 40 + uint32(step%2) }, seconds / 10},
		"all or none":             {func(step int) uint32 { return uint32(step % 2 * 32) }, seconds},
		"a load that stays":       {func(int) uint32 { return 32 }, 1},
		"none":                    {func(int) uint32 { return 0 }, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			store := &countingStore{Store: memory.New()}
			reg := registry.New(store, registry.Prefix("c"), registry.Options{TTL: time.Minute})
			defer reg.Close()
			session := reg.RegisterRouter(t.Context(), &hachiv1.RouterRecord{RouterId: "r"})
			time.Sleep(time.Second)
			first := store.puts.Load()
			var recorded recordedLoad
			update := func(load uint32) {
				now := recorded.observe(load, time.Now())
				session.Update(func(r *hachiv1.RouterRecord) { r.Load = now })
				time.Sleep(ReportEvery)
			}
			for step := range seconds * int(time.Second/ReportEvery) {
				update(tt.load(step))
			}
			if n := store.puts.Load() - first; n > tt.most+1 {
				t.Errorf("%s: %d writes in %d s, want at most %d", name, n, seconds, tt.most)
			}
			for range recordWithin/ReportEvery + 1 {
				update(7)
			}
			records, err := reg.Routers(t.Context())
			if err != nil || len(records) != 1 || records[0].GetLoad() != 7 {
				t.Errorf("%s: the record says %v, %v", name, records, err)
			}
			if err := session.Close(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}
