package router

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

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
		for now := start; now.Sub(start) < seconds*time.Second; now = now.Add(reportEvery) {
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
