package memory

import (
	"os"
	"runtime"
	"testing"
	"time"
)

type self struct{}

func (self) PID() int { return os.Getpid() }

func TestAWatchSeesItsProcess(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux says what a process has")
	}
	began := time.Now()
	w := Start(self{}, self{})
	for w.Most(began, time.Now()) == 0 {
		time.Sleep(time.Millisecond)
	}
	w.Stop()
	if n := w.Most(began.Add(-time.Hour), began); n != 0 {
		t.Errorf("%d bytes before the watch", n)
	}
}

func TestGrowthIsThatOfTheSecondQuarterToTheLast(t *testing.T) {
	from := time.Unix(1_000, 0)
	w := &Watch{}
	for i, bytes := range []int64{900, 900, 100, 110, 500, 500, 120, 130} {
		w.samples = append(w.samples, sample{from.Add(time.Duration(i) * time.Second), bytes})
	}
	g := w.Growth(from, from.Add(8*time.Second))
	if g != (Growth{Before: 110, After: 130}) {
		t.Errorf("%+v", g)
	}
	if g.Exceeds(1.2) || !g.Exceeds(1.1) {
		t.Errorf("130 of 110 exceeds 1.2: %v, 1.1: %v", g.Exceeds(1.2), g.Exceeds(1.1))
	}
}
