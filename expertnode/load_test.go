package expertnode

import (
	"math"
	"testing"
	"time"
)

func TestAllNodesTogetherReportNoMoreThanABound(t *testing.T) {
	for _, nodes := range []int{0, 1, 8, 100, 1000, 5000} {
		every := LoadEvery(nodes)
		if every < reportEvery || float64(nodes)/every.Seconds() > loadWrites {
			t.Errorf("%d nodes report every %v", nodes, every)
		}
	}
}

func TestAMeasuredValueIsReportedWhenItHasChanged(t *testing.T) {
	reported := 0.0
	for _, c := range []struct{ measured, want float64 }{{1, 1}, {1.09, 1}, {0.95, 1}, {1.2, 1.2}, {0, 0}} {
		if settle(&reported, c.measured); math.Abs(reported-c.want) > 1e-12 {
			t.Errorf("measured %g: reported %g, want %g", c.measured, reported, c.want)
		}
	}
}

func TestLoadingIsMeasured(t *testing.T) {
	l := &loop{n: &Node{cfg: Config{ExpertBytes: 1 << 20}}}
	l.loaded(time.Second)
	if l.loadRate != 1<<20 {
		t.Errorf("%g bytes/s after the first expert, want %d", l.loadRate, 1<<20)
	}
	if l.loaded(time.Second / 2); l.loadRate <= 1<<20 || l.loadRate >= 2<<20 {
		t.Errorf("%g bytes/s, want a mean", l.loadRate)
	}
}
